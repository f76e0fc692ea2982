/** The listener of a seccomp filter, on its way from the container's process to the agent. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { closeFd } from '../ffi/file.ts'
import { openPidfd } from '../host/process.ts'
import { sendListener, takeListener } from '../host/seccomp/listener.ts'
import { send } from '../host/socket.ts'
import type { SeccompListener } from '../plan/seccomp/model.ts'
import type { HostStep } from '../plan/step.ts'
import { TAGS } from '../plan/tags.ts'
import type { ContainerRecord } from '../state/record.ts'
import { encodeAnswer } from '../wire/decode.ts'
import { answer, receiveUntil } from './dialogue.ts'
import { type SpecState, specState } from './hooks.ts'
import type { Launching } from './launching.ts'

/** A process that has loaded its filter and waits. */
interface Filtered {
  readonly pid: number
  readonly pidfd: number
  /** The listener's number there. */
  readonly fd: number
}

/** Hands the listener to the agent, and keeps nothing of it. Throws RuntimeError `code` when nobody takes it. */
function handOver(
  { path, metadata }: SeccompListener,
  { pid, pidfd, fd }: Filtered,
  state: SpecState,
  code: 'create' | 'start',
): void {
  let listener = -1
  try {
    listener = takeListener(pidfd, fd)
    const { ociVersion } = state
    const document = { ociVersion, fds: ['seccompFd'], pid, ...(metadata ? { metadata } : {}), state }
    sendListener(path, JSON.stringify(document), listener)
  } catch (error) {
    const why = `seccomp agent "${path}", from /linux/seccomp/listenerPath: ${messageOf(error)}`
    throw new RuntimeError(code, `unable to start container process: ${why}`)
  } finally {
    if (listener >= 0) closeFd(listener)
  }
}

/** The parent's step of `run` and `exec`. */
export function passListener(
  launching: Launching,
  { listener }: Extract<HostStep, { kind: 'listener' }>,
  state: SpecState | undefined,
): void {
  const { init } = launching
  if (!init || !state) throw new Error('bug: a filter without a process, or a container')
  let fd = -1
  receiveUntil(launching, (report) => {
    if (report.kind !== 'listener') return false
    fd = report.fd
    return true
  })
  handOver(listener, { ...init, fd }, state, 'create')
  answer(launching, 'listener')
}

/** The same for `start`, to which the listener was reported. */
export function passLateListener(peer: number, record: ContainerRecord, listener: SeccompListener, fd: number): void {
  const { pid } = record
  const pidfd = openPidfd(pid)
  if (pidfd === undefined) throw new RuntimeError('start', 'the container init is gone')
  try {
    handOver(listener, { pid, pidfd, fd }, specState(record, 'created'), 'start')
  } finally {
    closeFd(pidfd)
  }
  send(peer, encodeAnswer(TAGS.listener), 'answer the container init')
}
