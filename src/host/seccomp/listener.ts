/** The seccomp agent: whether it is there, and how it gets the listener of a filter. */
import { closeFd, withFd } from '../../ffi/file.ts'
import { must, native, sys } from '../../ffi/native.ts'
import { NATIVE } from '../../wire/ops.ts'
import { connectUnix } from '../socket.ts'

/** How long an agent may take to make room, in ms. */
const PATIENCE = 10_000
const MSG_NOSIGNAL = 0x4000
const EPROTOTYPE = 'EPROTOTYPE'

/**
 * Throws when nobody could take a connection to the socket. SPEC: an agent gets exactly one state with every connection,
 * so none is made to find out: the kernel refuses a datagram socket because of its type, but only after it has found
 * somebody there.
 */
export function checkAgent(path: string): void {
  let fd: number
  try {
    fd = connectUnix(path, 'datagram', PATIENCE)
  } catch (error) {
    if ((error as { errnoName?: string }).errnoName === EPROTOTYPE) return
    throw error
  }
  closeFd(fd)
  throw new Error(`connect "${path}": a datagram socket, not a stream`)
}

/**
 * Takes the listener out of a process that waits for the answer to its report (pidfd_getfd(2)). The fd is the caller's.
 */
export function takeListener(pidfd: number, number: number): number {
  return must('take the seccomp listener from the container init', sys('pidfd_getfd', pidfd, number, 0))
}

/**
 * Sends the state with the listener, and closes the connection.
 * SPEC: config-linux.md#containerprocessstate: with several messages the fd goes with the first.
 */
export function sendListener(path: string, state: string, listener: number): void {
  withFd(connectUnix(path, 'stream', PATIENCE), (socket) => {
    const bytes = Buffer.from(state)
    let sent = must(`send to "${path}"`, native(NATIVE.sendFd, socket, bytes, bytes.length, listener))
    while (sent < bytes.length) {
      const rest = bytes.subarray(sent)
      sent += must(`send to "${path}"`, sys('sendto', socket, rest, rest.length, MSG_NOSIGNAL, null, 0))
    }
  })
}
