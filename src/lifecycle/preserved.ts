/** The file descriptors that a caller hands on to a process (--preserve-fds). */
import { RuntimeError } from '../base/errors.ts'
import { closeFd, listDir } from '../ffi/file.ts'
import { callerFds } from '../host/caller.ts'

/**
 * The caller's fds must be there: one of our own in their place would be handed to the container. `sockets` of a service
 * manager come first.
 */
export function checkPreserved(count: number, sockets = 0): void {
  if (count + sockets === 0) return
  const given = callerFds()
  const open = new Set(listDir('/proc/self/fd').map(Number))
  for (let fd = 3; fd < 3 + sockets + count; fd++) {
    if (given === undefined ? open.has(fd) : fd < 3 + given) continue
    const what =
      fd < 3 + sockets
        ? `socket ${fd} (of ${sockets}, LISTEN_FDS) is present`
        : `preserved-fd ${fd} (of ${count}) is present`
    throw new RuntimeError('usage', `please check that ${what}: bad file descriptor`)
  }
}

/** What was handed on is the container's alone: whoever reads from it is to see the end when the container closes it. */
export function forgetPreserved(count: number): void {
  if (callerFds() === undefined) return // what is 3 and above may be the engine's own
  for (let fd = 3; fd < 3 + count; fd++) closeFd(fd)
}
