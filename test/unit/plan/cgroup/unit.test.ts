import { describe, expect, test } from 'vitest'
import { planUnit } from '../../../../src/plan/cgroup/unit.ts'
import { cpuMask, unitResources } from '../../../../src/plan/cgroup/unit_resources.ts'
import type { UnitProperty, UnitValue } from '../../../../src/plan/cgroup/unit_value.ts'
import { planUpdate } from '../../../../src/plan/cgroup/update.ts'
import type { Resources } from '../../../../src/spec/types.gen.ts'
import { plan, UNIFIED } from './helper.ts'

const SYSTEMD = { manager: 'system', version: 257, root: '' } as const
const MAX = 'infinity'

function words(value: UnitValue): unknown {
  if (value.type === 'a') return value.value.map(words)
  if (typeof value.value !== 'bigint') return value.value
  return value.value === 2n ** 64n - 1n ? MAX : Number(value.value)
}

const all = (properties: readonly UnitProperty[]) =>
  Object.fromEntries(properties.map(({ name, value }) => [name, words(value)]))

const resources = (asked: Resources) => all(unitResources(asked, '/linux/resources'))

describe('a unit', () => {
  test('is a delegated scope in its slice', () => {
    expect(all(planUnit({ id: 'c', systemd: SYSTEMD }).properties)).toEqual({
      Description: 'davit container c',
      Slice: 'system.slice',
      Delegate: true,
      MemoryAccounting: true,
      CPUAccounting: true,
      IOAccounting: true,
      TasksAccounting: true,
      DefaultDependencies: false,
      CollectMode: 'inactive-or-failed',
    })
  })

  test('or a slice that wants the one above', () => {
    const { properties } = planUnit({ id: 'c', cgroupsPath: 'a.slice::a-b.slice', systemd: SYSTEMD })
    expect(all(properties)).toMatchObject({ Wants: ['a.slice'] })
    expect(all(properties)).not.toHaveProperty('Slice')
    expect(all(properties)).not.toHaveProperty('Delegate')
  })

  test('gives its cgroup to the plan, in which nobody is born', () => {
    const unit = planUnit({ id: 'c', systemd: SYSTEMD })
    const made = plan({ pids: { limit: 5 } }, UNIFIED, { unit, cgroupsPath: 'system.slice:davit:c' })
    expect(made.dirs[0]?.path).toBe('/sys/fs/cgroup/system.slice/davit-c.scope')
    expect(made.into).toBeUndefined()
    expect(made.steps).toContainEqual(
      expect.objectContaining({ path: '/sys/fs/cgroup/system.slice/davit-c.scope/pids.max', value: '5' }),
    )
  })
})

