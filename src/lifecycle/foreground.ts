/**
 * The foreground of `run`: forwards signals, copies the terminal, waits. One loop over poll(2); signals arrive as
 * bytes in a pipe, since the engine's other threads could take them from a signalfd.
 */
import { closeFd } from '../ffi/file.ts'
import { must, native, sys } from '../ffi/native.ts'
import { type Exit, type Launched, poll, reap, signalPidfd } from '../host/process.ts'
import { copySize } from '../host/terminal.ts'
import { FORWARDED_SIGNALS, SIGNALS } from '../kernel/signals.ts'
import { NATIVE } from '../wire/ops.ts'

const SIGCHLD = 17
const SIGWINCH = 28
const POLLIN = 1
const POLLOUT = 4
const CHUNK = 65536
/** A pipe that polls writable takes this much without blocking. */
const PIPE_BUF = 4096
const EAGAIN = -11

/** The pipe that signals write to. Made before the container, so that none is lost. */
export interface Signals {
  readonly read: number
  readonly write: number
}

/** From now on the signals that are forwarded, and those of the loop itself, go to the pipe. */
export function catchSignals(): Signals {
  const pair = Int32Array.of(-1, -1)
  must('pipe', sys('pipe2', pair, 0o2004000)) // O_CLOEXEC | O_NONBLOCK
  const [read, write] = [pair[0] as number, pair[1] as number]
  const realtime = Array.from({ length: 31 }, (_, i) => 34 + i) // 32 and 33 are the C library's own
  const list = Int32Array.from([...FORWARDED_SIGNALS.map((name) => SIGNALS[name]), ...realtime, SIGCHLD, SIGWINCH])
  must('catch signals', native(NATIVE.catchSignals, list, list.length, write))
  return { read, write }
}

/** Bytes on their way from one fd to another. */
interface Stream {
  readonly from: number
  readonly to: number
  pending: Buffer
  open: boolean
}

function fill(stream: Stream): void {
  const buffer = Buffer.allocUnsafe(CHUNK)
  const got = sys('read', stream.from, buffer, CHUNK)
  if (got > 0) stream.pending = Buffer.concat([stream.pending, buffer.subarray(0, got)])
  else if (got !== EAGAIN) stream.open = false // the end, or EIO of a terminal whose other side has closed
}

function drain(stream: Stream): void {
  const length = Math.min(stream.pending.length, PIPE_BUF)
  const put = sys('write', stream.to, stream.pending, length)
  if (put >= 0) stream.pending = stream.pending.subarray(put)
  else if (put !== EAGAIN) {
    stream.pending = Buffer.alloc(0) // nobody reads any more
    stream.open = false
  }
}

/** Forwards until init has ended and, with a terminal, its last output is out. */
export function superviseForeground(init: Launched, signals: Signals, master: number): Exit {
  const streams: Stream[] = []
  if (master >= 0) {
    copySize(0, master)
    streams.push(
      { from: 0, to: master, pending: Buffer.alloc(0), open: true },
      { from: master, to: 1, pending: Buffer.alloc(0), open: true },
    )
  }
  try {
    return loop(init, signals, master, streams)
  } finally {
    if (master >= 0) closeFd(master)
    closeFd(init.pidfd)
  }
}

function loop(init: Launched, signals: Signals, master: number, streams: readonly Stream[]): Exit {
  let exit: Exit | undefined
  const output = streams[1]
  for (;;) {
    if (exit && (!output || (!output.open && output.pending.length === 0))) return exit
    const watched: { fd: number; events: number; act(): void }[] = []
    const watch = (fd: number, events: number, act: () => void) => void watched.push({ fd, events, act })
    if (!exit) {
      watch(signals.read, POLLIN, () => {
        for (const signal of takeSignals(signals.read)) {
          if (signal === SIGCHLD) exit ??= reapAll(init.pid)
          else if (signal === SIGWINCH) copySize(0, master)
          else signalPidfd(init.pidfd, signal)
        }
      })
      watch(init.pidfd, POLLIN, () => {
        exit ??= reap(init.pid) ?? { code: 0, signal: undefined }
      })
    }
    for (const stream of streams) {
      if (exit && stream !== output) continue
      if (stream.open && stream.pending.length < CHUNK) watch(stream.from, POLLIN, () => fill(stream))
      if (stream.pending.length > 0) watch(stream.to, POLLOUT, () => drain(stream))
    }
    // After the end a terminal that somebody else still holds open gets no more than what is there already.
    const ready = poll(watched, exit ? 50 : -1)
    if (exit && ready.every((events) => !events) && output?.pending.length === 0) return exit
    for (const [i, events] of ready.entries()) if (events) watched[i]?.act()
  }
}

function takeSignals(fd: number): Uint8Array {
  const buffer = Buffer.alloc(256)
  const got = sys('read', fd, buffer, buffer.length)
  return got > 0 ? buffer.subarray(0, got) : buffer.subarray(0, 0)
}

/** As a subreaper we also get orphans of the container; they are reaped and forgotten. */
function reapAll(init: number): Exit | undefined {
  let exit: Exit | undefined
  const status = Buffer.alloc(4)
  for (;;) {
    const pid = sys('wait4', -1, status, 1 /* WNOHANG */, 0)
    if (pid <= 0) return exit
    const value = status.readInt32LE(0)
    if (pid === init)
      exit =
        (value & 0x7f) === 0
          ? { code: (value >> 8) & 255, signal: undefined }
          : { code: undefined, signal: value & 0x7f }
  }
}
