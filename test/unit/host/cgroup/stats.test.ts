import { describe, expect, it } from 'vitest'
import { eventLine } from '../../../../src/cli/event_json.ts'
import type { Read, Stats } from '../../../../src/host/cgroup/stats_model.ts'
import { keyed, numberList, one, pageSizes, pressure } from '../../../../src/host/cgroup/stats_parse.ts'
import { blkioV1, cpusetV1, cpuV1, hugetlbV1, memoryV1 } from '../../../../src/host/cgroup/stats_v1.ts'
import { blkioV2, cpuV2, hugetlbV2, memoryV2, NO_CPUSET, pids } from '../../../../src/host/cgroup/stats_v2.ts'

const files =
  (texts: Readonly<Record<string, string>>): Read =>
  (file) =>
    texts[file]
const none = files({})

/** As it is printed. */
const line = (data: Stats) => eventLine({ type: 'stats', id: 'c', data })

describe('v1', () => {
  const cpu = files({ 'cpu.stat': 'nr_periods 3\nnr_throttled 2\nthrottled_time 1000\n' })
  const accounting = {
    'cpuacct.usage': '31758737\n',
    'cpuacct.stat': 'user 1\nsystem 2\n',
    'cpuacct.usage_percpu': '17953528 13805209 \n',
    'cpuacct.usage_all': 'cpu user system\n0 4000000 8000000\n1 0 8000000\n',
  }

  it('has the CPU time of all, each CPU and each mode', () => {
    expect(cpuV1(files(accounting), cpu)).toEqual({
      usage: {
        total: 31758737n,
        percpu: [17953528n, 13805209n],
        percpu_kernel: [8000000n, 8000000n],
        percpu_user: [4000000n, 0n],
        kernel: 20000000n,
        user: 10000000n,
      },
      throttling: { periods: 3n, throttledPeriods: 2n, throttledTime: 1000n },
    })
  })

  it('finds the columns of usage_all by name, and does without them', () => {
    const patched = files({ 'cpuacct.usage_all': 'cpu user nice system idle\n0 1 2 3 4\n1 5 6 7 8\n' })
    expect(cpuV1(patched, none).usage).toMatchObject({ percpu_user: [1n, 5n], percpu_kernel: [3n, 7n] })
    const other = files({ 'cpuacct.usage_all': 'cpu busy\n0 1\n' })
    expect(cpuV1(other, none).usage).toEqual({ kernel: 0n, user: 0n })
    expect(cpuV1(none, none)).toEqual({ usage: { kernel: 0n, user: 0n }, throttling: {} })
  })

  it('reads a cpuset with and without its prefix', () => {
    expect(
      cpusetV1(files({ 'cpuset.cpus': '0-2,7\n', 'cpuset.mems': '0\n', 'cpuset.sched_load_balance': '1\n' })),
    ).toEqual({
      ...NO_CPUSET,
      cpus: [0, 1, 2, 7],
      mems: [0],
      sched_load_balance: 1n,
    })
    expect(cpusetV1(files({ cpus: '1\n', sched_relax_domain_level: '-1\n' }))).toMatchObject({
      cpus: [1],
      sched_relax_domain_level: -1n,
    })
  })

  it('has memory with all digits, and does without kernel memory', () => {
    const memory = memoryV1(
      files({
        'memory.stat': 'rss 5\ncache 4096\nodd\n',
        'memory.usage_in_bytes': '8192\n',
        'memory.limit_in_bytes': '9223372036854771712\n',
        'memory.failcnt': '2\n',
      }),
    )
    expect(memory).toEqual({
      cache: 4096n,
      usage: { limit: 9223372036854771712n, usage: 8192n, max: undefined, failcnt: 2n },
      swap: { limit: 0n, failcnt: 0n },
      kernel: { limit: 0n, failcnt: 0n },
      kernelTCP: { limit: 0n, failcnt: 0n },
      raw: { cache: 4096n, rss: 5n },
    })
    expect(Object.keys(memory.raw ?? {})).toEqual(['cache', 'rss'])
  })

  it('takes block I/O from the scheduler that has counted', () => {
    const bytes = '254:0 Read 4096\n254:0 Discard 0\nTotal 4096\n'
    const serviced = '254:0 Read 1\n254:0 Discard 0\nTotal 1\n'
    const throttle = files({
      'blkio.bfq.io_serviced_recursive': 'Total 0\n',
      'blkio.throttle.io_serviced_recursive': serviced,
      'blkio.throttle.io_service_bytes_recursive': bytes,
    })
    expect(blkioV1(throttle)).toEqual({
      ioServiceBytesRecursive: [
        { major: 254n, op: 'Read', value: 4096n },
        { major: 254n, op: 'Discard' },
      ],
      ioServicedRecursive: [
        { major: 254n, op: 'Read', value: 1n },
        { major: 254n, op: 'Discard' },
      ],
    })
    const bfq = files({ 'blkio.bfq.io_serviced_recursive': serviced, 'blkio.bfq.sectors_recursive': '8:16 12\n' })
    expect(blkioV1(bfq)).toMatchObject({ sectorsRecursive: [{ major: 8n, minor: 16n, value: 12n }] })
    expect(blkioV1(none)).toEqual({})
  })

  it('has huge pages by size, reservations first', () => {
    const read = files({
      'hugetlb.2MB.usage_in_bytes': '1\n',
      'hugetlb.2MB.rsvd.usage_in_bytes': '2097152\n',
      'hugetlb.2MB.failcnt': '3\n',
    })
    expect(hugetlbV1(read, ['2MB'])).toEqual({ '2MB': { usage: 2097152n, failcnt: 3n } })
  })
})

