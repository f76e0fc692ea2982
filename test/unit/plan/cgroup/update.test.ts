import { describe, expect, test } from 'vitest'
import type { CgroupRecord, CgroupStep } from '../../../../src/plan/cgroup/model.ts'
import { planUpdate } from '../../../../src/plan/cgroup/update.ts'
import type { CgroupFacts } from '../../../../src/plan/facts.ts'
import type { DeviceRule, Resources } from '../../../../src/spec/types.gen.ts'
import { HYBRID, LEGACY, UNIFIED } from './helper.ts'

const V1: CgroupRecord = { v1: LEGACY.v1.map(({ mount }) => `${mount}/a/c`) }
const BOTH: CgroupRecord = { v1: HYBRID.v1.map(({ mount }) => `${mount}/a/c`), v2: '/sys/fs/cgroup/unified/a/c' }
const V2: CgroupRecord = { v1: [], v2: '/sys/fs/cgroup/a/c' }

type Kernel = readonly [major: number, minor: number]

function update(
  request: Resources,
  inForce: Resources,
  facts: CgroupFacts,
  cgroup: CgroupRecord,
  kernel: Kernel = [6, 18],
) {
  return planUpdate({ facts, kernel, cgroup, inForce, request })
}

/** "file value", and how it may fail; without the directories, which one test looks at. */
function line(step: CgroupStep): string {
  if (step.kind === 'enable') return `enable ${step.controllers} below ${step.dir}`
  if (step.kind === 'check') return `check ${step.path.split('/').pop()} < ${step.limit}`
  if (step.kind !== 'write') return step.kind
  const words = [`${step.path.split('/').pop()} ${step.value}`]
  if (step.postpone) words.push(`postpone ${step.postpone.join()}`)
  if (step.tolerate) words.push(`tolerate ${step.tolerate.join()}`)
  return words.join(', ')
}

const v1 = (request: Resources, before: Resources = {}) => update(request, before, LEGACY, V1).steps.map(line)
const v2 = (request: Resources, before: Resources = {}) => update(request, before, UNIFIED, V2).steps.map(line)

/** What engines send when somebody changes a limit or two. */
const ENGINE: Resources = {
  memory: { limit: 134217728, reservation: 0, swap: 134217728, kernel: 0 },
  cpu: { shares: 0, quota: 100000, period: 100000, cpus: '0' },
  pids: { limit: 60 },
  blockIO: { weight: 0 },
}

describe('what engines send', () => {
  test('is written on v1, the zeros are not', () => {
    expect(v1(ENGINE)).toEqual([
      'cpuset.cpus 0',
      'memory.limit_in_bytes 134217728, postpone EINVAL',
      'memory.memsw.limit_in_bytes 134217728',
      'cpu.cfs_period_us 100000, postpone EINVAL',
      'cpu.cfs_quota_us 100000',
      'pids.max 60',
    ])
    expect(update(ENGINE, {}, LEGACY, V1).warnings).toEqual([])
  })

  test('is converted for v2', () => {
    expect(v2(ENGINE)).toEqual([
      'cpuset.cpus 0',
      'memory.swap.max 0, tolerate ENOENT',
      'memory.max 134217728',
      'cpu.max 100000 100000',
      'pids.max 60',
    ])
  })

  test('goes to the recorded directories, of each the hierarchy that has the controller', () => {
    const request = { memory: { limit: 4096 }, hugepageLimits: [{ pageSize: '2MB', limit: 0 }] }
    const { steps } = update(request, {}, HYBRID, BOTH)
    expect(steps.map((step) => (step.kind === 'write' ? step.path : line(step)))).toEqual([
      'enable hugetlb below /sys/fs/cgroup/unified',
      'enable hugetlb below /sys/fs/cgroup/unified/a',
      '/sys/fs/cgroup/memory/a/c/memory.limit_in_bytes',
      '/sys/fs/cgroup/unified/a/c/hugetlb.2MB.max',
      '/sys/fs/cgroup/unified/a/c/hugetlb.2MB.rsvd.max',
    ])
  })

  test('nothing asks for nothing', () => {
    const zeros: Resources = { memory: { limit: 0, swap: 0 }, cpu: { shares: 0, cpus: '', mems: '' }, devices: [] }
    for (const request of [{}, zeros, { memory: {}, cpu: {}, pids: {}, blockIO: {} }]) {
      expect(v1(request, ENGINE)).toEqual([])
      expect(v2(request, ENGINE)).toEqual([])
      expect(update(request, ENGINE, LEGACY, V1).devices).toBeUndefined()
    }
  })
})

