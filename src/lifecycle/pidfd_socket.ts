/**
 * --pidfd-socket, and crun's annotation run.oci.pidfd_receiver: whoever listens there gets a pidfd of the container's
 * process, so that it never has to go by a number that may be used again.
 */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { absolutePath } from '../base/path.ts'
import { closeFd } from '../ffi/file.ts'
import { connectUnix, sendFd } from '../host/socket.ts'
import type { HostStep } from '../plan/step.ts'
import { ANNOTATION } from '../spec/annotations.ts'
import type { Launching } from './launching.ts'

/** How long a listener may take to make room, in ms. */
const PATIENCE = 10_000

/** The sockets asked for by flag and annotation, absolute. */
export function pidfdPaths(
  flag: string | undefined,
  annotations: Readonly<Record<string, string>> | undefined,
  cwd: string,
): string[] {
  const asked = [flag, annotations?.[ANNOTATION.pidfdReceiver]].filter((path) => path !== undefined && path !== '')
  return [...new Set(asked.map((path) => absolutePath(path as string, cwd)))]
}

/** Connects to each, before anything is made; the caller closes them ({@link closePidfdSockets}). Throws 'create'. */
export function connectPidfdSockets(paths: readonly string[]): Map<string, number> {
  const sockets = new Map<string, number>()
  for (const path of paths) {
    try {
      sockets.set(path, connectUnix(path, 'stream', PATIENCE))
    } catch (error) {
      closePidfdSockets(sockets)
      throw new RuntimeError('create', `pidfd socket "${path}": ${messageOf(error)}`)
    }
  }
  return sockets
}

export function closePidfdSockets(sockets: ReadonlyMap<string, number>): void {
  for (const fd of sockets.values()) closeFd(fd)
}

/** One message with the pidfd and runc's text. Throws 'create' when nobody takes it. */
export function sendPidfd({ pidfdSockets, init }: Launching, { path, text }: Extract<HostStep, { kind: 'sendPidfd' }>) {
  const socket = pidfdSockets.get(path)
  if (socket === undefined || !init) throw new Error(`bug: no socket "${path}", or no process`)
  try {
    sendFd(socket, Buffer.from(text), init.pidfd, 'send the pidfd')
  } catch (error) {
    throw new RuntimeError('create', `pidfd socket "${path}": ${messageOf(error)}`)
  }
}
