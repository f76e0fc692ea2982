/** config-linux.md: limits that are checked first, settings of v1 on v2, cgroups that are not fit. */
import { spawn } from 'node:child_process'
import { cgroupFile, needController, placeOf } from '../cgroups.ts'
import { refuses } from '../declare.ts'
import { within } from '../host.ts'
import { pidOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'
import { LEAVES } from './cgroups.ts'

const MEMORY = 'config-linux.md#memory'
const UNIFIED = 'config-linux.md#unified'
const MiB = 1 << 20
/** Seconds that no create takes. */
const LONG = 8
/** Milliseconds in which a slow machine writes a few MiB. */
const SLOW = 20_000
const FILES = {
  1: { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes' },
  2: { limit: 'memory.max', usage: 'memory.current' },
}

const CHECKED: readonly Case[] = [
  {
    id: 'update-memory-checked',
    clause: MEMORY,
    asks: 'checkBeforeUpdate: a new limit below what is in use MUST be an error; the limit and the container stay',
    covers: ['linux-memory-03'],
    deviations: {
      // With v1 the kernel refuses by itself.
      runc: { seen: '1.1.15', only: ['cgroup v2'], why: 'does not know checkBeforeUpdate, and ignores it' },
      crun: {
        seen: '1.21',
        only: ['systemd'],
        why: 'checks after systemd has set the limit: the update fails, and the container has been killed',
      },
    },
    test(subject) {
      const { version } = needController('memory')
      const script = 'busybox dd if=/dev/zero of=/dev/shm/held bs=1M count=24 2>/dev/null; echo up >/up; sleep 100'
      const bundle = subject.bundle(script, (config) => {
        config.mounts.push({ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['size=32m'] })
        config.linux.resources = { memory: { limit: 64 * MiB, checkBeforeUpdate: true } }
      })
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      expect(
        within(() => bundle.read('up') === 'up\n', SLOW),
        'the program has not written its 24 MiB',
      )
      const used = Number(cgroupFile(subject, pid, 'memory', FILES[version].usage))
      expect(used > 16 * MiB, `only ${used} bytes are in use: the case shows nothing`)
      const input = JSON.stringify({ memory: { limit: 8 * MiB, checkBeforeUpdate: true } })
      const { ok } = subject.callAs({ input }, 'update', '--resources', '-', bundle.id)
      expect(!ok, `update succeeded, with ${used} bytes in use`)
      expectSame(pidOf(subject, bundle.id), pid, 'pid')
      expectSame(cgroupFile(subject, pid, 'memory', FILES[version].limit), `${64 * MiB}\n`, 'limit')
    },
  },
]

/** What only v1 has, and v2 has nothing for that could be its conversion. */
const OF_V1: readonly (readonly [name: string, controller: string, resources: Record<string, unknown>])[] = [
  ['swappiness', 'memory', { memory: { swappiness: 17 } }],
  ['realtime', 'cpu', { cpu: { realtimePeriod: 500_000, realtimeRuntime: 100_000 } }],
  ['network-class', 'pids', { network: { classID: 1_048_577 } }],
]

const CONVERTED: readonly Case[] = OF_V1.map(([name, controller, resources]) =>
  refuses(
    [
      `cgroup-v2-${name}`,
      UNIFIED,
      'on v2, a setting of v1 that cannot be converted MUST be an error',
      'linux-unified-04',
    ],
    { linux: { resources } },
    {
      deviations: { runc: { seen: '1.1.15', why: 'ignores it without a word' }, ...LEAVES },
      needs: () =>
        placeOf(controller)?.version === 2 ? undefined : `${controller} is no controller of cgroup v2 here`,
    },
  ),
)

const FIT: readonly Case[] = [
  {
    id: 'cgroup-frozen',
    clause: 'config-linux.md#control-groups',
    asks: 'create in a frozen cgroup ends: with an error, if the cgroup is looked at; the frozen container stays frozen',
    covers: ['linux-cgroups-01'],
    test(subject) {
      needController('freezer')
      const frozen = subject.bundle('sleep 100')
      subject.run(frozen)
      pidOf(subject, frozen.id)
      subject.must('pause', frozen.id)
      const bundle = subject.bundle('sleep 100', (config) => {
        config.linux.cgroupsPath = subject.cgroupsPath(frozen.id)
      })
      // What waits in there cannot even be killed before it is thawed.
      const words = [
        '-c',
        `sleep ${LONG}; exec "$@"`,
        'sh',
        subject.setting.runtime,
        ...subject.globals,
        'resume',
        frozen.id,
      ]
      const rescue = spawn('/bin/sh', words, { stdio: 'ignore' })
      const begin = performance.now()
      try {
        const { ok } = subject.call('create', '--bundle', bundle.path, bundle.id)
        expect(performance.now() - begin < LONG * 1000, 'create waited until the cgroup was thawed')
        expectSame(subject.state(frozen.id).status, 'paused', 'status of the frozen container')
        if (!ok) expect(!subject.exists(bundle.id), 'the refused container exists')
      } finally {
        rescue.kill('SIGKILL')
        subject.call('resume', frozen.id)
      }
    },
    deviations: {
      // The unit of a frozen container is there, which systemd refuses.
      crun: {
        seen: '1.8.1',
        only: ['cgroupfs'],
        why: 'does not look, which it may, and then waits until it is thawed',
      },
    },
  },
  {
    id: 'cgroup-path-too-long',
    clause: 'config-linux.md#cgroups-path',
    asks: 'a cgroupsPath that cannot be MUST be an error, and no other place is taken',
    covers: ['linux-cgroups-path-04'],
    test(subject) {
      const bundle = subject.bundle('sleep 100', (config) => {
        config.linux.cgroupsPath = subject.cgroupsPath('x'.repeat(5000))
      })
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], 'no cgroup can have such a name')
      expect(!subject.exists(bundle.id), 'the container exists')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
]

export const CGROUP_CHECKS: readonly Case[] = [...CHECKED, ...CONVERTED, ...FIT]