describe('v2', () => {
  const stall = 'some avg10=1.50 avg60=0.00 avg300=0.25 total=77\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n'

  it('has CPU time in nanoseconds, and pressure', () => {
    const read = files({
      'cpu.stat':
        'usage_usec 30\nuser_usec 10\nsystem_usec 20\nnice_usec 0\nnr_periods 1\nnr_throttled 0\nthrottled_usec 4\n',
      'cpu.pressure': stall,
    })
    expect(cpuV2(read)).toEqual({
      usage: { total: 30000n, kernel: 20000n, user: 10000n },
      throttling: { periods: 1n, throttledTime: 4000n },
      psi: {
        some: { avg10: 1.5, avg60: 0, avg300: 0.25, total: 77n },
        full: { avg10: 0, avg60: 0, avg300: 0, total: 7n },
      },
    })
    expect(cpuV2(none)).toEqual({ usage: { kernel: 0n, user: 0n }, throttling: {} })
  })

  it.each([
    [{ 'memory.max': 'max', 'memory.swap.max': 'max' }, 2n ** 64n - 1n, 2n ** 64n - 1n],
    [{ 'memory.max': '100', 'memory.swap.max': '0' }, 100n, 100n],
    [{ 'memory.max': '100', 'memory.swap.max': '50' }, 100n, 150n],
    [{ 'memory.max': 'max', 'memory.swap.max': '50' }, 2n ** 64n - 1n, 2n ** 64n - 1n],
    [{ 'memory.max': '100' }, 100n, 100n],
    [{}, 0n, 0n],
  ])('adds swap to memory: %j', (texts, limit, swap) => {
    const read = files({ ...texts, 'memory.current': '7\n', 'memory.swap.current': '2\n', 'memory.peak': '9\n' })
    expect(memoryV2(read)).toMatchObject({
      usage: { limit, usage: 7n, max: 9n, failcnt: 0n },
      swap: { limit: swap, usage: 9n, failcnt: 0n },
    })
  })

  it('has page cache as v1, and all of memory.stat', () => {
    expect(memoryV2(files({ 'memory.stat': 'file 5\nanon 3\n' }))).toMatchObject({
      cache: 5n,
      raw: { anon: 3n, file: 5n },
    })
  })

  it('has I/O in the tables of v1', () => {
    const read = files({
      'io.stat': '8:16 rbytes=10 wbytes=0 rios=1 wios=2 dbytes=0 dios=0\n254:0\n',
      'io.pressure': stall,
    })
    expect(blkioV2(read)).toMatchObject({
      ioServiceBytesRecursive: [
        { major: 8n, minor: 16n, op: 'Read', value: 10n },
        { major: 8n, minor: 16n, op: 'Write' },
      ],
      ioServicedRecursive: [
        { op: 'Read', value: 1n },
        { op: 'Write', value: 2n },
      ],
      psi: { some: { total: 77n } },
    })
    expect(blkioV2(none)).toEqual({})
  })

  it('has pids and huge pages', () => {
    expect(pids(files({ 'pids.current': '3\n', 'pids.max': 'max\n' }))).toEqual({ current: 3n })
    expect(pids(files({ 'pids.current': '3\n', 'pids.max': '50\n' }))).toEqual({ current: 3n, limit: 50n })
    const read = files({ 'hugetlb.1GB.current': '5\n', 'hugetlb.1GB.events': 'max 4\n' })
    expect(hugetlbV2(read, ['1GB'])).toEqual({ '1GB': { usage: 5n, failcnt: 4n } })
  })
})

