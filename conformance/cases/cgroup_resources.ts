/** config-linux.md: every resource of every controller, as the container’s cgroup has it; v1 and v2. */
import { blockDevice, cgroupFile, kernelMakes, needController } from '../cgroups.ts'
import { type Case, expect, HostCannot } from '../suite.ts'

/** A file of a controller and what is written to it; several are written in this order, and the last is looked at. */
type Files = readonly (readonly [file: string, text: string])[]

/** A value of linux.resources, and what it is in either version of cgroups. */
interface Resource {
  readonly id: string
  readonly section: string
  readonly controller: string
  readonly resources: Record<string, unknown> | (() => Record<string, unknown>)
  readonly v1?: Files | (() => Files)
  readonly v2?: Files | (() => Files)
  /** Other texts that are as right: runtimes convert shares in two ways. */
  readonly also?: RegExp
  readonly more?: Pick<Case, 'deviations' | 'covers'>
}

const MEMORY = 'config-linux.md#memory'
const CPU = 'config-linux.md#cpu'
const BLKIO = 'config-linux.md#block-io'

const M64 = 67_108_864

const M128 = 134_217_728

const M32 = 33_554_432

const value = <T>(it: T | (() => T)): T => (typeof it === 'function' ? (it as () => T)() : it)

const throttle = (key: string, v1: string, v2: string): Resource => ({
  id: `blkio-${key.replace(/([A-Z])/g, '-$1').toLowerCase()}`,
  section: BLKIO,
  controller: 'blkio',
  resources: () => ({ blockIO: { [key]: [{ ...blockDevice(), rate: 1_048_576 }] } }),
  v1: () => [[v1, `${blockDevice().major}:${blockDevice().minor} 1048576`]],
  v2: () => [['io.max', `${blockDevice().major}:${blockDevice().minor} ${v2}=1048576`]],
})

const RESOURCES: readonly Resource[] = [
  {
    id: 'memory-limit',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: M64 } },
    v1: [['memory.limit_in_bytes', `${M64}`]],
    v2: [['memory.max', `${M64}`]],
  },
  {
    id: 'memory-unlimited',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: -1 } },
    v1: [['memory.limit_in_bytes', '-1']],
    v2: [['memory.max', 'max']],
  },
  {
    id: 'memory-reservation',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { reservation: M32 } },
    v1: [['memory.soft_limit_in_bytes', `${M32}`]],
    v2: [['memory.low', `${M32}`]],
  },
  {
    id: 'memory-swap',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: M64, swap: M128 } },
    v1: [
      ['memory.limit_in_bytes', `${M64}`],
      ['memory.memsw.limit_in_bytes', `${M128}`],
    ],
    v2: [['memory.swap.max', `${M128 - M64}`]],
  },
  {
    id: 'memory-swap-none',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: M64, swap: M64 } },
    v1: [
      ['memory.limit_in_bytes', `${M64}`],
      ['memory.memsw.limit_in_bytes', `${M64}`],
    ],
    v2: [['memory.swap.max', '0']],
  },
  {
    id: 'memory-swap-unlimited',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: M64, swap: -1 } },
    v1: [
      ['memory.limit_in_bytes', `${M64}`],
      ['memory.memsw.limit_in_bytes', '-1'],
    ],
    v2: [['memory.swap.max', 'max']],
  },
  {
    id: 'memory-kernel-tcp',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { kernelTCP: M32 } },
    v1: [['memory.kmem.tcp.limit_in_bytes', `${M32}`]],
    more: {
      deviations: {
        davit: {
          versions: '>=0.1',
          why: 'ignores the settings of kernel memory, which are not recommended, with a warning, as runc does',
        },
        runc: {
          seen: '1.1.5',
          why: 'ignores the settings of kernel memory, which are not recommended, with a warning',
        },
      },
    },
  },
  {
    id: 'memory-swappiness',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { swappiness: 17 } },
    v1: [['memory.swappiness', '17']],
  },
  {
    id: 'memory-oom-killer',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: M64, disableOOMKiller: true } },
    v1: [['memory.oom_control', '1']],
  },
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
      deviations: { crun: { seen: '1.8.1', why: 'fails to create the container (cpu.cfs_quota_us: out of range)' } },
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
        crun: { seen: '1.8.1', why: 'does not know burst (specification 1.1)' },
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
        crun: { seen: '1.8.1', why: 'writes -1 to pids.max of cgroup v1, which the kernel does not take' },
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
    more: { deviations: { crun: { seen: '1.8.1', why: 'knows blkio.weight only, not the one of BFQ' } } },
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
    more: {
      deviations: { runc: { versions: '<1.2', why: 'does not use controllers of cgroup v2 beside those of v1' } },
    },
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

export const LIMITS: readonly Case[] = RESOURCES.map(({ id, section, controller, resources, v1, v2, also, more }) => ({
  ...more,
  id: `cgroup-${id}`,
  clause: section,
  asks: `${id.replaceAll('-', ' ')} is set in the container’s cgroup`,
  test(subject) {
    // On v2, blkio is io.
    const io = controller === 'blkio' ? 'io' : controller
    let name = controller
    try {
      needController(controller)
    } catch (error) {
      if (io === controller) throw error
      name = io
    }
    const { version } = needController(name)
    const files = value(version === 1 ? v1 : v2)
    if (!files) throw new HostCannot(`cgroup v${version} has nothing for it`)
    const wanted = kernelMakes(name, files)
    const file = files.at(-1)?.[0] ?? ''
    const bundle = subject.bundle('sleep 100', (config) => {
      Object.assign(config.linux, { resources: value(resources) })
    })
    subject.create(bundle)
    const { pid = 0 } = subject.state(bundle.id)
    const got = cgroupFile(subject, pid, name, file)
    // What counts in it changes; what is set does not.
    const set = (text: string) =>
      text
        .split('\n')
        .filter((line) => !/^(under_oom|oom_kill) /.test(line))
        .sort()
        .join('\n')
    expect(
      set(got) === set(wanted) || also?.test(got) === true,
      `${file}: got ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`,
    )
  },
}))
