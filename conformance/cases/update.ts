/** update, pause, resume and events: no operations of the specification, but every engine's. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupFile, cgroupOf, kernelMakes, needController } from '../cgroups.ts'
import { hierarchies, isAlive, pause, within } from '../host.ts'
import { ofProcess, pidOf } from '../look.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

const UPDATE = 'command line of runc: update'
const PAUSE = 'command line of runc: pause'
type Files = readonly (readonly [file: string, text: string])[]

interface Change {
  readonly id: string
  readonly controller: string
  readonly flags: readonly string[]
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
    v1: [['pids.max', 'max']],
    v2: [['pids.max', 'max']],
    deviations: {
      crun: { seen: '1.8.1', why: 'writes -1 to pids.max of cgroup v1, which the kernel does not take' },
    },
  },
  {
    id: 'blkio-weight',
    controller: 'blkio',
    flags: ['--blkio-weight', '200'],
    v1: [['blkio.bfq.weight', '200']],
    deviations: { crun: { seen: '1.8.1', why: 'knows blkio.weight only, not the one of BFQ' } },
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

const FLAGS: readonly Case[] = changes.map(({ id, controller, flags, v1, v2, also, deviations = {} }) => ({
  id: `update-${id}`,
  clause: UPDATE,
  asks: `update ${flags.filter((flag) => flag.startsWith('--')).join(' ')} is in the container’s cgroup`,
  deviations,
  test(subject) {
    const { version } = needController(controller)
    const files = version === 1 ? v1 : v2
    if (!files) throw new HostCannot(`cgroup v${version} has nothing for it`)
    const wanted = kernelMakes(controller, files)
    const bundle = subject.bundle('sleep 100')
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
}))

const files = {
  1: { memory: 'memory.limit_in_bytes', pids: 'pids.max' },
  2: { memory: 'memory.max', pids: 'pids.max' },
}
const limits = (pids: number, memory: number) => ({ pids: { limit: pids }, memory: { limit: memory } })

const RESOURCES: readonly Case[] = [
  ...(['a file', 'stdin'] as const).map(
    (from): Case => ({
      id: `update-resources-${from.replace('a ', '')}`,
      clause: UPDATE,
      asks: `--resources takes linux.resources as JSON from ${from}`,
      test(subject) {
        const [memory, pids] = [needController('memory'), needController('pids')]
        const bundle = subject.bundle('sleep 100', (config) => {
          config.linux.resources = limits(50, 134_217_728)
        })
        subject.run(bundle)
        const pid = pidOf(subject, bundle.id)
        const text = JSON.stringify(limits(33, 67_108_864))
        const path = join(bundle.path, 'resources.json')
        writeFileSync(path, text)
        const { ok, stderr } = subject.callAs(
          from === 'stdin' ? { input: text } : {},
          'update',
          '--resources',
          from === 'stdin' ? '-' : path,
          bundle.id,
        )
        expect(ok, `update failed: ${stderr.trim()}`)
        expectSame(cgroupFile(subject, pid, 'memory', files[memory.version].memory), '67108864\n', 'memory')
        expectSame(cgroupFile(subject, pid, 'pids', files[pids.version].pids), '33\n', 'pids')
      },
    }),
  ),
  {
    id: 'update-keeps-others',
    clause: UPDATE,
    asks: 'what update does not mention stays as it was',
    test(subject) {
      const [memory, pids] = [needController('memory'), needController('pids')]
      const bundle = subject.bundle('sleep 100', (config) => {
        config.linux.resources = limits(50, 134_217_728)
      })
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      subject.must('update', '--pids-limit', '44', bundle.id)
      expectSame(cgroupFile(subject, pid, 'pids', files[pids.version].pids), '44\n', 'pids')
      expectSame(cgroupFile(subject, pid, 'memory', files[memory.version].memory), '134217728\n', 'memory')
    },
  },
  {
    id: 'update-created',
    clause: UPDATE,
    asks: 'a created container can be updated, and starts with the new limits',
    test(subject) {
      const { version } = needController('pids')
      const bundle = subject.bundle('sleep 100')
      subject.create(bundle)
      subject.must('update', '--pids-limit', '23', bundle.id)
      subject.must('start', bundle.id)
      expectSame(cgroupFile(subject, pidOf(subject, bundle.id), 'pids', files[version].pids), '23\n', 'pids')
    },
  },
  {
    id: 'update-unknown',
    clause: UPDATE,
    asks: 'update of a container that does not exist is an error',
    test(subject) {
      subject.mustFail(['update', '--pids-limit', '23', 'conf-unknown'], 'there is no such container')
    },
  },
  {
    id: 'update-refused-keeps',
    clause: 'runtime.md#errors',
    asks: 'an update that the kernel refuses is an error, and the container runs on',
    test(subject) {
      needController('cpuset')
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      subject.mustFail(['update', '--cpuset-cpus', '4095', bundle.id], 'the machine has no such CPU')
      expectSame(pidOf(subject, bundle.id), pid, 'pid')
    },
  },
]

const readOf = (path: string) => readFileSync(path, 'utf8')

/** Whether the kernel says that a process's cgroup is frozen: v1 and v2 both can, also beside each other. */
function frozen(pid: number): boolean {
  const lines = ofProcess(pid, 'cgroup').trim().split('\n')
  return hierarchies().some((mount) =>
    lines.some((line) => {
      const folder = mount + line.split(':').slice(2).join(':')
      const says = (file: string, word: RegExp) =>
        existsSync(`${folder}/${file}`) && word.test(readOf(`${folder}/${file}`))
      return says('freezer.state', /FROZEN/) || says('cgroup.events', /^frozen 1$/m)
    }),
  )
}

