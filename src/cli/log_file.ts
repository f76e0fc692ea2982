/**
 * The log's two sinks, over raw file descriptors. The system calls are handed in, so that this file loads nothing.
 */
import { messageOf, RuntimeError } from '../base/errors.ts'
import type { Sink } from './log.ts'

/** What src/ffi/file.ts offers. Both throw on failure. */
export interface FileCalls {
  readonly openFile: (path: string, flags: number, mode: number) => number
  readonly writeFd: (fd: number, text: string) => void
}

const O_WRONLY = 0o1
const O_CREAT = 0o100
const O_APPEND = 0o2000
const O_CLOEXEC = 0o2000000

/**
 * Opens --log, at once: a run whose errors could not be told must not begin (as runc). Mode 0644 is runc's too;
 * not its O_SYNC, which a tmpfs ignores and a disk takes milliseconds for.
 * A line that cannot be written later (a full disk) is dropped: the container matters more.
 */
export function openLogSink(path: string, calls: FileCalls): Sink {
  let fd: number
  try {
    fd = calls.openFile(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
  } catch (error) {
    throw new RuntimeError('usage', `--log: ${messageOf(error)}`, [], { cause: error })
  }
  return writer(fd, calls)
}

/** stderr. A closed or full pipe (EPIPE, EAGAIN) must not turn a warning into a failure. */
export function stderrSink(calls: Pick<FileCalls, 'writeFd'>): Sink {
  return writer(2, calls)
}

function writer(fd: number, { writeFd }: Pick<FileCalls, 'writeFd'>): Sink {
  return {
    write(line) {
      try {
        writeFd(fd, line)
      } catch {
        // see above: nobody is left to tell
      }
    },
  }
}
