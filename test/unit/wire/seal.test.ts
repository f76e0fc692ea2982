/** The seal of a program that is kept in a file; that C comes to the same sum, prepared.test.ts in test/system shows. */
import { expect, test } from 'vitest'
import { sealPlan } from '../../../src/wire/seal.ts'

const PLACE = { inode: 2 ** 33 + 7, dev: [0, 40] } as const
const PLAN = Uint8Array.from({ length: 512 }, (_, i) => i % 7)

/** The sum alone. */
const seal = (plan: Uint8Array, place: Parameters<typeof sealPlan>[1] = PLACE) => sealPlan(plan, place).slice(-4).join()

test('the plan is as it was, with a sum behind it', () => {
  const sealed = sealPlan(PLAN, PLACE)
  expect(sealed.length).toBe(PLAN.length + 4)
  expect(sealed.subarray(0, -4)).toEqual(PLAN)
})

test('every change of a bit is another sum, and so is every change of two', () => {
  const sums = [seal(PLAN)]
  for (let at = 0; at < PLAN.length; at++)
    for (let bit = 0; bit < 8; bit++) {
      const changed = PLAN.with(at, (PLAN[at] ?? 0) ^ (1 << bit))
      sums.push(seal(changed), seal(changed.with(at ^ 4, (changed[at ^ 4] ?? 0) ^ (1 << bit))))
    }
  // A pair comes up from both of its ends.
  expect(new Set(sums).size).toBe(1 + PLAN.length * 8 + (PLAN.length * 8) / 2)
})

test.each([
  ['inode', { ...PLACE, inode: 2 ** 33 + 8 }],
  ['upper half of the inode', { ...PLACE, inode: 2 ** 34 + 7 }],
  ['device', { ...PLACE, dev: [0, 41] }],
] as const)('another %s is another sum', (_, place) => {
  expect(seal(PLAN, place)).not.toBe(seal(PLAN))
})
