/** What systemd does again by itself, or for an administrator, changes nothing of a container's cgroup. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, createStart } from '../support/bundle.ts'
import { directoryOf, value } from '../support/cgroups.ts'
import { output } from '../support/exec.ts'
import { outputIn } from '../support/in_container.ts'
import { probePath } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { must } from '../support/runtime.ts'
import { cgroupView } from '../support/view.ts'

const SYSTEMD = { global: ['--systemd-cgroup'] }
const MB = 1 << 20

/** Numbers of a disk: no loop device, no memory. */
function disk(): { major: number; minor: number } {
  const found = readdirSync('/sys/block')
    .map((name) => readFileSync(`/sys/block/${name}/dev`, 'utf8').trim())
    .find((device) => !/^(7|1):/.test(device))
  const [major = 0, minor = 0] = (found ?? '').split(':').map(Number)
  return { major, minor }
}

type Resources = Config['linux']['resources']

const LIMITS: Readonly<Record<string, () => Resources>> = {
  fields: () => ({
    memory: { limit: 64 * MB, reservation: 32 * MB, swap: 96 * MB },
    cpu: { shares: 512, quota: 12500, period: 50000, burst: 1000, cpus: '0', mems: '0' },
    pids: { limit: 20 },
    blockIO: {
      throttleReadBpsDevice: [{ ...disk(), rate: MB }],
      throttleWriteIOPSDevice: [{ ...disk(), rate: 77 }],
    },
    hugepageLimits: [{ pageSize: '2MB', limit: 4 * MB }],
  }),
  'files of v2': () => ({
    unified: {
      'memory.min': `${4 * MB}`,
      'memory.low': `${8 * MB}`,
      'memory.high': `${48 * MB}`,
      'memory.max': `${64 * MB}`,
      'memory.swap.high': `${40 * MB}`,
      'memory.swap.max': `${41 * MB}`,
      'memory.oom.group': '1',
      'cpu.weight': '77',
      'cpu.max': '12500 50000',
      'cpuset.cpus': '0',
      'cpuset.mems': '0',
      'pids.max': '33',
      'io.weight': '55',
      'io.max': `${disk().major}:${disk().minor} rbps=${MB} wiops=77`,
    },
  }),
  'what systemd knows only roughly': () => ({ cpu: { quota: 12345, period: 50000 }, blockIO: { weight: 300 } }),
  'an idle container': () => ({ cpu: { idle: 1 } }),
  'no limits at all': () => ({}),
}

/** What makes systemd write to cgroups. */
const EVENTS: Readonly<Record<string, (unit: string) => readonly string[]>> = {
  'a reload': () => ['daemon-reload'],
  'a new systemd': () => ['daemon-reexec'],
  'a property that is set': (unit) => ['set-property', '--runtime', unit, 'MemoryMin=1M'],
}

describe.runIf(requires('root', 'systemd', 'cgroup2'))('of a container in a unit', () => {
  test.each(Object.keys(LIMITS))('all limits stay: %s', async (name) => {
    const made = await bundle(['/bin/sleep', '1000'])
    made.configure(({ linux }) => Object.assign(linux.resources, LIMITS[name]?.()))
    const { pid } = await createStart(made, SYSTEMD)
    const before = cgroupView(pid)
    for (const [event, args] of Object.entries(EVENTS)) {
      await output('systemctl', [...args(`davit-${made.id}.scope`)])
      // It answers when it is there, and has done what it was to do.
      await output('systemctl', ['show', '--property=Version'])
      const after = cgroupView(pid)
      const set = event === 'a property that is set'
      // Then it writes all that it knows.
      if (set && name === 'what systemd knows only roughly') expect(after['cgroup v2 cpu.max']).toBe('12500 50000')
      else expect(after, event).toEqual({ ...before, ...(set ? { 'cgroup v2 memory.min': `${MB}` } : {}) })
    }
  })

  test('its devices stay, those that were updated, too', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
      config.root.readonly = false
    })
    const { pid } = await createStart(made, SYSTEMD)
    const devices = [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'b' as const, ...disk(), access: 'r' },
    ]
    const { major, minor } = disk()
    await outputIn(made.id, `mknod /dev/disk b ${major} ${minor}; mknod /dev/mem c 1 1`, ['--cap', 'CAP_MKNOD'])
    const look = async () =>
      await outputIn(made.id, 'for d in disk mem null; do (: </dev/$d) 2>/dev/null && echo $d; done; :')
    const programs = async () => await output(await probePath(), ['programs', directoryOf(pid, '')])
    expect([await look(), await programs()]).toEqual(['null\n', '1\n'])
    await must(['update', '--resources', '-', made.id], { stdin: JSON.stringify({ devices }) })
    for (const args of Object.values(EVENTS)) {
      await output('systemctl', [...args(`davit-${made.id}.scope`)])
      await output('systemctl', ['show', '--property=Version'])
      expect([await look(), await programs()]).toEqual(['disk\nnull\n', '1\n'])
    }
    expect(value(pid, '', 'cgroup.procs')).toBe(`${pid}`)
  })
})
