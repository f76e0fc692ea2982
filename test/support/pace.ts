/** How much slower than an ordinary machine this one is: SLOWNESS=8 gives whatever is waited for eight times as long. */
const SLOWNESS = Math.max(1, Number(process.env.SLOWNESS ?? 1))

/** A time limit, in ms, as long as the machine is slow. */
export function patience(milliseconds: number): number {
  return milliseconds * SLOWNESS
}

/** Whether the machine is the tests' own: ALONE=1. Then it may be filled, and nothing on it is anybody else's. */
export const ALONE = process.env.ALONE === '1'

/** Whether figures of time mean something here. */
export const TIMING = SLOWNESS === 1
