/** Turns the executor's numbers back into words: action, operands, place in config.json, what the kernel said. */

import { accessHint } from '../host/mount_access.ts'
import { exitOf, exitWords } from '../host/process.ts'
import { errnoText } from '../kernel/errno.ts'
import { callWords } from '../plan/print.ts'
import type { ChildStep, Plan } from '../plan/step.ts'
import type { LateStep } from '../state/record.ts'
import type { Report } from '../wire/decode.ts'
import type { Encoded } from '../wire/encode.ts'
import { CUSTOM } from '../wire/ops.ts'
import { outputWords } from './hooks.ts'

/** What is known of an init that ended in silence: its filter may forbid even to speak. */
export const UNDER_FILTER = ' before it could execute: does the seccomp profile allow execve?'

type Failed = Extract<Report, { kind: 'failed' }>

/** Engines match on these: containerd, dockerd and podman tell 127 from 126 by them. */
function executableWords(step: Extract<ChildStep, { kind: 'findExecutable' }>, errno: number): string {
  const { name } = step
  // execve(2) would say no more than EACCES of a directory, and that is what makes it 126 for Docker before 23 and podman.
  const text = errno === 21 ? `${errnoText(errno)}: ${errnoText(13)}` : errnoText(errno)
  if (errno !== 2) return `exec: "${name}": ${text}`
  return name.includes('/')
    ? `exec: "${name}": stat ${name}: ${text}`
    : `exec: "${name}": executable file not found in $PATH`
}

/** What a failure of this step means. */
export function failureWords(step: ChildStep, errno: number, detail: Buffer): string {
  const { doing = '', config } = step.origin ?? {}
  if (step.kind === 'findExecutable') return executableWords(step, errno)
  if (step.kind === 'filter' || (step.kind === 'exec' && detail.length > 0)) {
    const source = (step.kind === 'filter' ? step.source : step.filter?.source) ?? '/linux/seccomp'
    if (detail.toString() === 'listener') return `hand the seccomp listener over, from ${source}: ${errnoText(errno)}`
    return `unable to init seccomp: error loading seccomp filter into kernel, from ${source}: ${errnoText(errno)}`
  }
  if (step.kind === 'exec') return `${doing}: ${errnoText(errno)}`
  const place = config ? `, from ${config}` : ''
  return `${doing}${place}: ${reason(step, errno, detail)}`
}

function reason(step: ChildStep, errno: number, detail: Buffer): string {
  const call = callWords(step)
  if (step.kind === 'hook') {
    if (errno === CUSTOM.timeout) return `hook ran past specified timeout of ${(step.timeout / 1000).toFixed(1)}s`
    if (errno === CUSTOM.child)
      return `${exitWords(exitOf(detail.readInt32LE(0)))}${outputWords(detail.toString('utf8', 4))}`
    return errnoText(errno)
  }
  if (step.kind === 'verify' && errno === CUSTOM.verify) {
    const link = typeof step.is === 'object' && 'link' in step.is
    return `${call}: it is ${link ? 'there already, and no such link' : 'something else'}`
  }
  if (step.kind === 'chdir' && errno === CUSTOM.outside) {
    return 'current working directory is outside of container mount namespace root -- possible container breakout attempt'
  }
  // EACCES
  if (step.kind === 'cloneTree' && errno === 13) return `${call}: ${errnoText(errno)}${accessHint(step.path)}`
  if (step.kind === 'verifyMount' && errno === 22) return 'it is not a mount point'
  if (step.kind === 'scheduler' && errno === 1) return `${call}: ${errnoText(errno)} (${whyNotScheduled(step.policy)})`
  if (step.kind === 'memoryPolicy') return `${call}: ${errnoText(errno)}${whyNoPolicy(errno)}`
  const said = detail.length > 0 ? ` (${detail.toString('utf8').trim()})` : ''
  return `${call}: ${errnoText(errno)}${said}`
}

/** sched_setattr(2) says EPERM for more than a capability that is missing. */
function whyNotScheduled(policy: string): string {
  if (policy === 'SCHED_DEADLINE')
    return 'it takes CAP_SYS_NICE, and cannot be used together with a cpuset of some CPUs'
  if (policy === 'SCHED_FIFO' || policy === 'SCHED_RR')
    return 'it takes CAP_SYS_NICE, and on cgroup v1 a realtimeRuntime in /linux/resources/cpu'
  return 'it takes CAP_SYS_NICE'
}

/** set_mempolicy(2) says EINVAL for all that it does not like. */
function whyNoPolicy(errno: number): string {
  if (errno === 38) return ' (this kernel is built without NUMA)'
  if (errno !== 22) return ''
  return ' (does this kernel know the mode, and have memory in these nodes that the cpuset allows?)'
}

/**
 * The hooks and the exec that come after init has reported that it is created, for state.json: whoever hears of their
 * failure may know no more than what stands there.
 */
export function lateSteps(plan: Plan, encoded: Encoded): LateStep[] {
  const late: LateStep[] = []
  const { init: indices } = encoded.steps
  for (let record = indices.length - 1; record >= 0; record--) {
    const step = plan.init[indices[record] as number]
    if (step?.kind === 'sync' && step.tag === 'created') break
    const kept = step && lateStepOf(step)
    if (kept) late.push({ record, step: kept })
  }
  return late.reverse()
}

/** SAFETY: no secret of an environment or a command line in state.json. */
function lateStepOf(step: ChildStep): LateStep['step'] | undefined {
  if (step.kind === 'filter') return { ...step, program: new Uint8Array(0) }
  if (step.kind === 'hook') return { ...step, args: [], env: [] }
  if (step.kind !== 'exec') return undefined
  const { filter: _, ...rest } = step
  return { ...rest, args: [], env: [] }
}

/** The step of a failure that init reports to `start`. */
export function lateStep(steps: readonly LateStep[], report: Failed): LateStep['step'] | undefined {
  return steps.find(({ record }) => record === report.record)?.step
}

/** The words for it. */
export function lateWords(steps: readonly LateStep[], report: Failed): string {
  const step = lateStep(steps, report)
  if (!step) return `container init failed at record ${report.record}: ${errnoText(report.errno)}`
  return failureWords(step, report.errno, report.detail)
}

/** The words for a failure report. */
export function reportWords(plan: Plan, encoded: Encoded, report: Failed): string {
  const steps = report.program === 'stage' ? plan.stage : plan.init
  const index = encoded.steps[report.program][report.record]
  let step = index === undefined ? undefined : steps[index]
  let { detail } = report
  // Masked paths share a record.
  if (step?.kind === 'maskPath' && detail.length >= 4) {
    step = steps[(index as number) + detail.readUInt32LE(0)]
    detail = report.detail.subarray(4)
  }
  if (!step) return `container init failed at ${report.program} record ${report.record}: ${errnoText(report.errno)}`
  return failureWords(step, report.errno, detail)
}
