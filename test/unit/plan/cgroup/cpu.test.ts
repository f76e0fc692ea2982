import { describe, expect, test } from 'vitest'
import type { CpuResources } from '../../../../src/spec/types.gen.ts'
import { LEGACY, plan, UNIFIED, written } from './helper.ts'

const v1 = (cpu: CpuResources) => written({ cpu }, LEGACY)
const v2 = (cpu: CpuResources) => written({ cpu }, UNIFIED)

describe('v1', () => {
  test('shares, quota, period', () => {
    expect(v1({ shares: 512, quota: 50000, period: 100000 })).toEqual([
      'cpu.shares 512',
      'cpu.cfs_period_us 100000, postpone EINVAL',
      'cpu.cfs_quota_us 50000',
    ])
    expect(v1({ quota: -1 })).toEqual(['cpu.cfs_quota_us -1'])
    expect(v1({ shares: 0, quota: 0, period: 0 })).toEqual([])
  })

  test('burst and realtime wait for their counterpart', () => {
    expect(v1({ burst: 1000, quota: 50000, realtimePeriod: 1000000, realtimeRuntime: 950000 })).toEqual([
      'cpu.rt_period_us 1000000, postpone EINVAL',
      'cpu.rt_runtime_us 950000',
      'cpu.cfs_burst_us 1000, postpone EINVAL',
      'cpu.cfs_quota_us 50000',
    ])
  })

  test('shares that the kernel would change in silence are refused', () => {
    expect(v1({ shares: 2 })).toEqual(['cpu.shares 2'])
    expect(v1({ shares: 262144 })).toEqual(['cpu.shares 262144'])
    expect(() => v1({ shares: 1 })).toThrow('/linux/resources/cpu/shares: the minimum allowed cpu-shares is 2')
    expect(() => v1({ shares: 262145 })).toThrow(
      '/linux/resources/cpu/shares: the maximum allowed cpu-shares is 262144',
    )
  })

  test('cpuset files may have no prefix', () => {
    expect(v1({ cpus: '0-1', mems: '' })).toEqual(['cpuset.cpus 0-1, else cpus 0-1'])
  })
})

describe('v2', () => {
  test('quota and period are one file', () => {
    expect(v2({ quota: 50000, period: 200000 })).toEqual(['cpu.max 50000 200000'])
    expect(v2({ quota: 50000 })).toEqual(['cpu.max 50000 100000'])
    expect(v2({ quota: -1, period: 200000 })).toEqual(['cpu.max max 200000'])
    expect(v2({ quota: -1 })).toEqual(['cpu.max max 100000'])
    expect(v2({ period: 50000 })).toEqual(['cpu.max max 50000'])
  })

  test('shares become a weight', () => {
    expect(v2({ shares: 1024 })).toEqual(['cpu.weight 100'])
    expect(v2({ shares: 0 })).toEqual([])
  })

  test('a burst that was not given is not written, 0 is', () => {
    expect(v2({ burst: 0 })).toEqual(['cpu.max.burst 0, tolerate ENOENT'])
    expect(v2({ burst: 1000, quota: 50000 })).toEqual(['cpu.max.burst 1000, postpone EINVAL', 'cpu.max 50000 100000'])
  })

  test('an idle group has no weight to set', () => {
    expect(v2({ idle: 1, shares: 1024 })).toEqual(['cpu.idle 1'])
    expect(v2({ idle: 0, shares: 1024 })).toEqual(['cpu.idle 0, tolerate ENOENT', 'cpu.weight 100'])
  })

  test('realtime is refused unless it is zero', () => {
    expect(v2({ realtimeRuntime: 0, realtimePeriod: 0 })).toEqual([])
    expect(() => v2({ realtimeRuntime: 1000 })).toThrow(
      '/linux/resources/cpu/realtimeRuntime: cgroup v2 has no realtime',
    )
    expect(() => v2({ realtimePeriod: 1000 })).toThrow('/linux/resources/cpu/realtimePeriod: cgroup v2 has no realtime')
  })

  test('cpuset', () => {
    expect(v2({ cpus: '1', mems: '0' })).toEqual(['cpuset.cpus 1', 'cpuset.mems 0'])
  })
})

test('a burst above the quota is refused', () => {
  expect(() => v2({ burst: 60000, quota: 50000 })).toThrow('burst 60000 is larger than quota 50000')
})

test('ORDER: a v1 cpuset is filled from above, set, and completed, before anything else', () => {
  const { steps } = plan({ cpu: { cpus: '1' } }, LEGACY, { cgroupsPath: '/a/b' })
  const lines = steps.slice(0, 5).map((step) => {
    if (step.kind === 'inherit') return `${step.dir} inherits ${step.files.join(' or ')} from ${step.parent}`
    return step.kind === 'write' ? `${step.path} ${step.value}` : step.kind
  })
  const root = '/sys/fs/cgroup/cpuset'
  expect(lines).toEqual([
    `${root}/a inherits cpuset.cpus or cpus from ${root}`,
    `${root}/a inherits cpuset.mems or mems from ${root}`,
    `${root}/a/b/cpuset.cpus 1`,
    `${root}/a/b inherits cpuset.cpus or cpus from ${root}/a`,
    `${root}/a/b inherits cpuset.mems or mems from ${root}/a`,
  ])
})
