/** Flags of update, and what the container’s cgroup has then. */
import { cgroupFile, kernelMakes, needController } from '../cgroups.ts'
import { pidOf } from '../look.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

const UPDATE = 'command line of runc: update'

type Files = readonly (readonly [file: string, text: string])[]

interface Change {
  readonly id: string
  readonly controller: string
  readonly flags: readonly string[]
  /** What there is before, where it would else be what it is to become. */
  readonly before?: Record<string, unknown>
  readonly v1?: Files
  readonly v2?: Files
  readonly also?: RegExp
  readonly deviations?: NonNullable<Case['deviations']>
}

const changes: readonly Change[] = [
  {
    id: 'memory',
    controller: 'memory',
    flags: ['--memory', '50331648'],
    v1: [['memory.limit_in_bytes', '50331648']],
    v2: [['memory.max', '50331648']],
  },
  {
    id: 'memory-reservation',
    controller: 'memory',
    flags: ['--memory-reservation', '33554432'],
    v1: [['memory.soft_limit_in_bytes', '33554432']],
    v2: [['memory.low', '33554432']],
  },
  {
    id: 'memory-swap',
    controller: 'memory',
    flags: ['--memory', '50331648', '--memory-swap', '67108864'],
    v1: [
      ['memory.limit_in_bytes', '50331648'],
      ['memory.memsw.limit_in_bytes', '67108864'],
    ],
    v2: [['memory.swap.max', '16777216']],
  },
  {
    id: 'cpu-share',
    controller: 'cpu',
    flags: ['--cpu-share', '256'],
    v1: [['cpu.shares', '256']],
    v2: [['cpu.weight', '10']],
    also: /^(10|35)\n$/,
  },
  {
    id: 'cpu-quota',
    controller: 'cpu',
    flags: ['--cpu-period', '80000', '--cpu-quota', '40000'],
    v1: [
      ['cpu.cfs_period_us', '80000'],
      ['cpu.cfs_quota_us', '40000'],
    ],
    v2: [['cpu.max', '40000 80000']],
  },
  {
    id: 'cpuset-cpus',
    controller: 'cpuset',
    flags: ['--cpuset-cpus', '0'],
    v1: [['cpuset.cpus', '0']],
    v2: [['cpuset.cpus', '0']],
  },
  {
    id: 'cpuset-mems',
    controller: 'cpuset',
    flags: ['--cpuset-mems', '0'],
    v1: [['cpuset.mems', '0']],
    v2: [['cpuset.mems', '0']],
  },
  {
    id: 'pids-limit',
    controller: 'pids',
    flags: ['--pids-limit', '21'],
    v1: [['pids.max', '21']],
    v2: [['pids.max', '21']],
  },
  {
    id: 'pids-unlimited',
    controller: 'pids',
    flags: ['--pids-limit', '-1'],
    before: { pids: { limit: 50 } },
    v1: [['pids.max', 'max']],
    v2: [['pids.max', 'max']],
    deviations: {
      crun: { versions: '<1.13', only: ['cgroup v1'], why: 'writes -1 to pids.max, which the kernel does not take' },
    },
  },
  {
    id: 'blkio-weight',
    controller: 'blkio',
    flags: ['--blkio-weight', '200'],
    v1: [['blkio.bfq.weight', '200']],
    deviations: {
      crun: { versions: '<1.8.2', only: ['cgroup v1'], why: 'knows blkio.weight only, not the one of BFQ' },
    },
  },
  {
    id: 'cpu-burst',
    controller: 'cpu',
    flags: ['--cpu-period', '80000', '--cpu-quota', '40000', '--cpu-burst', '5000'],
    v1: [
      ['cpu.cfs_period_us', '80000'],
      ['cpu.cfs_quota_us', '40000'],
      ['cpu.cfs_burst_us', '5000'],
    ],
    v2: [
      ['cpu.max', '40000 80000'],
      ['cpu.max.burst', '5000'],
    ],
    deviations: {
      runc: { versions: '<1.2', why: 'has no such flag' },
      crun: { seen: '1.8.1', why: 'has no such flag' },
    },
  },
]

export const FLAGS: readonly Case[] = changes.map(
  ({ id, controller, flags, before, v1, v2, also, deviations = {} }) => ({
    id: `update-${id}`,
    clause: UPDATE,
    asks: `update ${flags.filter((flag) => flag.startsWith('--')).join(' ')} is in the container’s cgroup`,
    deviations,
    test(subject) {
      const { version } = needController(controller)
      const files = version === 1 ? v1 : v2
      if (!files) throw new HostCannot(`cgroup v${version} has nothing for it`)
      const wanted = kernelMakes(controller, files)
      const bundle = subject.bundle('sleep 100', (config) => {
        if (before) config.linux.resources = before
      })
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      const [file = ''] = files.at(-1) ?? []
      subject.must('update', ...flags, bundle.id)
      const got = cgroupFile(subject, pid, controller, file)
      expect(
        got === wanted || also?.test(got) === true,
        `${file}: got ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`,
      )
      expectSame(pidOf(subject, bundle.id), pid, 'pid after update')
    },
  }),
)