describe('values that depend on each other are planned together', () => {
  test('memory and swap', () => {
    const before = { memory: { limit: 100, swap: 300, reservation: 50 } }
    expect(v1({ memory: { limit: 200 } }, before)).toEqual([
      'memory.limit_in_bytes 200, postpone EINVAL',
      'memory.memsw.limit_in_bytes 300',
    ])
    expect(v2({ memory: { limit: 200 } }, before)).toEqual(['memory.swap.max 100', 'memory.max 200'])
    expect(v2({ memory: { swap: 500 } }, before)).toEqual(['memory.swap.max 400', 'memory.max 100'])
    expect(v2({ memory: { reservation: 10 } }, before)).toEqual(['memory.low 10'])
  })

  test('memory without a limit takes swap along, unless that is mentioned', () => {
    const before = { memory: { limit: 100, swap: 300 } }
    expect(v1({ memory: { limit: -1 } }, before)).toEqual([
      'memory.limit_in_bytes -1, postpone EINVAL',
      'memory.memsw.limit_in_bytes -1, tolerate ENOENT',
    ])
    expect(v2({ memory: { limit: -1 } }, before)).toEqual(['memory.swap.max max, tolerate ENOENT', 'memory.max max'])
    expect(v2({ memory: { limit: -1, swap: 400 } }, before)).toEqual(['memory.swap.max 400', 'memory.max max'])
  })

  test('quota, period and burst', () => {
    expect(v2({ cpu: { quota: 50000 } }, { cpu: { period: 20000, shares: 7 } })).toEqual(['cpu.max 50000 20000'])
    expect(v2({ cpu: { period: 20000 } }, { cpu: { quota: 50000 } })).toEqual(['cpu.max 50000 20000'])
    expect(v2({ cpu: { quota: -1 } }, { cpu: { quota: 50000, period: 20000 } })).toEqual(['cpu.max max 20000'])
    expect(v1({ cpu: { quota: 40000 } }, { cpu: { quota: 50000, burst: 10000 } })).toEqual([
      'cpu.cfs_burst_us 10000, postpone EINVAL',
      'cpu.cfs_quota_us 40000',
    ])
  })

  test('shares and idle', () => {
    expect(v1({ cpu: { shares: 100 } }, { cpu: { idle: 1 } })).toEqual(['cpu.idle 1'])
    expect(v1({ cpu: { idle: 0 } }, { cpu: { shares: 100, idle: 1 } })).toEqual([
      'cpu.idle 0, tolerate ENOENT',
      'cpu.shares 100',
    ])
  })

  test('realtime period and runtime', () => {
    expect(v1({ cpu: { realtimeRuntime: 5 } }, { cpu: { realtimePeriod: 10 } })).toEqual([
      'cpu.rt_period_us 10, postpone EINVAL',
      'cpu.rt_runtime_us 5',
    ])
  })
})

