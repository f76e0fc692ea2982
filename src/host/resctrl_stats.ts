/** What resctrl tells of a container: its class of service and, where it is monitored, what it uses. */
import { SysError } from '../base/errors.ts'
import { listDir, readTextIf } from '../ffi/file.ts'
import type { RdtRecord } from '../plan/rdt_model.ts'
import type { CacheUse, IntelRdtStats, MemoryTraffic } from './cgroup/stats_model.ts'

/** In the form and order of runc's `events`; what cannot be read is left out. */
export function readRdtStats({ root, group, monitor }: RdtRecord): IntelRdtStats {
  const schema = (dir: string, name: string) =>
    text(`${dir}/schemata`)
      ?.split('\n')
      .map((line) => line.trim())
      .find((line) => line.startsWith(`${name}:`))
  const l3 = `${root}/info/L3`
  const mb = `${root}/info/MB`
  return {
    l3_cache_info: section({
      cbm_mask: text(`${l3}/cbm_mask`),
      min_cbm_bits: number(`${l3}/min_cbm_bits`),
      num_closids: number(`${l3}/num_closids`),
    }),
    l3_cache_schema_root: schema(root, 'L3'),
    l3_cache_schema: schema(group, 'L3'),
    mem_bw_info: section({
      bandwidth_gran: number(`${mb}/bandwidth_gran`),
      delay_linear: number(`${mb}/delay_linear`),
      min_bandwidth: number(`${mb}/min_bandwidth`),
      num_closids: number(`${mb}/num_closids`),
    }),
    mem_bw_schema_root: schema(root, 'MB'),
    mem_bw_schema: schema(group, 'MB'),
    ...use(`${monitor ?? group}/mon_data`),
  }
}

/** One entry for each L3 cache, "mon_L3_00" and on. */
function use(folder: string): Pick<IntelRdtStats, 'mbm_stats' | 'cmt_stats'> {
  const dirs = caches(folder).map((name) => `${folder}/${name}`)
  const traffic = dirs.map((dir): MemoryTraffic => {
    const [total, local] = [number(`${dir}/mbm_total_bytes`), number(`${dir}/mbm_local_bytes`)]
    return { mbm_total_bytes: total, mbm_local_bytes: local }
  })
  const occupancy = dirs.map((dir): CacheUse => ({ llc_occupancy: number(`${dir}/llc_occupancy`) }))
  const known = <T extends object>(list: readonly T[]) => (list.some((entry) => section(entry)) ? list : undefined)
  return { mbm_stats: known(traffic), cmt_stats: known(occupancy) }
}

function caches(folder: string): string[] {
  try {
    return listDir(folder)
      .filter((name) => name.startsWith('mon_L3_'))
      .sort()
  } catch (error) {
    if (error instanceof SysError) return []
    throw error
  }
}

/** undefined when nothing of it is known. */
function section<T extends object>(members: T): T | undefined {
  return Object.values(members).some((value) => value !== undefined) ? members : undefined
}

function text(path: string): string | undefined {
  try {
    return readTextIf(path)?.trim()
  } catch (error) {
    // KERNEL: "Unavailable" and EIO are both what a counter may say.
    if (error instanceof SysError) return undefined
    throw error
  }
}

function number(path: string): bigint | undefined {
  const found = text(path)
  return found !== undefined && /^\d+$/.test(found) ? BigInt(found) : undefined
}
