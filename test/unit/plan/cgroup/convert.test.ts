import { describe, expect, test } from 'vitest'
import { blkioToIoWeight, limitV2, sharesToWeight, swapProblem, swapToV2 } from '../../../../src/plan/cgroup/convert.ts'

describe('shares to weight', () => {
  test.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [512, 59],
    [1024, 100],
    [2048, 174],
    [4096, 303],
    [102400, 4429],
    [262143, 10000],
    [262144, 10000],
    [999999, 10000],
  ])('%i is %i', (shares, weight) => {
    expect(sharesToWeight(shares)).toBe(weight)
  })

  test('it never falls', () => {
    let last = 0
    for (let shares = 1; shares < 263000; shares += 37) {
      const weight = sharesToWeight(shares)
      expect(weight).toBeGreaterThanOrEqual(last)
      last = weight
    }
  })
})

describe('memory+swap to swap', () => {
  test.each([
    // swap, memory, memory.swap.max
    [0, 0, undefined],
    [0, 4096, undefined],
    [0, -1, 'max'],
    [-1, 4096, 'max'],
    [-1, -1, 'max'],
    [8192, -1, '8192'],
    [4096, 4096, '0'],
    [12288, 4096, '8192'],
  ])('swap %i with memory %i is %s', (swap, memory, expected) => {
    expect(swapProblem(swap, memory)).toBeUndefined()
    expect(swapToV2(swap, memory)).toBe(expected)
  })

  test('what makes no sense is named', () => {
    expect(swapProblem(4096, 0)).toBe('unable to set swap limit without memory limit')
    expect(swapProblem(4096, 8192)).toBe('memory+swap limit should be >= memory limit')
  })
})

test('blkio weights map to the range of io.weight', () => {
  expect([10, 100, 500, 1000].map(blkioToIoWeight)).toEqual([1, 910, 4950, 10000])
})

test('swap keeps its last digits', () => {
  expect(swapToV2(2n ** 63n - 1n, 4096)).toBe('9223372036854771711')
  expect(swapToV2(2n ** 63n - 1n, 2n ** 62n + 1n)).toBe('4611686018427387902')
  expect(limitV2(2n ** 60n + 1n)).toBe('1152921504606846977')
})
