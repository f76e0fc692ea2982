/** The wait for a job of systemd, on a connection that is made up: what it does when the bus never rests. */
import { afterEach, expect, test, vi } from 'vitest'
import type { LibSystemd } from '../../../src/ffi/libsystemd.ts'
import type { Connection } from '../../../src/host/systemd/bus.ts'
import { awaitJob } from '../../../src/host/systemd/job.ts'

afterEach(() => vi.restoreAllMocks())

/** A second goes by with each look at the clock. */
function connection(busy: 0 | 1): { readonly made: Connection; readonly waits: bigint[] } {
  let now = 0
  vi.spyOn(Date, 'now').mockImplementation(() => (now += 1000))
  const waits: bigint[] = []
  const lib = {
    process: () => busy,
    wait: (_: bigint, microseconds: bigint) => {
      waits.push(microseconds)
      return 1
    },
  } as unknown as LibSystemd
  return { made: { lib, bus: 1n, close: () => {} }, waits }
}

test.each([0, 1] as const)('ends in time, though the bus always has something to do (%i)', (busy) => {
  const { made, waits } = connection(busy)
  expect(() => awaitJob(made, '/job/1', 'a.scope')).toThrow('timeout waiting for the job of a.scope in systemd')
  // Never for longer than what is left.
  expect(waits.length).toBe(busy === 1 ? 0 : 29)
  expect(waits.every((microseconds) => microseconds > 0n && microseconds <= 30_000_000n)).toBe(true)
})
