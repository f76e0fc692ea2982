/**
 * The shape of what `events` says of a container: the JSON of runc (types/events.go), key by key and in its order.
 * Numbers are 64 bits wide, hence bigint. A member that is undefined is not printed.
 */

/** The text of a file of a cgroup, undefined when it cannot be read. */
export type Read = (file: string) => string | undefined

type Optional = bigint | undefined

/** Pressure stall information, Documentation/accounting/psi.rst: percentages, and microseconds. */
export interface Pressure {
  readonly some: Readonly<Record<'avg10' | 'avg60' | 'avg300', number> & Record<'total', bigint>>
  readonly full: Pressure['some']
}

export interface CpuStats {
  /** Nanoseconds; lists by CPU. */
  readonly usage: {
    readonly total: Optional
    readonly percpu?: readonly bigint[] | undefined
    readonly percpu_kernel?: readonly bigint[] | undefined
    readonly percpu_user?: readonly bigint[] | undefined
    readonly kernel: bigint
    readonly user: bigint
  }
  readonly throttling: {
    readonly periods: Optional
    readonly throttledPeriods: Optional
    readonly throttledTime: Optional
  }
  readonly psi?: Pressure | undefined
}

export interface CpusetStats {
  readonly cpus?: readonly number[] | undefined
  readonly cpu_exclusive: bigint
  readonly mems?: readonly number[] | undefined
  readonly mem_hardwall: bigint
  readonly mem_exclusive: bigint
  readonly memory_migrate: bigint
  readonly memory_spread_page: bigint
  readonly memory_spread_slab: bigint
  readonly memory_pressure: bigint
  readonly sched_load_balance: bigint
  readonly sched_relax_domain_level: bigint
}

export interface MemoryEntry {
  readonly limit: bigint
  readonly usage: Optional
  readonly max: Optional
  readonly failcnt: bigint
}

export interface MemoryStats {
  readonly cache: Optional
  readonly usage: MemoryEntry
  /** Memory and swap together, on v2 too. */
  readonly swap: MemoryEntry
  readonly kernel: MemoryEntry
  readonly kernelTCP: MemoryEntry
  readonly raw?: Readonly<Record<string, bigint>> | undefined
  readonly psi?: Pressure | undefined
}

export interface BlkioEntry {
  readonly major: Optional
  readonly minor: Optional
  readonly op?: string | undefined
  readonly value: Optional
}

/** Keys of runc's, in its order. */
export const BLKIO_TABLES = [
  'ioServiceBytesRecursive',
  'ioServicedRecursive',
  'ioQueueRecursive',
  'ioServiceTimeRecursive',
  'ioWaitTimeRecursive',
  'ioMergedRecursive',
  'ioTimeRecursive',
  'sectorsRecursive',
] as const

export type BlkioTable = (typeof BLKIO_TABLES)[number]

export type BlkioStats = Readonly<Partial<Record<BlkioTable, readonly BlkioEntry[] | undefined>>> & {
  readonly psi?: Pressure | undefined
}

export interface HugetlbEntry {
  readonly usage: Optional
  readonly max: Optional
  readonly failcnt: bigint
}

export interface MemoryTraffic {
  readonly mbm_total_bytes: Optional
  readonly mbm_local_bytes: Optional
}

export interface CacheUse {
  readonly llc_occupancy: Optional
}

/** resctrl; empty for a container that has no class of service. */
export interface IntelRdtStats {
  readonly l3_cache_info?:
    | { readonly cbm_mask: string | undefined; readonly min_cbm_bits: Optional; readonly num_closids: Optional }
    | undefined
  readonly l3_cache_schema_root?: string | undefined
  readonly l3_cache_schema?: string | undefined
  readonly mem_bw_info?:
    | {
        readonly bandwidth_gran: Optional
        readonly delay_linear: Optional
        readonly min_bandwidth: Optional
        readonly num_closids: Optional
      }
    | undefined
  readonly mem_bw_schema_root?: string | undefined
  readonly mem_bw_schema?: string | undefined
  readonly mbm_stats?: readonly MemoryTraffic[] | undefined
  readonly cmt_stats?: readonly CacheUse[] | undefined
}

export interface Stats {
  readonly cpu: CpuStats
  readonly cpuset: CpusetStats
  readonly memory: MemoryStats
  readonly pids: { readonly current: Optional; readonly limit: Optional }
  readonly blkio: BlkioStats
  readonly hugetlb: Readonly<Record<string, HugetlbEntry>>
  readonly intel_rdt: IntelRdtStats
  readonly network_interfaces: null
}
