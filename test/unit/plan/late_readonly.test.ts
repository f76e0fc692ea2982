import { expect, test } from 'vitest'
import { foundAgain, MOST_OPEN } from '../../../src/plan/late_readonly.ts'
import { plannedMounts } from '../../../src/plan/mounts.ts'
import type { Mount } from '../../../src/spec/types.gen.ts'

const tmpfs = (destination: string, ...options: string[]): Mount => ({ destination, type: 'tmpfs', options })
const many = (count: number) => Array.from({ length: count }, (_, i) => tmpfs(`/many/${i}`, 'ro'))

/** Targets of those that are found again. */
function found(mounts: readonly Mount[]): string[] {
  const spec = { ociVersion: '1.3.0', mounts }
  return [...foundAgain(plannedMounts({ spec }))].map(({ target }) => target)
}

test('as long as they are few, all stay open', () => {
  expect(found([...many(MOST_OPEN), tmpfs('/writable')])).toEqual([])
})

test('of many the last ones are found again', () => {
  expect(found(many(MOST_OPEN + 2))).toEqual([`/many/${MOST_OPEN}`, `/many/${MOST_OPEN + 1}`])
})

test('what is no tmpfs, or is to be written to, does not count', () => {
  const others = [tmpfs('/rw'), { destination: '/bound', source: '/', options: ['bind', 'ro'] }]
  expect(found([...others, ...many(MOST_OPEN), ...others])).toEqual([])
})

test('what is covered later, itself or on the way to it, stays open', () => {
  const mounts = [
    ...many(MOST_OPEN),
    tmpfs('/a/covered', 'ro'),
    tmpfs('/b/below', 'ro'),
    tmpfs('/dev', 'ro'),
    tmpfs('/bb', 'ro'),
    tmpfs('/a/covered'),
    { destination: '/b', source: '/srv', options: ['rbind'] },
  ]
  expect(found(mounts)).toEqual(['/bb'])
  expect(found([...mounts, tmpfs('/')])).toEqual([])
})
