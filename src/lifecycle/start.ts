/** `start`: tells a created container's init to go on to exec. */
import { messageOf, RuntimeError, SysError } from '../base/errors.ts'
import { closeFd, unlink } from '../ffi/file.ts'
import type { CallerStart } from '../host/caller.ts'
import { oomKills } from '../host/cgroup/oom_kills.ts'
import { memfdTail } from '../host/memfd.ts'
import { diedBeforeExec, openPidfd } from '../host/process.ts'
import { awaitReadable } from '../host/signals.ts'
import { connectUnix, receive, send } from '../host/socket.ts'
import { TAGS } from '../plan/tags.ts'
import { adoptContainer, openContainer, releaseContainer, unlockContainer } from '../state/claim.ts'
import type { Claim } from '../state/folder.ts'
import type { ContainerRecord } from '../state/record.ts'
import { START_SOCKET, statusOf } from '../state/status.ts'
import { readRecord } from '../state/store.ts'
import { decodeReport, encodeAnswer, type Report } from '../wire/decode.ts'
import { CUSTOM, WIRE } from '../wire/ops.ts'
import { removeAll } from './delete.ts'
import { logOutput, runRecordedHooks } from './hooks.ts'
import type { Notifier } from './notify.ts'
import type { Runtime } from './runtime.ts'
import { loadUnits } from './units.ts'
import { lateStep, lateWords, UNDER_FILTER } from './words.ts'

type Failed = Extract<Report, { kind: 'failed' }>

/**
 * Starts the container; throws when its process could not be executed. Two at once: one starts it, one is refused. With a
 * notifier it stays until the container is ready, or has ended. `told`: init has been told already.
 */
export async function startContainer(
  runtime: Runtime,
  id: string,
  notifier?: Notifier,
  told?: CallerStart,
): Promise<void> {
  const adopted = told && adoptContainer(runtime.root, id, told.folder)
  const claim = adopted ?? (openContainer(runtime.root, id, true) as Claim)
  let ready: Waiting | undefined
  try {
    const record = readRecord(runtime.root, id)
    // Told already, it may be running, or have ended: what it has to say is the answer.
    const status = record ? (adopted ? 'created' : statusOf(claim.path, record)) : 'creating'
    if (!record || status !== 'created') throw notStartable(status)
    // ORDER: the socket before the process that speaks to it, the pidfd while the pid is surely its own.
    ready = notifier && waiting(notifier, claim, record)
    await go(runtime, claim, record, adopted && told?.peer)
    unlink(START_SOCKET, claim.fd)
    await poststart(runtime, claim, record)
    // ORDER: without the lock: others may kill or delete it meanwhile.
    unlockContainer(claim)
    ready?.wait()
  } finally {
    if (ready) closeFd(ready.pidfd)
    releaseContainer(claim)
  }
}

/** What is left to wait for when the process has been executed; the pidfd is the caller's to close. */
interface Waiting {
  readonly pidfd: number
  wait(): void
}

function waiting(notifier: Notifier, claim: Claim, { pid }: ContainerRecord): Waiting {
  notifier.listen(claim)
  const pidfd = openPidfd(pid)
  if (pidfd === undefined) throw notStartable('stopped')
  const wait = () => {
    notifier.awaitReady(pid, pidfd)
    notifier.settle()
  }
  return { pidfd, wait }
}

/** SPEC: runtime.md#lifecycle step 9: when a poststart hook fails, the container is stopped and destroyed. */
async function poststart(runtime: Runtime, claim: Claim, record: ContainerRecord): Promise<void> {
  try {
    runRecordedHooks(claim, record, 'poststart', runtime.log)
  } catch (error) {
    await loadUnits(record)
    removeAll(runtime, claim, record)
    throw error
  }
}

/** runc's words where it has them. */
function notStartable(status: string): RuntimeError {
  if (status === 'stopped') return new RuntimeError('bad-state', 'cannot start a container that has stopped')
  if (status === 'running') return new RuntimeError('bad-state', 'cannot start an already running container')
  return new RuntimeError('bad-state', `cannot start a container in the ${status} state`)
}

