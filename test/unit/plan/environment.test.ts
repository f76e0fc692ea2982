import { expect, test } from 'vitest'
import { lastOfEach } from '../../../src/plan/environment.ts'

test('the last value of a name counts, in its place', () => {
  expect(lastOfEach(['A=1', 'B=2', 'A=3', 'C', 'AB=4', 'C'])).toEqual(['B=2', 'A=3', 'AB=4', 'C'])
  const env = ['A=1', 'B=', 'a=2']
  expect(lastOfEach(env)).toBe(env)
})