describe('resources as properties', () => {
  test.each<[string, Resources, object]>([
    ['none', {}, {}],
    ['empty blocks', { memory: {}, cpu: {}, pids: {}, blockIO: {}, unified: {} } as Resources, {}],
    ['zeros', { memory: { limit: 0, swap: 0, reservation: 0 }, cpu: { shares: 0, quota: 0, period: 0 } }, {}],
    [
      'memory',
      { memory: { limit: 1000, swap: 3000, reservation: 500 } },
      { MemoryMax: 1000, MemoryLow: 500, MemorySwapMax: 2000 },
    ],
    ['memory without end', { memory: { limit: -1 } }, { MemoryMax: MAX, MemorySwapMax: MAX }],
    ['shares', { cpu: { shares: 1024 } }, { CPUWeight: 100 }],
    ['idle', { cpu: { idle: 1, shares: 1024 } }, { CPUWeight: 0 }],
    ['not idle', { cpu: { idle: 0 } }, {}],
    ['quota', { cpu: { quota: 50000 } }, { CPUQuotaPerSecUSec: 500000 }],
    [
      'quota and period',
      { cpu: { quota: 5000, period: 10000 } },
      { CPUQuotaPeriodUSec: 10000, CPUQuotaPerSecUSec: 500000 },
    ],
    ['a part of a percent, rounded up', { cpu: { quota: 10001 } }, { CPUQuotaPerSecUSec: 110000 }],
    ['no quota', { cpu: { quota: -1 } }, { CPUQuotaPerSecUSec: MAX }],
    ['cpuset', { cpu: { cpus: '0,8', mems: '0' } }, { AllowedCPUs: [1, 1], AllowedMemoryNodes: [1] }],
    ['pids', { pids: { limit: 7 } }, { TasksMax: 7 }],
    ['no pids at all', { pids: { limit: 0 } }, { TasksMax: 1 }],
    ['pids without end', { pids: { limit: -1 } }, { TasksMax: MAX }],
    ['weight of I/O', { blockIO: { weight: 1000 } }, { IOWeight: 10000 }],
    [
      'words of v2',
      {
        unified: {
          'memory.high': '1000',
          'memory.max': 'max',
          'memory.swap.max': '0',
          'pids.max': '5',
          'cpu.max': '50000 100000',
          'cpu.weight': '7',
          'cpuset.cpus': '1',
          'io.weight': 'default 55',
          'hugetlb.2MB.max': '0',
        },
      },
      {
        MemoryHigh: 1000,
        MemoryMax: MAX,
        MemorySwapMax: 0,
        TasksMax: 5,
        CPUQuotaPeriodUSec: 100000,
        CPUQuotaPerSecUSec: 500000,
        CPUWeight: 7,
        AllowedCPUs: [2],
        IOWeight: 55,
      },
    ],
    ['who ends together', { unified: { 'memory.oom.group': '1' } }, { OOMPolicy: 'kill' }],
    ['who does not', { unified: { 'memory.oom.group': '0' } }, { OOMPolicy: 'continue' }],
    ['what the kernel will refuse', { unified: { 'cpu.max': 'much', 'pids.max': '', 'cpuset.cpus': 'x' } }, {}],
  ])('%s', (_, asked, expected) => {
    expect(resources(asked)).toEqual(expected)
  })

  const HUGE = '9'.repeat(400)

  test.each<[string, Resources, string]>([
    [
      'memory',
      { unified: { 'memory.max': `${2n ** 64n}` } },
      '/linux/resources/unified/memory.max: 18446744073709551616 is',
    ],
    ['pids', { unified: { 'pids.max': HUGE } }, '/linux/resources/unified/pids.max: a number of 400 digits is'],
    ['weight', { unified: { 'io.weight': HUGE } }, '/linux/resources/unified/io.weight: a number of 400 digits is'],
    ['period', { unified: { 'cpu.max': `1 ${HUGE}` } }, '/linux/resources/unified/cpu.max: a number of 400 digits is'],
    ['quota', { unified: { 'cpu.max': `${2n ** 65n} 100000` } }, '/linux/resources/unified/cpu.max: 36893488'],
    ['quota by its share', { cpu: { quota: 2n ** 62n } }, '/linux/resources/cpu/quota: 461168601842738'],
  ])('of more than 64 bits are refused: %s', (_, asked, words) => {
    const pointer = words.slice(0, words.indexOf(':'))
    const error = expect.objectContaining({ code: 'config-invalid', problems: [expect.objectContaining({ pointer })] })
    expect(() => unitResources(asked, '/linux/resources')).toThrow(error)
    expect(() => unitResources(asked, '/linux/resources')).toThrow(words)
    expect(() => unitResources(asked, '/linux/resources')).toThrow(' is more than 64 bits hold')
  })

  test('of all 64 bits are what they are', () => {
    const asked = { unified: { 'memory.max': `${2n ** 64n - 2n}`, 'cpu.max': '0 0' } }
    expect(unitResources(asked, '').map(({ value }) => value.value)).toEqual([2n ** 64n - 2n])
  })

  test.each([
    ['0', [1]],
    ['7', [128]],
    ['8', [0, 1]],
    ['15', [0, 128]],
    ['0-3,64', [15, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['0-65536,3-65536', [...Array<number>(8192).fill(255), 1]],
  ])('CPUs %s', (cpus, bytes) => {
    expect(words(cpuMask(cpus) as UnitValue)).toEqual(bytes)
  })

  test.each(['', '2-1', '0-65537', '0-4294967295', 'x', '1,y'])('no CPUs %j', (cpus) => {
    expect(cpuMask(cpus)).toBeUndefined()
  })

  test('a list of many ranges that overlap takes no longer than a short one', () => {
    expect(words(cpuMask('0-65536,'.repeat(20_000)) as UnitValue)).toHaveLength(8193)
  })

  test('in an update are those asked for, with what was there before', () => {
    const cgroup = { v1: [], v2: '/sys/fs/cgroup/system.slice/davit-c.scope' }
    const inForce: Resources = { memory: { limit: 1000 }, pids: { limit: 5 } }
    const request: Resources = { memory: { limit: 2000 }, cpu: { quota: 1000, cpus: '0' } }
    const { unit } = planUpdate({ facts: UNIFIED, kernel: [6, 18], cgroup, inForce, request })
    expect(all(unit.after)).toMatchObject({ MemoryMax: 2000, CPUQuotaPerSecUSec: 10000, AllowedCPUs: [1] })
    expect(all(unit.after)).not.toHaveProperty('TasksMax')
    expect(all(unit.before)).toMatchObject({ MemoryMax: 1000, CPUQuotaPerSecUSec: MAX, AllowedCPUs: [] })
  })
})

describe('annotations', () => {
  const annotated = (key: string, value: string) =>
    planUnit({ id: 'c', systemd: SYSTEMD, annotations: { [`org.systemd.property.${key}`]: value, other: 'x' } })

  test('are properties; seconds become microseconds', () => {
    expect(all(annotated('TimeoutStopUSec', 'uint64 5').properties)).toMatchObject({ TimeoutStopUSec: 5 })
    expect(all(annotated('TimeoutStopSec', '1.5').properties)).toMatchObject({ TimeoutStopUSec: 1500000 })
    expect(all(annotated('TimeoutStopSec', 'uint64 18446744073709').properties)).toMatchObject({
      TimeoutStopUSec: 18446744073709000000,
    })
    expect(all(annotated('CollectMode', "'inactive'").properties)).toMatchObject({ CollectMode: 'inactive' })
    expect(all(annotated('OnlySec', 'uint64 2').properties)).toMatchObject({ OnlyUSec: 2000000 })
  })

  test.each([
    ['Ab', 'true', 'name incorrect: too short'],
    ['A-b', 'true', 'name incorrect: contains non-alphabetic character'],
    ['TimeoutStopSec', "'5'", 'value parse error: not a number'],
    ['Abc', 'what', 'value parse error: "what" is no number'],
    ['TimeoutStopSec', 'uint64 18446744073710', 'value parse error: more microseconds than 64 bits hold'],
    ['TimeoutStopSec', '1e300', 'value parse error: more microseconds than 64 bits hold'],
    ['Abc', "'a\0b'", 'value parse error: a string cannot have a NUL in it'],
    ['Abc', "['a', 'b\0']", 'value parse error: a string cannot have a NUL in it'],
    ['Abc', "@o '/a\0'", 'value parse error: a string cannot have a NUL in it'],
  ])('%s=%s is refused', (key, value, message) => {
    expect(() => annotated(key, value)).toThrow(`/annotations/org.systemd.property.${key}: annotation org.systemd`)
    expect(() => annotated(key, value)).toThrow(message)
  })
})
