/** Statistics of cgroup v1 (Documentation/admin-guide/cgroup-v1). Every file is optional, columns go by their names. */
import {
  BLKIO_TABLES,
  type BlkioEntry,
  type BlkioStats,
  type BlkioTable,
  type CpuStats,
  type CpusetStats,
  type HugetlbEntry,
  type MemoryEntry,
  type MemoryStats,
  type Read,
} from './stats_model.ts'
import { keyed, lines, numberList, one, some } from './stats_parse.ts'

/** KERNEL: USER_HZ is 100 on every architecture that davit runs on; cpuacct.stat counts in it. */
const NANOSECONDS_PER_TICK = 10_000_000n

/** cpuacct.rst; throttling is the cpu controller's, scheduler/sched-bwc.rst. */
export function cpuV1(accounting: Read, cpu: Read): CpuStats {
  const ticks = keyed(accounting('cpuacct.stat'))
  const percpu = (accounting('cpuacct.usage_percpu') ?? '').split(/\s+/).map(one)
  const throttling = keyed(cpu('cpu.stat'))
  return {
    usage: {
      total: some(one(accounting('cpuacct.usage'))),
      percpu: filled(percpu.filter((value) => value !== undefined)),
      percpu_kernel: column(accounting('cpuacct.usage_all'), 'system'),
      percpu_user: column(accounting('cpuacct.usage_all'), 'user'),
      kernel: (ticks.system ?? 0n) * NANOSECONDS_PER_TICK,
      user: (ticks.user ?? 0n) * NANOSECONDS_PER_TICK,
    },
    throttling: {
      periods: some(throttling.nr_periods),
      throttledPeriods: some(throttling.nr_throttled),
      throttledTime: some(throttling.throttled_time),
    },
  }
}

/** A column of a table whose first line names the columns; some kernels have more of them than others. */
function column(text: string | undefined, name: string): bigint[] | undefined {
  const [heading = '', ...rows] = lines(text)
  const at = heading.split(' ').indexOf(name)
  if (at < 0) return undefined
  return filled(rows.map((row) => one(row.split(' ')[at]) ?? 0n))
}

function filled<T>(list: readonly T[]): T[] | undefined {
  return list.length === 0 ? undefined : [...list]
}

/** cpusets.rst. KERNEL: a cpuset mounted noprefix has files without "cpuset.". */
export function cpusetV1(read: Read): CpusetStats {
  const text = (file: string) => read(`cpuset.${file}`) ?? read(file)
  const number = (file: string) => one(text(file)) ?? 0n
  return {
    cpus: numberList(text('cpus')),
    cpu_exclusive: number('cpu_exclusive'),
    mems: numberList(text('mems')),
    mem_hardwall: number('mem_hardwall'),
    mem_exclusive: number('mem_exclusive'),
    memory_migrate: number('memory_migrate'),
    memory_spread_page: number('memory_spread_page'),
    memory_spread_slab: number('memory_spread_slab'),
    memory_pressure: number('memory_pressure'),
    sched_load_balance: number('sched_load_balance'),
    sched_relax_domain_level: number('sched_relax_domain_level'),
  }
}

/** memory.rst. */
export function memoryV1(read: Read): MemoryStats {
  const raw = keyed(read('memory.stat'))
  return {
    cache: some(raw.cache),
    usage: memoryEntry(read, 'memory'),
    swap: memoryEntry(read, 'memory.memsw'),
    kernel: memoryEntry(read, 'memory.kmem'),
    kernelTCP: memoryEntry(read, 'memory.kmem.tcp'),
    raw: Object.keys(raw).length === 0 ? undefined : raw,
  }
}

function memoryEntry(read: Read, prefix: string): MemoryEntry {
  return {
    limit: one(read(`${prefix}.limit_in_bytes`)) ?? 0n,
    usage: some(one(read(`${prefix}.usage_in_bytes`))),
    max: some(one(read(`${prefix}.max_usage_in_bytes`))),
    failcnt: one(read(`${prefix}.failcnt`)) ?? 0n,
  }
}

/** What the tables are called by the schedulers, best first; the last two know of bytes and operations only. */
const BLKIO_FILES: readonly Readonly<Partial<Record<BlkioTable, string>>>[] = [
  scheduler('blkio.bfq.'),
  scheduler('blkio.'),
  {
    ioServiceBytesRecursive: 'blkio.throttle.io_service_bytes_recursive',
    ioServicedRecursive: 'blkio.throttle.io_serviced_recursive',
  },
  { ioServiceBytesRecursive: 'blkio.throttle.io_service_bytes', ioServicedRecursive: 'blkio.throttle.io_serviced' },
]

function scheduler(prefix: string): Record<BlkioTable, string> {
  return {
    ioServiceBytesRecursive: `${prefix}io_service_bytes_recursive`,
    ioServicedRecursive: `${prefix}io_serviced_recursive`,
    ioQueueRecursive: `${prefix}io_queued_recursive`,
    ioServiceTimeRecursive: `${prefix}io_service_time_recursive`,
    ioWaitTimeRecursive: `${prefix}io_wait_time_recursive`,
    ioMergedRecursive: `${prefix}io_merged_recursive`,
    ioTimeRecursive: `${prefix}time_recursive`,
    sectorsRecursive: `${prefix}sectors_recursive`,
  }
}

/** blkio-controller.rst. The first scheduler that has counted operations is the one whose numbers are shown. */
export function blkioV1(read: Read): BlkioStats {
  for (const files of BLKIO_FILES) {
    const tables = BLKIO_TABLES.map((key) => [key, blkioTable(read(files[key] ?? ''))] as const)
    if (tables.some(([key, entries]) => key === 'ioServicedRecursive' && entries !== undefined))
      return Object.fromEntries(tables)
  }
  return {}
}

/** Lines "8:0 Read 4096" or "8:0 12", and a last one "Total 4096", which is no device's. */
function blkioTable(text: string | undefined): BlkioEntry[] | undefined {
  const entries = lines(text).flatMap((line): BlkioEntry[] => {
    const [device = '', ...words] = line.split(' ')
    const [major, minor] = device.split(':').map(one)
    const value = one(words.at(-1))
    if (major === undefined || minor === undefined || value === undefined) return []
    return [{ major: some(major), minor: some(minor), op: words.length > 1 ? words[0] : undefined, value: some(value) }]
  })
  return filled(entries)
}

/** hugetlb.rst; reservations where the kernel counts them, as runc. */
export function hugetlbV1(read: Read, sizes: readonly string[]): Record<string, HugetlbEntry> {
  return Object.fromEntries(
    sizes.map((size) => {
      const file = (name: string) => read(`hugetlb.${size}.rsvd.${name}`) ?? read(`hugetlb.${size}.${name}`)
      const entry: HugetlbEntry = {
        usage: some(one(file('usage_in_bytes'))),
        max: some(one(file('max_usage_in_bytes'))),
        failcnt: one(file('failcnt')) ?? 0n,
      }
      return [size, entry]
    }),
  )
}
