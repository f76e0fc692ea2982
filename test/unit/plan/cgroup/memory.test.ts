import { describe, expect, test } from 'vitest'
import type { MemoryResources } from '../../../../src/spec/types.gen.ts'
import { LEGACY, plan, UNIFIED, written } from './helper.ts'

const v1 = (memory: MemoryResources) => written({ memory }, LEGACY)
const v2 = (memory: MemoryResources) => written({ memory }, UNIFIED)

describe('v1', () => {
  test('zeros and nothing leave alone', () => {
    expect(v1({})).toEqual([])
    expect(v1({ limit: 0, swap: 0, reservation: 0, kernel: 0 })).toEqual([])
  })

  test('limit, swap and reservation', () => {
    expect(v1({ limit: 4096, reservation: 2048 })).toEqual([
      'memory.limit_in_bytes 4096',
      'memory.soft_limit_in_bytes 2048',
    ])
    expect(v1({ limit: 4096, swap: 8192 })).toEqual([
      'memory.limit_in_bytes 4096, postpone EINVAL',
      'memory.memsw.limit_in_bytes 8192',
    ])
    expect(v1({ limit: 4096, swap: -1 })).toEqual([
      'memory.limit_in_bytes 4096, postpone EINVAL',
      'memory.memsw.limit_in_bytes -1, tolerate ENOENT',
    ])
  })

  test('unlimited memory makes swap unlimited where it is accounted', () => {
    expect(v1({ limit: -1 })).toEqual([
      'memory.limit_in_bytes -1, postpone EINVAL',
      'memory.memsw.limit_in_bytes -1, tolerate ENOENT',
    ])
  })

  test('the OOM killer: true, false and absent are three cases', () => {
    expect(v1({ disableOOMKiller: true })).toEqual(['memory.oom_control 1'])
    expect(v1({ disableOOMKiller: false })).toEqual(['memory.oom_control 0'])
    expect(v1({ limit: 4096 })).toEqual(['memory.limit_in_bytes 4096'])
  })

  test('swappiness: 0 is a value, -1 as Docker sends it is none, 101 is refused', () => {
    expect(v1({ swappiness: 0 })).toEqual(['memory.swappiness 0'])
    expect(v1({ swappiness: 2n ** 64n - 1n })).toEqual([])
    expect(() => v1({ swappiness: 101 })).toThrow('/linux/resources/memory/swappiness: invalid memory swappiness 101')
  })
})

describe('v2', () => {
  test('limit, swap and reservation', () => {
    expect(v2({ limit: 4096, swap: 12288, reservation: 2048 })).toEqual([
      'memory.swap.max 8192',
      'memory.max 4096',
      'memory.low 2048',
    ])
    expect(v2({ limit: 0, swap: 0, reservation: 0 })).toEqual([])
  })

  test('without swap accounting only a real limit fails', () => {
    expect(v2({ limit: 4096, swap: 4096 })[0]).toBe('memory.swap.max 0, tolerate ENOENT')
    expect(v2({ limit: 4096, swap: -1 })[0]).toBe('memory.swap.max max, tolerate ENOENT')
    expect(v2({ limit: 4096, swap: 8192 })[0]).toBe('memory.swap.max 4096')
  })

  test('unlimited memory', () => {
    expect(v2({ limit: -1 })).toEqual(['memory.swap.max max, tolerate ENOENT', 'memory.max max'])
    expect(v2({ limit: -1, swap: 8192 })).toEqual(['memory.swap.max 8192', 'memory.max max'])
    expect(v2({ limit: 4096, reservation: -1 })).toEqual(['memory.max 4096', 'memory.low max'])
  })

  test('checkBeforeUpdate compares both limits with the usage', () => {
    expect(v2({ limit: 4096, swap: 8192, checkBeforeUpdate: true }).slice(0, 2)).toEqual([
      'check memory.current < 8192',
      'check memory.current < 4096',
    ])
  })

  test('what v2 does not have is an error when it is asked for', () => {
    expect(() => v2({ swappiness: 10 })).toThrow('cgroup v2 has no memory swappiness')
    expect(() => v2({ disableOOMKiller: true })).toThrow('cannot be disabled with cgroup v2')
    expect(v2({ disableOOMKiller: false })).toEqual([])
  })
})

test('swap below memory is refused in both, with its place', () => {
  expect(() => v1({ limit: 8192, swap: 4096 })).toThrow('/linux/resources/memory/swap: memory+swap limit should be >=')
  expect(() => v2({ limit: 8192, swap: 4096 })).toThrow('/linux/resources/memory/swap: memory+swap limit should be >=')
  expect(() => v2({ swap: 4096 })).toThrow('unable to set swap limit without memory limit')
})

test('kernel memory asks for nothing; that it is ignored, a rule says', () => {
  expect(v1({ kernel: 4096 })).toEqual([])
  expect(plan({ memory: { kernelTCP: -1 } }, UNIFIED).warnings).toEqual([])
})