/** What init has said since it was told to go on. */
interface Heard {
  /** Its startContainer hooks have run. */
  hooked: boolean
  /** What they print to. */
  output: number
}

/** Waits until exec has happened, as {@link startContainer} does, for an init that was told to go on by `run`. */
export const hearInit = go

/** Connects to init and waits until exec has happened, which closes the connection without a word. */
async function go(runtime: Runtime, claim: Claim, record: ContainerRecord, told?: number): Promise<void> {
  const peer = told ?? connectInit(claim)
  const heard: Heard = { hooked: false, output: -1 }
  try {
    if (told === undefined) send(peer, encodeAnswer(WIRE.magic), 'tell the container init to start')
    for (;;) {
      const { message, fd } = receive(peer)
      if (message.length === 0) break
      const report = decodeReport(message)
      if (report.kind === 'failed') throw failed(runtime, claim, record, report, heard)
      if (report.kind === 'fd') takeOutput(heard, fd)
      else if (report.kind === 'listener' && record.seccomp?.listener)
        (await import('./listener.ts')).passLateListener(peer, record, record.seccomp.listener, report.fd)
      else if (report.kind === 'sync' && report.tag === TAGS.hooked) heard.hooked = true
      else throw new RuntimeError('start', `bug: unexpected report ${JSON.stringify(report)}`)
    }
    checkExecuted(record, heard)
    logOutput(runtime.log, 'startContainer hooks', outputOf(heard))
  } finally {
    closeFd(peer)
    if (heard.output >= 0) closeFd(heard.output)
  }
}

function connectInit(claim: Claim): number {
  try {
    return connectUnix(`${claim.path}/${START_SOCKET}`, 'seqpacket', 0)
  } catch (error) {
    // Nobody listens: init went on already, and whoever told it to died before it could say so here.
    if (error instanceof SysError && error.errnoName === 'ECONNREFUSED') {
      unlink(START_SOCKET, claim.fd)
      throw notStartable('running')
    }
    throw new RuntimeError('start', `reach the container init: ${messageOf(error)}`)
  }
}

function takeOutput(heard: Heard, fd: number): void {
  if (heard.output >= 0) closeFd(heard.output)
  heard.output = fd
}

function outputOf({ output }: Heard): string {
  return output < 0 ? '' : memfdTail(output)
}

/** SPEC: runtime.md#lifecycle step 7: when a startContainer hook fails, the container is stopped and destroyed. */
function failed(runtime: Runtime, claim: Claim, record: ContainerRecord, report: Failed, heard: Heard): RuntimeError {
  const said = report.errno === CUSTOM.child ? Buffer.from(outputOf(heard)) : Buffer.alloc(0)
  const detail = said.length > 0 ? Buffer.concat([report.detail.subarray(0, 4), said]) : report.detail
  const words = lateWords(record.late ?? [], { ...report, detail })
  awaitEnd(record.pid)
  if (lateStep(record.late ?? [], report)?.kind === 'hook') removeAll(runtime, claim, record)
  return new RuntimeError('start', `unable to start container process: ${words}`)
}

/** An init that is killed ends without a word, and under a filter one that fails may not be able to say so. */
function checkExecuted({ seccomp, pid, late, cgroup }: ContainerRecord, { hooked }: Heard): void {
  const how = 'unable to start container process: container init ended'
  if (!hooked && late?.some(({ step }) => step.kind === 'hook')) {
    const why = (cgroup && oomKills(cgroup)) ?? 'killed, or out of memory?'
    throw new RuntimeError('start', `${how} before its startContainer hooks had run (${why})`)
  }
  if (seccomp && diedBeforeExec(pid, seccomp.mark)) throw new RuntimeError('start', `${how}${UNDER_FILTER}`)
}

/** An init that has told why it fails ends at once: who asks for the state next is to see it stopped. */
function awaitEnd(pid: number): void {
  const pidfd = openPidfd(pid)
  if (pidfd === undefined) return
  try {
    awaitReadable(pidfd, 1000)
  } finally {
    closeFd(pidfd)
  }
}
