/** poll(2), once, and over a fixed set of places again and again without making anything anew: for loops that run long. */
import { must, sys } from '../ffi/native.ts'

export const POLLIN = 1
export const POLLOUT = 4
const EINTR = -4

/** Places that each watch one fd, or none for now. */
export interface PollSet {
  /** Watches `fd` for `events` at this place from the next wait on; nothing with fd -1 or no events. */
  watch(place: number, fd: number, events: number): void
  /** Waits until a place is ready; `timeout` in ms, negative for ever. A signal ends the wait, too. */
  wait(timeout: number): void
  /** The events at this place that the last wait found; POLLHUP and POLLERR come unasked. */
  ready(place: number): number
}

/** A set of so many places. */
export function pollSet(places: number): PollSet {
  // struct pollfd: the fd; below, events in the low and what was found in the high half.
  const fds = new Int32Array(places * 2).fill(-1)
  const limit = new Int32Array(4) // struct timespec: seconds and nanoseconds, 64 bits each
  return {
    watch(place, fd, events) {
      fds[place * 2] = events === 0 ? -1 : fd
      fds[place * 2 + 1] = events
    },
    wait(timeout) {
      limit[0] = Math.floor(timeout / 1000)
      limit[2] = (timeout % 1000) * 1e6
      const result = sys('ppoll', fds, places, timeout < 0 ? null : limit, null, 0)
      if (result !== EINTR) must('poll', result)
      else for (let i = 0; i < places; i++) fds[i * 2 + 1] = (fds[i * 2 + 1] as number) & 0xffff
    },
    ready: (place) => (fds[place * 2 + 1] as number) >>> 16,
  }
}

/**
 * Waits until something of the events asked for, or POLLHUP or POLLERR, happens to one of the fds. `timeout` in ms,
 * negative for ever. What happened to each; nothing when a signal or the time ended the wait.
 */
export function poll(fds: readonly { readonly fd: number; readonly events: number }[], timeout: number): number[] {
  const list = Int32Array.from(fds.flatMap(({ fd, events }) => [fd, events]))
  const limit = Int32Array.of(Math.floor(timeout / 1000), 0, (timeout % 1000) * 1e6, 0)
  const result = sys('ppoll', list, fds.length, timeout < 0 ? null : limit, null, 0)
  if (result === EINTR) return []
  must('poll', result)
  return fds.map((_, i) => (list[i * 2 + 1] as number) >>> 16)
}
