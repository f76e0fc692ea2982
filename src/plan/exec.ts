/**
 * The order in which a process enters a container that runs: the second list for the same executor. What comes once it
 * is inside is shared with `create` (process_phases.ts). Nothing is mounted and nothing frozen.
 */

import { O_DIRECTORY, O_PATH } from '../kernel/files.ts'
import type { NamespaceType } from '../kernel/namespaces.ts'
import type { Spec } from '../spec/types.gen.ts'
import { planExecConsole } from './console.ts'
import { type ProcessContext, type ProcessRequest, planContext, SLOT } from './context.ts'
import type { ProcessFacts } from './facts.ts'
import { joinedNamespaces, planJoin } from './join.ts'
import { pidFileStep } from './pid_file.ts'
import { planEnterCgroups, planProtection, planSession } from './process.ts'
import { type Phase, processPhases } from './process_phases.ts'
import { dieWithParent } from './protection.ts'
import { planAffinity } from './scheduling.ts'
import { listenerSteps, refuseSeccomp } from './seccomp/filter.ts'
import type { ChildStep, HostStep, Plan } from './step.ts'
import { labelProblems, processProblems, profileProblems, refuseAll } from './unsupported_process.ts'

export interface ExecInput extends Pick<ProcessContext, 'seccomp'> {
  /** The container's configuration with the process to be run in the place of its own. */
  readonly spec: Spec
  readonly facts: ProcessFacts
  readonly request: ProcessRequest
  /** The container's init, on the host. */
  readonly pid: number
  /** The types in which init's namespace is not the runtime's own. */
  readonly join: readonly NamespaceType[]
  readonly cgroup: {
    /** v1 `tasks` files to enter by. */
    readonly tasks: readonly string[]
    /** Whether the process is born in a v2 cgroup. */
    readonly into: boolean
    /** Whether systemd puts the process into the cgroup instead. */
    readonly unit?: object
  }
  /** Files of resctrl that take its pid. */
  readonly rdtTasks?: readonly string[]
}

type ExecContext = ProcessContext & Pick<ExecInput, 'pid' | 'join' | 'cgroup' | 'rdtTasks'>

/** Compiles a plan. Pure: throws RuntimeError 'unsupported', does nothing else. */
export function buildExecPlan(input: ExecInput): Plan {
  const { ctx, stage, phases } = planPrograms(input)
  return {
    parent: parentSteps(ctx, stage.length > 0),
    presets: ctx.presets,
    stage,
    init: phases.flatMap((phase) => phase.steps),
    keepFds: ctx.request.preserveFds,
    warnings: ctx.warnings,
  }
}

/** The phases of the process with their names, for documents and tests. */
export function execPhases(input: ExecInput): Phase[] {
  return planPrograms(input).phases
}

function planPrograms(input: ExecInput): { ctx: ExecContext; stage: readonly ChildStep[]; phases: Phase[] } {
  // The rest of the configuration was looked at when the container was created.
  const { process } = input.spec
  const { facts } = input
  const label = labelProblems(process?.selinuxLabel, '/process/selinuxLabel', facts)
  refuseAll([...processProblems(process, facts), ...profileProblems(process, facts), ...label], 'config.json')
  refuseSeccomp(input)
  const namespaces = joinedNamespaces(input.join, input.pid)
  const spec = { ...input.spec, linux: { ...input.spec.linux, namespaces } }
  const ctx = planContext({ ...input, spec })
  ctx.presets.push(
    { kind: 'socket', slot: SLOT.peer },
    { kind: 'open', slot: SLOT.hostProc, path: '/proc', flags: O_PATH | O_DIRECTORY },
  )
  // SAFETY: a container that may trace its processes can take their fds (CAP_SYS_PTRACE): none of the host that is not
  // needed inside. Only labels are written there.
  const labelled = Boolean(spec.process?.selinuxLabel || spec.process?.apparmorProfile)
  // The host's own is as good as a private one: nothing of the container can be mounted over it.
  if (labelled) ctx.presets.push({ kind: 'open', slot: SLOT.proc, path: '/proc', flags: O_PATH | O_DIRECTORY })
  const leaveProc: ChildStep[] = labelled ? [] : [{ kind: 'close', slot: SLOT.hostProc }]
  // ORDER: protection before the container can see anything of us; its cgroups before anything is allocated.
  const cpus = planAffinity(spec.process)
  const cgroups = [...(cpus?.initial ?? []), ...planEnterCgroups(ctx, cpus?.final)]
  const enter = [...planProtection(ctx), ...leaveProc, ...cgroups, ...planJoin(ctx, ctx.join), ...planRoot(ctx)]
  const forks = ctx.join.includes('pid') || ctx.join.includes('time')
  const first = forks ? planProtection(ctx).filter((step) => step.kind === 'prctl') : enter
  return { ctx, stage: forks ? [...enter, { kind: 'fork', flags: 0 }] : [], phases: initPhases(ctx, first) }
}

function initPhases(ctx: ExecContext, first: readonly ChildStep[]): Phase[] {
  const ready = {
    kind: 'sync',
    tag: 'ready',
    wait: true,
    origin: { doing: 'report that the process is ready' },
  } as const
  return [
    { name: 'entry', steps: first },
    { name: 'session', steps: planSession(ctx) },
    { name: 'console', steps: planExecConsole(ctx) },
    // ORDER: who waits for the pid file finds it there when the process begins; one whose runtime dies before does not.
    ...processPhases(ctx, [{ name: 'ready', steps: [ready, dieWithParent(0)] }]),
  ]
}

/** With a mount namespace comes its root. Without one of its own the container was only given another root. */
function planRoot(ctx: ExecContext): ChildStep[] {
  if (ctx.join.includes('mount')) return []
  const slot = ctx.slot()
  const origin = { config: '/root/path', doing: "enter the container's root" }
  ctx.presets.push({ kind: 'initRoot', slot, path: `/proc/${ctx.pid}/root` })
  return [
    { kind: 'chroot', root: slot, origin },
    { kind: 'close', slot },
  ]
}

function unitSteps(): HostStep[] {
  const enter: HostStep = { kind: 'enterUnit', origin: { doing: "enter the container's cgroup" } }
  return [{ kind: 'await', tag: 'cgroup' }, enter, { kind: 'answer', tag: 'cgroup' }]
}

/** What the parent does, in order. */
function parentSteps({ request, spec, cgroup, seccomp, rdtTasks = [] }: ExecContext, staged: boolean): HostStep[] {
  const { pidFile, pidfdSockets = [] } = request
  const rdt = { config: '/linux/intelRdt', doing: 'join the RDT class of service' }
  return [
    { kind: 'launch', flags: 0, names: [], intoCgroup: cgroup.into, origin: { doing: 'start a process' } },
    ...(cgroup.unit ? unitSteps() : []),
    ...(staged ? [{ kind: 'reapStage' as const }] : []),
    ...(rdtTasks.length > 0 ? [{ kind: 'rdtTasks' as const, files: rdtTasks, origin: rdt }] : []),
    ...(spec.process?.terminal
      ? [{ kind: 'console' as const, origin: { config: '/process/terminal', doing: 'pass the terminal on' } }]
      : []),
    { kind: 'await', tag: 'ready' },
    ...pidfdSockets.map((path) => ({ kind: 'sendPidfd' as const, path, text: 'setns' as const })),
    ...(pidFile ? [pidFileStep(pidFile)] : []),
    { kind: 'answer', tag: 'ready' },
    ...listenerSteps({ seccomp }),
  ]
}