const counter = 'n=0; while :; do n=$((n+1)); echo $n >/count; sleep 0.02; done'

const PAUSES: readonly Case[] = [
  {
    id: 'pause-freezes',
    clause: PAUSE,
    asks: 'a paused container does nothing, and says so; resumed, it goes on',
    covers: ['runtime-state-05'],
    test(subject) {
      needController('freezer')
      const bundle = subject.bundle(counter)
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      within(() => bundle.read('count') !== '')
      subject.must('pause', bundle.id)
      expectSame(subject.state(bundle.id).status, 'paused', 'status')
      expect(frozen(pid), 'the kernel does not say that the cgroup is frozen')
      const count = bundle.read('count')
      pause(300)
      expectSame(bundle.read('count'), count, 'the count, 300 ms later')
      subject.must('resume', bundle.id)
      expectSame(subject.state(bundle.id).status, 'running', 'status after resume')
      expect(
        within(() => bundle.read('count') !== count && bundle.read('count') !== ''),
        'the program does not go on',
      )
    },
  },
  {
    id: 'pause-created',
    clause: PAUSE,
    asks: 'pause of a stopped container is an error',
    test(subject) {
      const bundle = subject.bundle('true')
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      subject.mustFail(['pause', bundle.id], 'it is stopped')
      expectSame(subject.state(bundle.id).status, 'stopped', 'status')
    },
  },
  {
    id: 'resume-running',
    clause: 'command line of runc: resume',
    asks: 'resume of a container that is not paused is an error',
    deviations: { crun: { seen: '1.8.1', why: 'reports success, and does nothing' } },
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      subject.mustFail(['resume', bundle.id], 'it is not paused')
      pidOf(subject, bundle.id)
    },
  },
  {
    id: 'pause-exec',
    clause: 'command line of runc: exec --ignore-paused',
    asks: 'exec in a paused container is an error, and makes no process',
    test(subject) {
      needController('freezer')
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      subject.must('pause', bundle.id)
      subject.mustFail(['exec', '--detach', bundle.id, 'sleep', '50'], 'it is paused')
      expectSame(
        readOf(`${cgroupOf(pid, 'freezer')}/cgroup.procs`)
          .trim()
          .split('\n').length,
        1,
        'processes in the container',
      )
      subject.must('resume', bundle.id)
    },
  },
  {
    id: 'pause-kill',
    clause: 'runtime.md#kill',
    asks: 'a paused container can be killed for good: by force, all of it',
    test(subject) {
      needController('freezer')
      const bundle = subject.bundle('sleep 300 & sleep 300')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      subject.must('pause', bundle.id)
      subject.must('delete', '--force', bundle.id)
      expect(!isAlive(pid), 'the process is alive')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
  {
    id: 'events-stats',
    clause: 'command line of runc: events',
    asks: 'events --stats is one line of JSON with what the container uses',
    deviations: { crun: { seen: '1.8.1', why: 'has no events' } },
    test(subject) {
      const { version } = needController('pids')
      const bundle = subject.bundle('sleep 300 & sleep 300 & echo >/up; sleep 300', (config) => {
        config.linux.resources = { pids: { limit: 77 } }
      })
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      within(() => bundle.read('up') !== '')
      const event = JSON.parse(subject.must('events', '--stats', bundle.id).stdout) as {
        type: string
        id: string
        data: {
          pids: { current: number; limit: number }
          cpu: { usage: { total: number } }
          memory: { usage: { usage: number } }
        }
      }
      expectSame([event.type, event.id], ['stats', bundle.id], 'type and id')
      expectSame(event.data.pids.limit, 77, 'pids.limit')
      const count = Number(cgroupFile(subject, pid, 'pids', files[version].pids.replace('max', 'current')))
      expect(
        event.data.pids.current >= 3 && count >= 3,
        `pids.current is ${event.data.pids.current}, the kernel says ${count}`,
      )
      expect(event.data.cpu.usage.total > 0, 'cpu.usage.total is 0')
      expect(event.data.memory.usage.usage > 0, 'memory.usage.usage is 0')
      expect(ofProcess(pid, 'stat') !== '', 'the process has gone')
    },
  },
]

export const UPDATES: readonly Case[] = [...FLAGS, ...RESOURCES, ...PAUSES]
