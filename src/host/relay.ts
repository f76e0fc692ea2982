/**
 * Copies bytes from one fd to another without ever waiting for either: a reader that has stopped must not keep signals
 * from being handled. The caller polls for both ends and calls {@link pump} when one is ready.
 */
import { closeFd, type FileStatus, openFile, statIf } from '../ffi/file.ts'
import { sys } from '../ffi/native.ts'
import {
  O_NOCTTY,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../kernel/files.ts'
import { PTMX_DEVICE } from '../kernel/tty.ts'
import { isTerminal } from './terminal.ts'

/** As much as is taken from one end before the other has taken it. */
const SIZE = 65536
/** As often as bytes go through before the caller is asked for other things to do. */
const ROUNDS = 64
/** A pipe that polls writable takes this much without waiting. */
const PIPE_BUF = 4096
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const EAGAIN = -11

/** One end of a copy. */
export interface End {
  readonly fd: number
  /** Made here, to be closed by {@link closeEnd}. */
  readonly own: boolean
  /** never: a call never waits. once: one call when poll says so does not. socket: a flag of the call says so. */
  readonly waits: 'never' | 'once' | 'socket'
}

/**
 * An end by an fd of the caller's. What could make us wait, a pipe or a terminal, is opened a second time: O_NONBLOCK
 * belongs to the open file, which others have too, and they would not expect it.
 */
export function callerEnd(fd: number, direction: 'read' | 'write'): End {
  const status = statIf('', fd)
  const type = (status?.mode ?? 0) & S_IFMT
  if (type === S_IFSOCK) return { fd, own: false, waits: 'socket' }
  if (type === S_IFREG || type === S_IFBLK || isMemory(status)) return { fd, own: false, waits: 'never' }
  const ptmx = status?.rdev.join() === PTMX_DEVICE.join() // opened again, it is another terminal
  if (type !== S_IFIFO && (ptmx || !isTerminal(fd))) return { fd, own: false, waits: 'once' }
  try {
    const flags = (direction === 'read' ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY
    // Of a terminal only what poll has told of is read: from its background even a read that finds nothing stops us.
    const waits = type !== S_IFIFO && direction === 'read' ? 'once' : 'never'
    return { fd: openFile(`/proc/self/fd/${fd}`, flags), own: true, waits }
  } catch {
    // Another user's terminal, for example: it must do as it is.
    return { fd, own: false, waits: 'once' }
  }
}

/** /dev/null, /dev/zero and their kin. */
function isMemory(status: FileStatus | undefined): boolean {
  return status !== undefined && (status.mode & S_IFMT) === S_IFCHR && status.rdev[0] === 1
}

export function closeEnd(end: End): void {
  if (end.own) closeFd(end.fd)
}

/** A copy under way. */
export interface Relay {
  readonly from: End
  readonly to: End
  /** Read and not yet written: from `start` to `end` of it. */
  readonly buffer: Buffer
  start: number
  end: number
  /** How much has been read in all. */
  total: number
  /** More may come. */
  open: boolean
  /** errno of the write that failed: nobody takes it any more. 0: all is well. */
  broken: number
}

export function relay(from: End, to: End): Relay {
  return { from, to, buffer: Buffer.allocUnsafe(SIZE), start: 0, end: 0, total: 0, open: true, broken: 0 }
}

/** Whether there is something to write. */
export function isPending({ start, end }: Relay): boolean {
  return end > start
}

/** Whether it could take more from its source. */
export function isHungry({ open, end }: Relay): boolean {
  return open && end < SIZE
}

/**
 * Moves what can be moved now. `readable` and `writable`: what poll said of the ends. True when the source has nothing
 * more for now, or never again, and all of it is written.
 */
export function pump(copy: Relay, readable: boolean, writable: boolean): boolean {
  let mayRead = readable || copy.from.waits !== 'once'
  let mayWrite = writable || copy.to.waits !== 'once'
  for (let round = 0; round < ROUNDS; round++) {
    const empty = mayRead && isHungry(copy) ? fill(copy) : !copy.open
    if (isPending(copy)) {
      if (mayWrite) drain(copy)
      if (isPending(copy)) return false
    }
    if (empty) return true
    if (copy.from.waits === 'once') mayRead = false
    if (copy.to.waits === 'once') mayWrite = false
    if (!mayRead) return false
  }
  return false
}

/** Reads until the buffer is full or the source empty; true when that is so. */
function fill(copy: Relay): boolean {
  const { from, buffer } = copy
  do {
    const room = SIZE - copy.end
    const target = copy.end === 0 ? buffer : buffer.subarray(copy.end)
    const got =
      from.waits === 'socket'
        ? sys('recvfrom', from.fd, target, room, MSG_DONTWAIT, null, null)
        : sys('read', from.fd, target, room)
    if (got === EAGAIN) return true
    if (got <= 0) {
      copy.open = false // the end, or the EIO of a terminal whose other side has gone
      return true
    }
    copy.end += got
    copy.total += got
  } while (copy.end < SIZE && from.waits !== 'once')
  return false
}

/** Writes until nothing is left or the sink takes no more. */
function drain(copy: Relay): void {
  const { to, buffer } = copy
  do {
    const source = copy.start === 0 ? buffer : buffer.subarray(copy.start)
    const length = to.waits === 'once' ? Math.min(copy.end - copy.start, PIPE_BUF) : copy.end - copy.start
    const put =
      to.waits === 'socket'
        ? sys('sendto', to.fd, source, length, MSG_DONTWAIT | MSG_NOSIGNAL, null, 0)
        : sys('write', to.fd, source, length)
    if (put === EAGAIN) return
    if (put < 0) {
      copy.broken = -put
      copy.open = false
      copy.start = copy.end
    } else copy.start += put
  } while (copy.start < copy.end && to.waits !== 'once')
  if (copy.start === copy.end) copy.start = copy.end = 0
}
