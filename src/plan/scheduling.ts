/** How a process is scheduled: CPU, I/O, the CPUs and the memory it may use; and the system that it is told it runs on. */
import type { Linux, Process } from '../spec/types.gen.ts'
import type { ChildStep } from './step.ts'

/**
 * Scheduler and I/O priority.
 * ORDER: after the cgroups are entered, since real-time policies are granted by the cgroup; as late as can be, since the
 * process may get little time from here on; before the capabilities go, as most of this takes CAP_SYS_NICE.
 */
export function planScheduling(process: Process | undefined): ChildStep[] {
  const steps: ChildStep[] = []
  const { scheduler, ioPriority } = process ?? {}
  // SPEC: SCHED_ISO is in the list, but in no kernel: unsupported.ts refuses it.
  if (scheduler && scheduler.policy !== 'SCHED_ISO') {
    const { policy, flags = [], nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler
    const times = { runtime: String(runtime), deadline: String(deadline), period: String(period) }
    const origin = { config: '/process/scheduler', doing: `set the scheduler to ${policy}` }
    steps.push({ kind: 'scheduler', policy, flags, nice, priority, ...times, origin })
  }
  if (ioPriority) {
    const { class: name, priority = 0 } = ioPriority
    const origin = { config: '/process/ioPriority', doing: `set the I/O priority to ${name} ${priority}` }
    steps.push({ kind: 'ioPriority', class: name, priority, origin })
  }
  return steps
}

/** The CPUs of a process that enters a container; undefined: those of the container's cpuset. */
export interface Affinity {
  /** Before it enters the cgroups: its way in must not take time from others' CPUs. */
  readonly initial: readonly ChildStep[]
  /** After that, for good. */
  readonly final: readonly ChildStep[]
}

/** SPEC: config.md#linux-process execCPUAffinity: not for the container's first process. */
export function planAffinity(process: Process | undefined): Affinity | undefined {
  const { initial = '', final = '' } = process?.execCPUAffinity ?? {}
  if (initial === '' && final === '') return undefined
  return { initial: affinityStep('initial', initial), final: affinityStep('final', final) }
}

function affinityStep(which: 'initial' | 'final', cpus: string): ChildStep[] {
  const origin = { config: `/process/execCPUAffinity/${which}`, doing: `set the ${which} CPU affinity to ${cpus}` }
  return cpus === '' ? [] : [{ kind: 'affinity', cpus, origin }]
}

/**
 * The NUMA policy of the process, which exec and its children keep.
 * ORDER: in the cgroup, whose cpuset says which nodes there are; before the seccomp filter, which may forbid the call.
 */
export function planMemoryPolicy(linux: Linux | undefined): ChildStep[] {
  if (linux?.memoryPolicy === undefined) return []
  const { mode, nodes = '', flags = [] } = linux.memoryPolicy
  const origin = { config: '/linux/memoryPolicy', doing: `set the memory policy to ${mode}` }
  return [{ kind: 'memoryPolicy', mode, flags, nodes, origin }]
}

/**
 * personality(2). ORDER: before the seccomp filter, which may forbid the call.
 */
export function planPersonality(linux: Linux | undefined): ChildStep[] {
  const domain = linux?.personality?.domain
  if (domain === undefined) return []
  const origin = { config: '/linux/personality/domain', doing: `set the personality to ${domain}` }
  return [{ kind: 'personality', domain, origin }]
}
