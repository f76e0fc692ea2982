/** Statistics of cgroup v2 (cgroup-v2.rst) in the places that v1 has for them. Every file is optional. */
import type {
  BlkioEntry,
  BlkioStats,
  CpuStats,
  CpusetStats,
  HugetlbEntry,
  MemoryEntry,
  MemoryStats,
  Read,
  Stats,
} from './stats_model.ts'
import { keyed, lines, NO_LIMIT, one, pressure, some } from './stats_parse.ts'

/** cpu.stat counts in microseconds, and is there without the controller, too. */
export function cpuV2(read: Read): CpuStats {
  const stat = keyed(read('cpu.stat'))
  const nanoseconds = (key: string) => (stat[key] ?? 0n) * 1000n
  return {
    usage: {
      total: some(nanoseconds('usage_usec')),
      kernel: nanoseconds('system_usec'),
      user: nanoseconds('user_usec'),
    },
    throttling: {
      periods: some(stat.nr_periods),
      throttledPeriods: some(stat.nr_throttled),
      throttledTime: some(nanoseconds('throttled_usec')),
    },
    psi: pressure(read('cpu.pressure')),
  }
}

/** runc says nothing of the cpuset of v2. */
export const NO_CPUSET: CpusetStats = {
  cpu_exclusive: 0n,
  mem_hardwall: 0n,
  mem_exclusive: 0n,
  memory_migrate: 0n,
  memory_spread_page: 0n,
  memory_spread_slab: 0n,
  memory_pressure: 0n,
  sched_load_balance: 0n,
  sched_relax_domain_level: 0n,
}

const NOTHING: MemoryEntry = { limit: 0n, usage: undefined, max: undefined, failcnt: 0n }

export function memoryV2(read: Read): MemoryStats {
  const raw = keyed(read('memory.stat'))
  const memory = { limit: one(read('memory.max')) ?? 0n, usage: one(read('memory.current')) ?? 0n }
  const swap = { limit: one(read('memory.swap.max')), usage: one(read('memory.swap.current')) ?? 0n }
  // Memory and swap together, as on v1; no sum is above "no limit". Their peaks cannot be added.
  const both = (swap.limit ?? 0n) + memory.limit
  return {
    cache: some(raw.file),
    usage: {
      limit: memory.limit,
      usage: some(memory.usage),
      max: some(one(read('memory.peak'))),
      failcnt: 0n,
    },
    swap: {
      limit: both > NO_LIMIT ? NO_LIMIT : both,
      usage: some(swap.usage + memory.usage),
      max: undefined,
      failcnt: 0n,
    },
    kernel: NOTHING,
    kernelTCP: NOTHING,
    raw: Object.keys(raw).length === 0 ? undefined : raw,
    psi: pressure(read('memory.pressure')),
  }
}

/** The same files on v1. "max" is no limit, which is not shown. */
export function pids(read: Read): Stats['pids'] {
  const limit = one(read('pids.max'))
  return { current: some(one(read('pids.current'))), limit: limit === NO_LIMIT ? undefined : some(limit) }
}

/** Keys of io.stat and what v1 calls them. */
const IO_KEYS = {
  rbytes: ['ioServiceBytesRecursive', 'Read'],
  wbytes: ['ioServiceBytesRecursive', 'Write'],
  rios: ['ioServicedRecursive', 'Read'],
  wios: ['ioServicedRecursive', 'Write'],
} as const

export function blkioV2(read: Read): BlkioStats {
  const tables: Record<'ioServiceBytesRecursive' | 'ioServicedRecursive', BlkioEntry[]> = {
    ioServiceBytesRecursive: [],
    ioServicedRecursive: [],
  }
  for (const line of lines(read('io.stat'))) {
    const [device = '', ...words] = line.split(' ')
    const [major, minor] = device.split(':').map(one)
    if (major === undefined || minor === undefined) continue
    for (const word of words) {
      const [key = '', number] = word.split('=')
      const value = one(number)
      if (!Object.hasOwn(IO_KEYS, key) || value === undefined) continue
      const [table, op] = IO_KEYS[key as keyof typeof IO_KEYS]
      tables[table].push({ major: some(major), minor: some(minor), op, value: some(value) })
    }
  }
  const filled = Object.entries(tables).filter(([, entries]) => entries.length > 0)
  return { ...Object.fromEntries(filled), psi: pressure(read('io.pressure')) }
}

/** Reservations where the kernel counts them, as runc; v2 knows of no peak. */
export function hugetlbV2(read: Read, sizes: readonly string[]): Record<string, HugetlbEntry> {
  return Object.fromEntries(
    sizes.map((size) => {
      const usage = one(read(`hugetlb.${size}.rsvd.current`)) ?? one(read(`hugetlb.${size}.current`))
      const failcnt = keyed(read(`hugetlb.${size}.events`)).max ?? 0n
      return [size, { usage: some(usage), max: undefined, failcnt }]
    }),
  )
}
