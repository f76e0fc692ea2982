/** config-linux.md: every resource of every controller, as the container’s cgroup has it; v1 and v2. */

import { blockDevice } from '../cgroups.ts'
import { limit, type Resource } from '../resource.ts'
import type { Case, Deviation } from '../suite.ts'
import { CPU_RESOURCES } from './cgroup_cpu.ts'
import { MEMORY_RESOURCES } from './cgroup_memory.ts'

const BLKIO = 'config-linux.md#block-io'

const V2_BESIDE_V1: Deviation = {
  versions: '<1.2',
  only: ['cgroup v1'],
  why: 'does not use controllers of cgroup v2 beside those of v1',
}

const throttle = (key: string, v1: string, v2: string): Resource => ({
  id: `blkio-${key.replace(/([A-Z])/g, '-$1').toLowerCase()}`,
  section: BLKIO,
  controller: 'blkio',
  resources: () => ({ blockIO: { [key]: [{ ...blockDevice(), rate: 1_048_576 }] } }),
  v1: () => [[v1, `${blockDevice().major}:${blockDevice().minor} 1048576`]],
  v2: () => [['io.max', `${blockDevice().major}:${blockDevice().minor} ${v2}=1048576`]],
})

const OTHERS: readonly Resource[] = [
  {
    id: 'pids-limit',
    section: 'config-linux.md#pids',
    controller: 'pids',
    resources: { pids: { limit: 37 } },
    v1: [['pids.max', '37']],
    v2: [['pids.max', '37']],
  },
  {
    id: 'pids-unlimited',
    section: 'config-linux.md#pids',
    controller: 'pids',
    resources: { pids: { limit: -1 } },
    v1: [['pids.max', 'max']],
    v2: [['pids.max', 'max']],
    more: {
      deviations: {
        crun: { versions: '<1.13', only: ['cgroup v1'], why: 'writes -1 to pids.max, which the kernel does not take' },
      },
    },
  },
  {
    id: 'pids-zero',
    section: 'config-linux.md#pids',
    controller: 'pids',
    resources: { pids: { limit: 0 } },
    v1: [['pids.max', '0']],
    v2: [['pids.max', '0']],
    more: {
      covers: ['linux-pids-01'],
      deviations: {
        runc: { versions: '<1.4', why: 'takes 0 for no limit (asked for since 1.3)' },
        crun: { versions: '<1.24', why: 'takes 0 for no limit (asked for since 1.3)' },
      },
    },
  },
  {
    id: 'blkio-weight',
    section: BLKIO,
    controller: 'blkio',
    resources: { blockIO: { weight: 300 } },
    v1: [['blkio.bfq.weight', '300']],
    v2: [['io.bfq.weight', '300']],
    more: {
      deviations: {
        crun: { versions: '<1.8.2', only: ['cgroup v1'], why: 'knows blkio.weight only, not the one of BFQ' },
      },
    },
  },
  throttle('throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps'),
  throttle('throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps'),
  throttle('throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops'),
  throttle('throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops'),
  {
    id: 'hugetlb-limit',
    section: 'config-linux.md#huge-page-limits',
    controller: 'hugetlb',
    resources: { hugepageLimits: [{ pageSize: '2MB', limit: 4_194_304 }] },
    v1: [['hugetlb.2MB.limit_in_bytes', '4194304']],
    v2: [['hugetlb.2MB.max', '4194304']],
    more: { deviations: { runc: V2_BESIDE_V1 } },
  },
  {
    // Reservations are limited where the kernel counts them, and pages that nobody has reserved as well.
    id: 'hugetlb-reservations',
    section: 'config-linux.md#huge-page-limits',
    controller: 'hugetlb',
    resources: { hugepageLimits: [{ pageSize: '2MB', limit: 6_291_456 }] },
    v1: [['hugetlb.2MB.rsvd.limit_in_bytes', '6291456']],
    v2: [['hugetlb.2MB.rsvd.max', '6291456']],
    more: { deviations: { runc: V2_BESIDE_V1, crun: { seen: '1.21', why: 'limits what is used only' } } },
  },
  {
    id: 'network-class',
    section: 'config-linux.md#network',
    controller: 'net_cls',
    resources: { network: { classID: 1_048_577 } },
    v1: [['net_cls.classid', '1048577']],
  },
  {
    id: 'network-priorities',
    section: 'config-linux.md#network',
    controller: 'net_prio',
    resources: { network: { priorities: [{ name: 'lo', priority: 7 }] } },
    v1: [['net_prio.ifpriomap', 'lo 7']],
  },
]

export const LIMITS: readonly Case[] = [MEMORY_RESOURCES, CPU_RESOURCES, OTHERS].flat().map(limit)
