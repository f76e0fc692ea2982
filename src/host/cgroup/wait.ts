/** Sleeping in the middle of synchronous work. */
import { sys } from '../../ffi/native.ts'

/** ppoll(2) on nothing: returns after the time, in milliseconds. */
export function sleepMs(milliseconds: number): void {
  const timespec = new BigInt64Array([BigInt(Math.trunc(milliseconds / 1000)), BigInt((milliseconds % 1000) * 1e6)])
  sys('ppoll', null, 0, new Uint8Array(timespec.buffer))
}

/** Calls `done` until it says true, sleeping 1, 2, 4 … 64 ms between; false when `bound` milliseconds were slept. */
export function waitUntil(done: () => boolean, bound = 2000): boolean {
  let slept = 0
  for (let delay = 1; !done(); delay = Math.min(delay * 2, 64)) {
    if (slept >= bound) return false
    sleepMs(delay)
    slept += delay
  }
  return true
}

/** Repeats a wait that was in vain as long as fewer are left after it: many processes take the kernel long to end. */
export function whileFewer(wait: () => boolean, left: () => number): boolean {
  for (let before = left(); !wait(); ) {
    const now = left()
    if (now >= before) return false
    before = now
  }
  return true
}
