/** `start`: tells a created container's init to go on to exec. */
import { messageOf, RuntimeError, SysError } from '../base/errors.ts'
import { closeFd, unlink } from '../ffi/file.ts'
import { diedBeforeExec, openPidfd } from '../host/process.ts'
import { awaitReadable } from '../host/signals.ts'
import { connectUnix, receive, send } from '../host/socket.ts'
import type { ContainerRecord } from '../state/record.ts'
import { START_SOCKET, statusOf } from '../state/status.ts'
import { type Claim, openContainer, readRecord, releaseContainer, unlockContainer } from '../state/store.ts'
import { decodeReport, encodeAnswer } from '../wire/decode.ts'
import { WIRE } from '../wire/ops.ts'
import { removeAll } from './delete.ts'
import { runRecordedHooks } from './hooks.ts'
import type { Notifier } from './notify.ts'
import type { Runtime } from './runtime.ts'
import { lateWords, UNDER_FILTER } from './words.ts'

/**
 * Starts the container; throws when its process could not be executed. Two at once: one starts it, one is refused. With a
 * notifier it stays until the container is ready, or has ended.
 */
export async function startContainer(runtime: Runtime, id: string, notifier?: Notifier): Promise<void> {
  const claim = openContainer(runtime.root, id, true) as Claim
  let ready: Waiting | undefined
  try {
    const record = readRecord(runtime.root, id)
    const status = record ? statusOf(claim.path, record) : 'creating'
    if (!record || status !== 'created') throw notStartable(status)
    // ORDER: the socket before the process that speaks to it, the pidfd while the pid is surely its own.
    ready = notifier && waiting(notifier, claim, record)
    await go(claim, record)
    unlink(START_SOCKET, claim.fd)
    poststart(runtime, claim, record)
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
function poststart(runtime: Runtime, claim: Claim, record: ContainerRecord): void {
  try {
    runRecordedHooks(claim, record, 'poststart', runtime.log)
  } catch (error) {
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

/** Connects to init and waits until exec has happened, which closes the connection without a word. */
async function go(claim: Claim, record: ContainerRecord): Promise<void> {
  let peer: number
  try {
    peer = connectUnix(`${claim.path}/${START_SOCKET}`, 'seqpacket', 0)
  } catch (error) {
    // Nobody listens: init went on already, and whoever told it to died before it could say so here.
    if (error instanceof SysError && error.errnoName === 'ECONNREFUSED') {
      unlink(START_SOCKET, claim.fd)
      throw notStartable('running')
    }
    throw new RuntimeError('start', `reach the container init: ${messageOf(error)}`)
  }
  try {
    send(peer, encodeAnswer(WIRE.magic), 'tell the container init to start')
    let { message } = receive(peer)
    if (message.length > 0 && record.seccomp?.listener) message = await listen(peer, record, message)
    if (message.length === 0) return checkExecuted(record)
    const report = decodeReport(message)
    if (report.kind !== 'failed') throw new RuntimeError('start', `bug: unexpected report ${JSON.stringify(report)}`)
    awaitEnd(record.pid)
    throw new RuntimeError('start', `unable to start container process: ${lateWords(record.late ?? [], report)}`)
  } finally {
    closeFd(peer)
  }
}

/** Hands over the listener if that is what the message is about; the next message. */
async function listen(peer: number, record: ContainerRecord, message: Buffer): Promise<Buffer> {
  const report = decodeReport(message)
  const listener = record.seccomp?.listener
  if (report.kind !== 'listener' || !listener) return message
  const { passLateListener } = await import('./listener.ts')
  passLateListener(peer, record, listener, report.fd)
  return receive(peer).message
}

/** Under a filter an init that fails may not be able to say so. */
function checkExecuted({ seccomp, pid }: ContainerRecord): void {
  if (seccomp && diedBeforeExec(pid))
    throw new RuntimeError('start', `unable to start container process: container init ended${UNDER_FILTER}`)
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