it('nothing at all is printed as runc prints it', () => {
  const data: Stats = {
    cpu: cpuV2(none),
    cpuset: NO_CPUSET,
    memory: memoryV2(none),
    pids: pids(none),
    blkio: blkioV2(none),
    hugetlb: {},
    intel_rdt: {},
    network_interfaces: null,
  }
  expect(line(data)).toBe(
    `${[
      '{"type":"stats","id":"c","data":{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}}',
      '"cpuset":{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0}',
      '"memory":{"usage":{"limit":0,"failcnt":0},"swap":{"limit":0,"failcnt":0},"kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0}}',
      '"pids":{},"blkio":{},"hugetlb":{},"intel_rdt":{},"network_interfaces":null}}',
    ].join()}\n`,
  )
  expect(eventLine({ type: 'oom', id: 'c' })).toBe('{"type":"oom","id":"c"}\n')
})

it('numbers keep all their digits', () => {
  const memory = memoryV1(
    files({ 'memory.limit_in_bytes': '9223372036854771712', 'memory.failcnt': '18446744073709551615' }),
  )
  const data = { memory } as Stats
  expect(line(data)).toContain('{"limit":9223372036854771712,"failcnt":18446744073709551615}')
})

describe('the kernel’s texts', () => {
  it.each([
    ['5\n', 5n],
    ['-1', -1n],
    ['max\n', 2n ** 64n - 1n],
    ['', undefined],
    ['x', undefined],
    ['1.5', undefined],
    [undefined, undefined],
  ])('one(%j) is %s', (text, value) => {
    expect(one(text)).toBe(value)
  })

  it.each([
    ['0-3,7\n', [0, 1, 2, 3, 7]],
    ['5', [5]],
    ['\n', undefined],
    [undefined, undefined],
    ['x-y', undefined],
    ['.7,1e3', undefined],
    ['65535-99999999999', [65535]],
  ])('numberList(%j)', (text, list) => {
    expect(numberList(text)).toEqual(list)
  })

  it('pairs, pressures and page sizes', () => {
    expect(keyed('b 1\na 2\nbad\nworse x\n')).toEqual({ a: 2n, b: 1n })
    expect(pressure(undefined)).toBeUndefined()
    expect(pressure('some avg10=2.00\nnew avg10=1\n')?.some).toEqual({ avg10: 2, avg60: 0, avg300: 0, total: 0n })
    const names = ['hugetlb.2MB.current', 'hugetlb.2MB.rsvd.current', 'hugetlb.1GB.current', 'memory.current']
    expect(pageSizes(names, 'current')).toEqual(['1GB', '2MB'])
  })
})
