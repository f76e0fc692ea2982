/** --systemd-cgroup: cgroups that systemd makes, of cgroupsPath `slice:prefix:name`. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Bundle, Config } from '../bundle.ts'
import { cgroupFile, placeOf } from '../cgroups.ts'
import { within } from '../host.ts'
import { ofProcess, pidOf } from '../look.ts'
import type { Subject } from '../subject.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

const CLAUSE = 'command line of runc: --systemd-cgroup'
const flags = ['--systemd-cgroup']

/** The host cannot where process 1 is no systemd, or cgroups are not v2. */
function needSystemd(): void {
  if (!existsSync('/run/systemd/system')) throw new HostCannot('systemd does not run')
  if (placeOf('pids')?.version !== 2) throw new HostCannot('systemd makes cgroups of v2 only')
}

/** What systemd says of a unit. */
function property(subject: Subject, unit: string, name: string): string {
  const { stdout } = spawnSync('systemctl', ['show', '--property', name, '--value', unit], { encoding: 'utf8' })
  subject.showed(`systemctl show ${unit}, ${name}`, stdout)
  return stdout.trim()
}

function make(subject: Subject, change: (config: Config) => void = () => {}): Bundle {
  needSystemd()
  const bundle = subject.bundle('sleep 100')
  bundle.configure((config) => {
    config.linux.cgroupsPath = `system.slice:conf:${bundle.id}`
    change(config)
  })
  const { ok, stderr } = subject.callAs({ flags }, 'create', '--bundle', bundle.path, bundle.id)
  expect(ok, `create failed: ${stderr.trim()}`)
  subject.must('start', bundle.id)
  return bundle
}
const unitOf = (bundle: Bundle) => `conf-${bundle.id}.scope`

export const SYSTEMD: readonly Case[] = [
  {
    id: 'systemd-scope',
    clause: CLAUSE,
    asks: 'the container is in a scope PREFIX-NAME.scope of the slice, which systemd knows',
    test(subject) {
      const bundle = make(subject)
      const lines = ofProcess(pidOf(subject, bundle.id), 'cgroup')
      subject.showed('/proc/PID/cgroup', lines)
      expect(lines.includes(`/system.slice/${unitOf(bundle)}`), `cgroups: ${lines}`)
      expectSame(property(subject, unitOf(bundle), 'ActiveState'), 'active', 'state of the unit')
    },
  },
  {
    id: 'systemd-limits',
    clause: CLAUSE,
    asks: 'limits are in the cgroup and in the unit, so that a reload of systemd does not undo them',
    test(subject) {
      const bundle = make(subject, (config) => {
        config.linux.resources = { pids: { limit: 37 }, memory: { limit: 67_108_864 } }
      })
      const pid = pidOf(subject, bundle.id)
      expectSame(cgroupFile(subject, pid, 'pids', 'pids.max'), '37\n', 'pids.max')
      expectSame(cgroupFile(subject, pid, 'memory', 'memory.max'), '67108864\n', 'memory.max')
      expectSame(property(subject, unitOf(bundle), 'TasksMax'), '37', 'TasksMax')
      expectSame(property(subject, unitOf(bundle), 'MemoryMax'), '67108864', 'MemoryMax')
    },
  },
  {
    id: 'systemd-gone',
    clause: CLAUSE,
    asks: 'after delete there is no unit, and no cgroup',
    test(subject) {
      const bundle = make(subject)
      pidOf(subject, bundle.id)
      subject.must('delete', '--force', bundle.id)
      expect(
        within(() => property(subject, unitOf(bundle), 'ActiveState') === 'inactive'),
        'the unit is there',
      )
      expect(!existsSync(`/sys/fs/cgroup/system.slice/${unitOf(bundle)}`), 'the cgroup is there')
    },
  },
  {
    id: 'systemd-path-invalid',
    clause: 'config-linux.md#cgroups-path',
    asks: 'a cgroupsPath that is not slice:prefix:name MUST be an error, as the runtime does not take it',
    covers: ['linux-cgroups-path-04'],
    test(subject) {
      needSystemd()
      for (const path of ['one:two:three:four', 'no-slice:conf:x']) {
        const bundle = subject.bundle('sleep 100', (config) => {
          config.linux.cgroupsPath = path
        })
        const { ok } = subject.callAs({ flags }, 'create', '--bundle', bundle.path, bundle.id)
        expect(!ok, `create succeeded with ${path}`)
        expect(!subject.exists(bundle.id), 'the container exists')
        expectSame(subject.leftOf(bundle), [], 'left')
      }
    },
  },
]
