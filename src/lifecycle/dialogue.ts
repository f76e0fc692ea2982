/** What parent and child say to each other: the child's reports, the parent's answers, a failure in words. */
import { RuntimeError, SysError } from '../base/errors.ts'
import { closeFd } from '../ffi/file.ts'
import { oomKills } from '../host/cgroup/oom_kills.ts'
import { memfdTail } from '../host/memfd.ts'
import { diedBeforeExec, openPidfd, reap } from '../host/process.ts'
import { receive, send } from '../host/socket.ts'
import { TAGS } from '../plan/tags.ts'
import { decodeReport, encodeAnswer, type Report } from '../wire/decode.ts'
import { CUSTOM } from '../wire/ops.ts'
import { KeptFailed, type Launching } from './launching.ts'
import { reportWords, UNDER_FILTER } from './words.ts'

/** Receives reports until `done` says that the one waited for is there; an fd that came with it is then its own. */
export function receiveUntil(launching: Launching, done: (report: Report, fd: number) => boolean): void {
  for (;;) {
    const { message, fd } = launching.early.shift() ?? receive(launching.peer, launching.signals)
    const report = reportOf(launching, message)
    if (done(report, fd)) return
    if (fd >= 0) closeFd(fd)
    // Stage and init share the socket: the stage's word about its child may come after the child's own.
    if (report.kind !== 'child') throw new RuntimeError('create', `bug: unexpected report ${JSON.stringify(report)}`)
  }
}

/** A message as the report that it is; throws what a failure means. */
function reportOf(launching: Launching, message: Uint8Array): Exclude<Report, { kind: 'failed' }> {
  if (message.length === 0) throw childDied(launching)
  const report = decodeReport(message instanceof Buffer ? message : Buffer.from(message))
  if (report.kind === 'failed') throw childFailed(launching, report)
  if (report.kind === 'child') launching.forked = report.pid
  return report
}

function childFailed(launching: Launching, report: Extract<Report, { kind: 'failed' }>): Error {
  const { plan, encoded, hookOutput } = launching
  if (!encoded) throw new Error('bug: a report without a plan')
  // A detail says more than there is to say of the steps that are known.
  const known = report.detail.length === 0 && encoded.steps[report.program][report.record] !== undefined
  if (launching.kept && !known) throw new KeptFailed()
  // All that hooks printed, where init's own report has room for the end of it only.
  const output = report.errno === CUSTOM.child && hookOutput >= 0 ? memfdTail(hookOutput) : ''
  const detail = output === '' ? report.detail : Buffer.concat([report.detail.subarray(0, 4), Buffer.from(output)])
  const words = reportWords(plan, encoded, { ...report, detail })
  return failure(launching, words)
}

/** The socket closed without a word. How init ended is all there is to say. */
function childDied(launching: Launching, hint = ''): RuntimeError {
  const child = launching.init ?? launching.stage
  const exit = child && reap(child.pid)
  const kills = exit?.signal === 9 ? oomKills(launching.limited) : undefined
  // runc's words, and then what it does not say.
  if (kills) return failure(launching, `container init was OOM-killed (memory limit too low?): ${kills}`)
  const memory = exit?.signal === 9 ? ' (out of memory, or killed by somebody; is the memory limit large enough?)' : ''
  const end = !exit
    ? 'ended'
    : exit.signal === undefined
      ? `exited with status ${exit.code}`
      : `was killed by signal ${exit.signal}`
  return failure(launching, `container init ${end}${hint || memory}`)
}

function failure({ failing }: Launching, words: string): RuntimeError {
  return new RuntimeError(failing.code, `${failing.words}${words}`)
}

/** Lets the child come to a sync. */
export function awaitTag(launching: Launching, tag: keyof typeof TAGS): void {
  receiveUntil(launching, (report) => report.kind === 'sync' && report.tag === TAGS[tag])
}

/** Lets the child go on. */
export function answer(launching: Launching, tag: keyof typeof TAGS): void {
  passing(launching, () => send(launching.peer, encodeAnswer(TAGS[tag]), 'answer the container init'))
}

/** Says something to the child. One that died while it waited (killed, out of memory) has left its end, and perhaps a report. */
export function passing(launching: Launching, say: () => void): void {
  try {
    say()
  } catch (error) {
    if (!(error instanceof SysError && error.errnoName === 'EPIPE')) throw error
    receiveUntil(launching, () => false)
  }
}

/** The stage has ended: its child, which is ours too, is the process from here on. */
export function reapStage(launching: Launching): void {
  // Its child may be heard before it is.
  while (launching.forked === 0) {
    const heard = receive(launching.peer, launching.signals)
    if (reportOf(launching, heard.message).kind !== 'child') launching.early.push(heard)
  }
  const pidfd = openPidfd(launching.forked)
  if (pidfd === undefined) throw childDied(launching)
  launching.init = { pid: launching.forked, pidfd }
  if (launching.stage) {
    reap(launching.stage.pid)
    closeFd(launching.stage.pidfd)
    launching.stage = undefined
  }
}

/** After the last answer: the socket closes without a word as the process waits for `start`, or as exec happens. */
export function finish(launching: Launching): void {
  const { message } = receive(launching.peer, launching.signals)
  if (message.length === 0) {
    if (launching.outline.filtered && launching.init && diedBeforeExec(launching.init.pid, launching.mark))
      throw childDied(launching, UNDER_FILTER)
    return
  }
  const report = decodeReport(message)
  if (report.kind === 'failed') throw childFailed(launching, report)
  throw new RuntimeError('create', `bug: unexpected report ${JSON.stringify(report)}`)
}