describe('what is in force afterwards', () => {
  const outcome = (request: Resources, before: Resources) => update(request, before, UNIFIED, V2).resources

  test('is what was, changed by what was asked for', () => {
    expect(
      outcome(ENGINE, { memory: { reservation: 5, swap: 1 }, cpu: { shares: 9, cpus: '1' }, pids: { limit: 1 } }),
    ).toEqual({
      memory: { limit: 134217728, swap: 134217728, reservation: 5 },
      cpu: { shares: 9, quota: 100000, period: 100000, cpus: '0' },
      pids: { limit: 60 },
      blockIO: {},
    })
  })

  test('lists by what their entries are about', () => {
    const before: Resources = {
      blockIO: {
        weight: 5,
        weightDevice: [{ major: 8, minor: 0, weight: 10 }],
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
      },
      hugepageLimits: [{ pageSize: '2MB', limit: 1 }],
      unified: { 'memory.high': '5' },
      rdma: { a: { hcaHandles: 1 } },
    }
    const request: Resources = {
      blockIO: {
        weightDevice: [
          { major: 8, minor: 16, weight: 30 },
          { major: 8, minor: 0, weight: 20 },
        ],
      },
      hugepageLimits: [
        { pageSize: '2MB', limit: 3 },
        { pageSize: '1GB', limit: 4 },
      ],
      unified: { 'memory.min': '1' },
    }
    expect(outcome(request, before)).toEqual({
      blockIO: {
        weight: 5,
        weightDevice: [
          { major: 8, minor: 0, weight: 20 },
          { major: 8, minor: 16, weight: 30 },
        ],
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
      },
      hugepageLimits: request.hugepageLimits,
      unified: { 'memory.high': '5', 'memory.min': '1' },
      rdma: { a: { hcaHandles: 1 } },
    })
  })
})

describe('on an older kernel', () => {
  test.each<[string, Kernel, Resources, string, string]>([
    ['burst', [5, 14], { cpu: { burst: 1 } }, '/cpu/burst', 'a CPU burst'],
    ['idle', [5, 15], { cpu: { idle: 1 } }, '/cpu/idle', 'an idle cgroup'],
    [
      'the file of bursts',
      [5, 14],
      { unified: { 'cpu.max.burst': '0' } },
      '/unified/cpu.max.burst',
      'the file "cpu.max.',
    ],
    ['the file of idle', [5, 15], { unified: { 'cpu.idle': '1' } }, '/unified/cpu.idle', 'the file "cpu.idle"'],
  ])('%s takes Linux %j', (_, since, request, pointer, words) => {
    const [major, minor] = since
    const before: Kernel = [major, minor - 1]
    const message = `unsupported resources: ${pointer}: ${words}`
    expect(() => update(request, {}, UNIFIED, V2, before)).toThrow(message)
    expect(() => update(request, {}, UNIFIED, V2, before)).toThrow(
      ` takes Linux ${since.join('.')} or newer, this is 5.`,
    )
    expect(update(request, {}, UNIFIED, V2, since).steps).toHaveLength(1)
  })

  test('zeros, which are what there is without, and all else are planned', () => {
    const request = { cpu: { burst: 0, idle: 0, shares: 1024 }, pids: { limit: 5 } }
    expect(update(request, {}, UNIFIED, V2, [5, 12])).toEqual(update(request, {}, UNIFIED, V2))
    expect(update(request, {}, LEGACY, V1, [5, 12])).toEqual(update(request, {}, LEGACY, V1))
  })
})

describe('is refused', () => {
  test.each<[string, Resources, Resources, RegExp]>([
    [
      'a limit above swap',
      { memory: { limit: 9 } },
      { memory: { limit: 3, swap: 5 } },
      /^\/memory\/swap: memory\+swap/,
    ],
    ['swap without a limit', { memory: { swap: 9 } }, {}, /^\/memory\/swap: unable to set swap limit without memory/],
    ['burst above the quota', { cpu: { quota: 5 } }, { cpu: { burst: 6 } }, /^\/cpu\/burst: burst 6 is larger than/],
    [
      'a page size that is none',
      { hugepageLimits: [{ pageSize: '../x', limit: 1 }] },
      {},
      /^\/hugepageLimits\/0\/pageS/,
    ],
    ['swappiness on v2', { memory: { swappiness: 5 } }, {}, /^\/memory\/swappiness: cgroup v2 has no/],
    ['a unified path', { unified: { 'a.b/c': '1' } }, {}, /^\/unified\/a.b~1c: unified resource/],
    [
      'net_cls on v2',
      { network: { classID: 1 } },
      {},
      /^\/network\/classID: cannot set net_cls limit: no cgroup of the/,
    ],
  ])('%s', (_, request, before, words) => {
    expect(() => update(request, before, UNIFIED, V2)).toThrow(words)
  })

  test('a controller whose directory is not the container’s', () => {
    const cgroup = { v1: V1.v1.filter((path) => !path.includes('/memory/')) }
    expect(() => update({ memory: { limit: 1 } }, {}, LEGACY, cgroup)).toThrow(/^\/memory: cannot set memory limit/)
    expect(() => update({}, {}, LEGACY, { v1: [] })).toThrow('cannot update: the container has no cgroups')
  })
})

