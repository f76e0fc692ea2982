/** What a container uses: the numbers of its cgroups, in the form and order of runc's `events`. */
import { SysError } from '../../base/errors.ts'
import { listDir, readText } from '../../ffi/file.ts'
import type { CgroupRecord } from '../../plan/cgroup/model.ts'
import type { RdtRecord } from '../../plan/rdt_model.ts'
import { readRdtStats } from '../resctrl_stats.ts'
import type { Read, Stats } from './stats_model.ts'
import { pageSizes } from './stats_parse.ts'
import { blkioV1, cpusetV1, cpuV1, hugetlbV1, memoryV1 } from './stats_v1.ts'
import { blkioV2, cpuV2, hugetlbV2, memoryV2, NO_CPUSET, pids } from './stats_v2.ts'

/**
 * Reads all of it. Each controller is looked for in the v1 directories first and in v2 otherwise; a file that is not
 * there or cannot be read leaves its number out, as kernels differ.
 */
export function readStats({ v1, v2 }: CgroupRecord, intelRdt?: RdtRecord): Stats {
  const none: Read = () => undefined
  const inV2 = v2 === undefined ? none : reader(v2)
  /** Reads where a v1 controller is configured, known by a file that it always has. */
  const place = (...files: readonly string[]): Read | undefined => {
    const found = v1.find((dir) => files.some((file) => reader(dir)(file) !== undefined))
    return found === undefined ? undefined : reader(found)
  }
  const [accounting, cpu] = [place('cpuacct.usage'), place('cpu.shares')]
  const cpuset = place('cpuset.cpus', 'cpus')
  const memory = place('memory.usage_in_bytes')
  const blkio = place('blkio.throttle.io_serviced')
  const hugetlb = v1.find((dir) => pageSizes(names(dir), 'usage_in_bytes').length > 0)
  return {
    cpu: accounting || cpu ? cpuV1(accounting ?? none, cpu ?? none) : cpuV2(inV2),
    cpuset: cpuset ? cpusetV1(cpuset) : NO_CPUSET,
    memory: memory ? memoryV1(memory) : memoryV2(inV2),
    pids: pids(place('pids.current') ?? inV2),
    blkio: blkio ? blkioV1(blkio) : blkioV2(inV2),
    hugetlb:
      hugetlb === undefined
        ? hugetlbV2(inV2, pageSizes(v2 === undefined ? [] : names(v2), 'current'))
        : hugetlbV1(reader(hugetlb), pageSizes(names(hugetlb), 'usage_in_bytes')),
    intel_rdt: intelRdt ? readRdtStats(intelRdt) : {},
    network_interfaces: null,
  }
}

/** Reads files of one directory; KERNEL: one that cannot tell now (EOPNOTSUPP, ENODEV) is as good as not there. */
function reader(dir: string): Read {
  return (file) => {
    try {
      return readText(`${dir}/${file}`)
    } catch (error) {
      if (error instanceof SysError) return undefined
      throw error
    }
  }
}

function names(dir: string): string[] {
  try {
    return listDir(dir)
  } catch (error) {
    if (error instanceof SysError) return []
    throw error
  }
}
