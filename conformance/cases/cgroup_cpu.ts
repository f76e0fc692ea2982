/** config-linux.md#cpu: shares, quotas and CPUs, on v1 and v2. */
import type { Resource } from '../resource.ts'

const CPU = 'config-linux.md#cpu'

export const CPU_RESOURCES: readonly Resource[] = [
  {
    id: 'cpu-shares',
    section: CPU,
    controller: 'cpu',
    resources: { cpu: { shares: 512 } },
    v1: [['cpu.shares', '512']],
    v2: [['cpu.weight', '20']],
    also: /^(20|59)\n$/,
  },
  {
    id: 'cpu-quota',
    section: CPU,
    controller: 'cpu',
    resources: { cpu: { quota: 30_000, period: 90_000 } },
    v1: [
      ['cpu.cfs_period_us', '90000'],
      ['cpu.cfs_quota_us', '30000'],
    ],
    v2: [['cpu.max', '30000 90000']],
  },
  {
    id: 'cpu-period',
    section: CPU,
    controller: 'cpu',
    resources: { cpu: { quota: 30_000, period: 90_000 } },
    v1: [['cpu.cfs_period_us', '90000']],
    v2: [['cpu.max', '30000 90000']],
  },
  {
    id: 'cpu-quota-none',
    section: CPU,
    controller: 'cpu',
    resources: { cpu: { quota: -1 } },
    v1: [['cpu.cfs_quota_us', '-1']],
    v2: [['cpu.max', 'max 100000']],
    more: {
      deviations: {
        crun: { versions: '<1.8.4', why: 'fails to create the container (cpu.cfs_quota_us: out of range)' },
      },
    },
  },
  {
    id: 'cpu-burst',
    section: CPU,
    controller: 'cpu',
    resources: { cpu: { quota: 30_000, period: 90_000, burst: 7000 } },
    v1: [
      ['cpu.cfs_period_us', '90000'],
      ['cpu.cfs_quota_us', '30000'],
      ['cpu.cfs_burst_us', '7000'],
    ],
    v2: [
      ['cpu.max', '30000 90000'],
      ['cpu.max.burst', '7000'],
    ],
    more: {
      deviations: {
        runc: { versions: '<1.2', why: 'does not know burst (specification 1.1)' },
        crun: { versions: '<1.11', why: 'does not know burst (specification 1.1)' },
      },
    },
  },
  {
    id: 'cpu-idle',
    section: CPU,
    controller: 'cpu',
    resources: { cpu: { idle: 1 } },
    v1: [['cpu.idle', '1']],
    v2: [['cpu.idle', '1']],
    more: {
      deviations: {
        runc: { versions: '<1.2', why: 'does not know idle (specification 1.1)' },
      },
    },
  },
  {
    id: 'cpu-realtime',
    section: CPU,
    controller: 'cpu',
    resources: { cpu: { realtimePeriod: 500_000, realtimeRuntime: 0 } },
    v1: [['cpu.rt_period_us', '500000']],
  },
  {
    id: 'cpu-cpus',
    section: CPU,
    controller: 'cpuset',
    resources: { cpu: { cpus: '0' } },
    v1: [['cpuset.cpus', '0']],
    v2: [['cpuset.cpus', '0']],
  },
  {
    id: 'cpu-mems',
    section: CPU,
    controller: 'cpuset',
    resources: { cpu: { mems: '0' } },
    v1: [['cpuset.mems', '0']],
    v2: [['cpuset.mems', '0']],
  },
]