test('a usage check comes before everything that is written', () => {
  expect(v2({ cpu: { cpus: '0' }, memory: { limit: 4096, checkBeforeUpdate: true } })).toEqual([
    'check memory.current < 4096',
    'cpuset.cpus 0',
    'memory.max 4096',
  ])
})

describe('devices', () => {
  const ALL: DeviceRule = { allow: true, access: 'rwm' }
  const NONE: DeviceRule = { allow: false, access: 'rwm' }
  const FUSE: DeviceRule = { allow: true, type: 'c', major: 10, minor: 229, access: 'rwm' }
  const change = (
    request: readonly DeviceRule[],
    before: readonly DeviceRule[],
    facts: CgroupFacts,
    cgroup: CgroupRecord,
  ) => update({ devices: request }, { devices: before }, facts, cgroup).devices
  const lines = (request: readonly DeviceRule[], before: readonly DeviceRule[]) => {
    const found = change(request, before, LEGACY, V1)
    return found?.kind === 'v1' ? [found.steps.map(line), found.back.map(line)] : found
  }

  test('are left alone when the list is the one in force', () => {
    expect(lines([NONE, FUSE], [NONE, FUSE])).toBeUndefined()
  })

  test('on v1 are changed by their differences, there and back', () => {
    expect(lines([NONE, FUSE], [NONE])).toEqual([['devices.allow c 10:229 rwm'], ['devices.deny c 10:229 rwm']])
    const readOnly = { ...FUSE, access: 'r' }
    expect(lines([NONE, readOnly], [NONE, FUSE])).toEqual([['devices.deny c 10:229 wm'], ['devices.allow c 10:229 wm']])
  })

  test('on v1 start anew when the default changes', () => {
    const found = lines([ALL], [NONE])
    expect((found as string[][])[0]).toEqual(['devices.allow a'])
    expect((found as string[][])[1]?.[0]).toBe('devices.deny a')
    expect((found as string[][])[1]).toContain('devices.allow c 1:3 rwm')
  })

  test('on v2 are a new program, or none', () => {
    expect(change([NONE, FUSE], [NONE], UNIFIED, V2)).toMatchObject({ kind: 'v2', program: { dir: V2.v2 } })
    expect(change([ALL], [NONE], UNIFIED, V2)).toEqual({ kind: 'v2', dir: V2.v2 })
  })

  test('cannot be changed where no cgroup restricts them', () => {
    const cgroup = { v1: ['/sys/fs/cgroup/memory/a/c'] }
    expect(() => change([FUSE], [], LEGACY, cgroup)).toThrow(
      '/devices: no cgroup of the container can restrict devices',
    )
  })
})

test('kernel memory is ignored with a warning, zero without', () => {
  const warnings = (request: Resources) => update(request, {}, LEGACY, V1).warnings
  expect(warnings({ memory: { kernel: 4096 } })).toEqual([expect.stringMatching(/kernel memory settings are ignored/)])
  expect(warnings(ENGINE)).toEqual([])
  expect(v1({ memory: { kernel: 4096, kernelTCP: -1 } })).toEqual([])
})
