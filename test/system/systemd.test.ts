/** Cgroups made by systemd: units as systemd itself shows them, next to what the kernel has. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, create, createStart, run, tryCreate } from '../support/bundle.ts'
import { directoryOf, value } from '../support/cgroups.ts'
import { exec, output } from '../support/exec.ts'
import { outputIn } from '../support/in_container.ts'
import { processCgroups } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { davit, must, startDavit, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { atEnd, scratch, uniqueId } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const SYSTEMD = { global: ['--systemd-cgroup'] }
const systemd = requires('root', 'systemd', 'cgroup2')

/** A bundle that sleeps. */
function sleeper(change: (config: Config) => void = () => {}): Promise<Bundle> {
  return bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    change(config)
  })
}

/** What systemd says of a unit. */
async function shown(unit: string, ...names: readonly string[]): Promise<Record<string, string>> {
  const text = await output('systemctl', ['show', unit, ...names.map((name) => `--property=${name}`)])
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

const isLoaded = async (unit: string) => (await shown(unit, 'LoadState')).LoadState === 'loaded'

describe.runIf(systemd)('a container in a unit of systemd', () => {
  test('is in a delegated scope of its slice, from which delete takes all', async () => {
    const made = await sleeper()
    const { pid } = await createStart(made, SYSTEMD)
    const unit = `davit-${made.id}.scope`
    expect(processCgroups(pid)['']).toBe(`/system.slice/${unit}`)
    expect(value(pid, '', 'cgroup.procs')).toBe(`${pid}`)
    const names = ['ActiveState', 'Slice', 'Delegate', 'CollectMode', 'DefaultDependencies', 'MemoryAccounting']
    expect(await shown(unit, ...names)).toEqual({
      ActiveState: 'active',
      Slice: 'system.slice',
      Delegate: 'yes',
      CollectMode: 'inactive-or-failed',
      DefaultDependencies: 'no',
      MemoryAccounting: 'yes',
    })
    const dir = directoryOf(pid, '')
    await must(['delete', '--force', made.id])
    expect(await isLoaded(unit)).toBe(false)
    expect(existsSync(dir)).toBe(false)
  })

  test('is not taken for an earlier one of the same name, of another state directory', async () => {
    const ended = await bundle(({ process }) => {
      process.args = ['/bin/true']
    })
    await createStart(ended, SYSTEMD)
    await untilStatus(ended.id, 'stopped')
    const unit = `davit-${ended.id}.scope`
    await until('the unit is gone', async () => !(await isLoaded(unit)) || undefined)
    const made = await sleeper()
    const other = `${scratch()}/other`
    const there = (...args: readonly string[]) => exec(RUNTIME, ['--root', other, '--systemd-cgroup', ...args])
    const output = `${made.path}/output`
    const run = ['--root', other, '--systemd-cgroup', 'run', '--detach', '--bundle', made.path, ended.id]
    expect(await exec(RUNTIME, run, { output })).toMatchObject({ code: 0 })
    atEnd(async () => void (await there('delete', '--force', ended.id)))
    await davit(['kill', '--all', ended.id, 'KILL'])
    await must(['delete', '--force', ended.id])
    expect(JSON.parse((await there('state', ended.id)).stdout)).toMatchObject({ status: 'running' })
    expect(await shown(unit, 'ActiveState')).toEqual({ ActiveState: 'active' })
    await there('delete', '--force', ended.id)
    expect(await isLoaded(unit)).toBe(false)
  })

  test('is planned as it is made', async () => {
    const made = await sleeper(({ linux }) => {
      Object.assign(linux.resources, { memory: { limit: 100 * 2 ** 20 }, pids: { limit: 77 } })
    })
    const unit = `davit-${made.id}.scope`
    const plan = await must(['--systemd-cgroup', 'plan', '--bundle', made.path, made.id])
    await createStart(made, SYSTEMD)
    expect(plan).toContain(`start unit ${unit} by the machine's manager`)
    const { Description, Slice, MemoryMax, TasksMax, Delegate } = await shown(
      unit,
      ...['Description', 'Slice', 'MemoryMax', 'TasksMax', 'Delegate'],
    )
    const yes = Delegate === 'yes'
    for (const line of [
      `property Description = ${JSON.stringify(Description)}`,
      `property Slice = ${JSON.stringify(Slice)}`,
      `property MemoryMax = ${MemoryMax}, if it is known  # /linux/resources/memory`,
      `property TasksMax = ${TasksMax}, if it is known  # /linux/resources/pids`,
      `property Delegate = ${yes}`,
      `mkdir /sys/fs/cgroup/system.slice/${unit}`,
    ])
      expect(plan).toContain(`${line}\n`)
    const { cgroup } = JSON.parse(
      await must(['--systemd-cgroup', 'plan', '--format', 'json', '--bundle', made.path, made.id]),
    )
    expect(cgroup.unit).toMatchObject({ name: unit, slice: Slice, cgroup: `/system.slice/${unit}` })
    // Nothing of it is asked of systemd.
    expect(await must(['plan', '--bundle', made.path, made.id])).not.toContain('unit')
  })

  test('is made though signals come all the time', async () => {
    const made = await sleeper(({ process }) => {
      process.args = ['/bin/true']
    })
    const running = startDavit(['--systemd-cgroup', 'run', '--bundle', made.path, made.id])
    const storm = setInterval(() => running.child.kill('SIGWINCH'), 1)
    try {
      expect(await running.done).toMatchObject({ code: 0, stderr: '' })
    } finally {
      clearInterval(storm)
    }
  })

  test('is where cgroupsPath says, in a slice that was not there', async () => {
    const slice = `davittest-${process.pid}.slice`
    atEnd(async () => void (await exec('systemctl', ['stop', 'davittest.slice'])))
    const made = await sleeper(({ linux }) => {
      linux.cgroupsPath = `${slice}:my:${process.pid}`
    })
    const { pid } = await createStart(made, SYSTEMD)
    expect(processCgroups(pid)['']).toBe(`/davittest.slice/${slice}/my-${process.pid}.scope`)
    await must(['delete', '--force', made.id])
    expect(await isLoaded(`my-${process.pid}.scope`)).toBe(false)
  })

  test('may be a slice', async () => {
    const made = await sleeper(({ linux }) => {
      linux.cgroupsPath = `davittest.slice::davittest-${process.pid}.slice`
    })
    const { pid } = await createStart(made, SYSTEMD)
    expect(processCgroups(pid)['']).toBe(`/davittest.slice/davittest-${process.pid}.slice`)
    await must(['delete', '--force', made.id])
    // A slice is there by its name alone.
    expect(await shown(`davittest-${process.pid}.slice`, 'ActiveState')).toEqual({ ActiveState: 'inactive' })
    await exec('systemctl', ['stop', 'davittest.slice'])
  })

  test('has its limits in the unit and in the kernel, which a reload leaves alone', async () => {
    const made = await sleeper(({ linux }) => {
      linux.resources = {
        ...linux.resources,
        memory: { limit: 64 << 20, reservation: 32 << 20, swap: 96 << 20 },
        cpu: { shares: 512, quota: 25000, period: 50000, cpus: '0' },
        pids: { limit: 20 },
        unified: { 'memory.high': `${48 << 20}` },
      }
    })
    const { pid } = await createStart(made, SYSTEMD)
    const files = () => {
      const names = ['memory.max', 'memory.low', 'memory.swap.max', 'memory.high', 'cpu.weight', 'cpu.max']
      return [...names, 'cpuset.cpus', 'pids.max'].map((name) => value(pid, '', name))
    }
    const wanted = [64 << 20, 32 << 20, 32 << 20, 48 << 20, 59, '25000 50000', 0, 20].map(String)
    expect(files()).toEqual(wanted)
    const names = ['MemoryMax', 'MemoryLow', 'MemorySwapMax', 'MemoryHigh', 'CPUWeight', 'CPUQuotaPerSecUSec']
    expect(await shown(`davit-${made.id}.scope`, ...names, 'AllowedCPUs', 'TasksMax')).toEqual({
      MemoryMax: `${64 << 20}`,
      MemoryLow: `${32 << 20}`,
      MemorySwapMax: `${32 << 20}`,
      MemoryHigh: `${48 << 20}`,
      CPUWeight: '59',
      CPUQuotaPerSecUSec: '500ms',
      AllowedCPUs: '0',
      TasksMax: '20',
    })
    await output('systemctl', ['daemon-reload'])
    expect(files()).toEqual(wanted)
    // The device filter is there still, and lets through what it did.
    const script =
      'mknod /dev/one c 1 3; mknod /dev/two c 1 1; cat /dev/two 2>/dev/null && echo bad; : </dev/one && echo ok'
    expect(await outputIn(made.id, script, ['--cap', 'CAP_MKNOD'])).toBe('ok\n')
  })

  test('is updated in both, or in neither', async () => {
    const made = await sleeper(({ linux }) => {
      linux.resources = { ...linux.resources, memory: { limit: 64 << 20 } }
    })
    const { pid } = await createStart(made, SYSTEMD)
    const unit = `davit-${made.id}.scope`
    await must(['update', '--memory', `${48 << 20}`, '--cpu-quota', '30000', '--pids-limit', '9', made.id])
    expect(value(pid, '', 'memory.max')).toBe(`${48 << 20}`)
    expect(value(pid, '', 'cpu.max')).toBe('30000 100000')
    expect(await shown(unit, 'MemoryMax', 'CPUQuotaPerSecUSec', 'TasksMax')).toEqual({
      MemoryMax: `${48 << 20}`,
      CPUQuotaPerSecUSec: '300ms',
      TasksMax: '9',
    })
    const { code, stderr } = await davit(['update', '--memory', `${40 << 20}`, '--cpuset-cpus', '4711', made.id])
    expect(code).toBe(1)
    expect(stderr).toContain('4711')
    expect(value(pid, '', 'memory.max')).toBe(`${48 << 20}`)
    expect(await shown(unit, 'MemoryMax', 'AllowedCPUs')).toEqual({ MemoryMax: `${48 << 20}`, AllowedCPUs: '' })
  })

  test('keeps its limit, and lives, where another is below what it uses and it is asked to look', async () => {
    const made = await sleeper(({ linux }) => {
      linux.resources = { ...linux.resources, memory: { limit: 64 << 20 } }
    })
    const { pid } = await createStart(made, SYSTEMD)
    const file = `${made.path}/resources`
    writeFileSync(file, JSON.stringify({ memory: { limit: 4096, checkBeforeUpdate: true } }))
    const { code, stderr } = await davit(['update', '--resources', file, made.id])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/rejecting memory limit 4096 <= usage \d+/)])
    expect(await state(made.id)).toMatchObject({ status: 'running', pid })
    expect(value(pid, '', 'memory.max')).toBe(`${64 << 20}`)
    expect(await shown(`davit-${made.id}.scope`, 'MemoryMax')).toEqual({ MemoryMax: `${64 << 20}` })
  })

  test('is paused, resumed, entered, killed, and forgotten when it ended by itself', async () => {
    const made = await sleeper()
    const { pid } = await createStart(made, SYSTEMD)
    await must(['pause', made.id])
    expect((await state(made.id)).status).toBe('paused')
    await must(['resume', made.id])
    expect(await must(['exec', made.id, 'cat', '/proc/self/cgroup'])).toBe('0::/\n')
    expect(JSON.parse(await must(['ps', '--format', 'json', made.id]))).toEqual([pid])
    await must(['kill', '--all', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
    await until('unit gone', async () => !(await isLoaded(`davit-${made.id}.scope`)))
    await must(['delete', made.id])
  })

  test('in a user namespace owns its cgroup', async () => {
    const made = await sleeper((config) => {
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      for (const mount of config.mounts) if (mount.type === 'cgroup') mount.options = ['nosuid']
    })
    await exec('chown', ['-R', '-h', '100000:100000', made.rootfs])
    await createStart(made, SYSTEMD)
    const script = 'mkdir /sys/fs/cgroup/inner && echo 1 >/sys/fs/cgroup/inner/cgroup.procs && cat /proc/1/cgroup'
    expect(await must(['exec', made.id, 'sh', '-c', script])).toBe('0::/inner\n')
  })

  test('has properties by annotations', async () => {
    const made = await sleeper((config) => {
      config.annotations = {
        'org.systemd.property.TimeoutStopSec': '123',
        'org.systemd.property.CollectMode': "'inactive'",
        'org.systemd.property.Before': "['shutdown.target']",
      }
    })
    await createStart(made, SYSTEMD)
    expect(await shown(`davit-${made.id}.scope`, 'TimeoutStopUSec', 'CollectMode', 'Before')).toEqual({
      TimeoutStopUSec: '2min 3s',
      CollectMode: 'inactive',
      Before: expect.stringContaining('shutdown.target'),
    })
  })

  test('is refused with its reason, and leaves nothing', async () => {
    const made = await sleeper((config) => {
      config.annotations = { 'org.systemd.property.NoSuchThing': 'true' }
    })
    const { code, stderr } = await tryCreate(made, SYSTEMD)
    expect(code).toBe(1)
    expect(stderr).toContain(`start unit davit-${made.id}.scope: `)
    expect(stderr).toContain('NoSuchThing')
    expect(readdirSync(stateRoot())).toEqual([])
    expect(await isLoaded(`davit-${made.id}.scope`)).toBe(false)
  })

  test('is not put into the unit of another', async () => {
    const first = await sleeper(({ linux }) => {
      linux.cgroupsPath = `:one:${process.pid}`
    })
    const { pid } = await createStart(first, SYSTEMD)
    const { code, stderr } = await tryCreate(first, { ...SYSTEMD, id: uniqueId() })
    expect(code).toBe(1)
    expect(stderr).toContain(`start unit one-${process.pid}.scope: it exists, and has processes`)
    expect(value(pid, '', 'cgroup.procs')).toBe(`${pid}`)
    expect((await state(first.id)).status).toBe('running')
  })

  test('takes the name of a unit that has failed', async () => {
    const made = await sleeper(({ linux }) => {
      linux.cgroupsPath = `:failed:${process.pid}`
    })
    const unit = `failed-${process.pid}.scope`
    // Its stop takes longer than it may, which is a failure; without CollectMode it stays.
    const script = 'trap "" TERM; while :; do sleep 1; done'
    const flags = ['--scope', `--unit=${unit}`, '--property=TimeoutStopSec=1', 'sh', '-c', script]
    void exec('systemd-run', flags, { timeout: 60_000 }).catch(() => {})
    await until('scope', () => isLoaded(unit))
    await exec('systemctl', ['stop', unit])
    await until('failed', async () => (await shown(unit, 'ActiveState')).ActiveState === 'failed')
    const { pid } = await createStart(made, SYSTEMD)
    expect(processCgroups(pid)['']).toBe(`/system.slice/${unit}`)
  })

  test('50 at once: none is lost, nothing stays', async () => {
    const made = await Promise.all(
      Array.from({ length: 50 }, () => bundle('cat /proc/1/cgroup', { applets: ['sh', 'cat'] })),
    )
    for (const one of made)
      one.configure(({ linux }) => {
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'cgroup')
      })
    const results = await Promise.all(made.map((one) => run(one, { ...SYSTEMD, timeout: 100_000 })))
    for (const [i, { code, stdout, stderr }] of results.entries()) {
      expect([code, stdout, stderr]).toEqual([0, `0::/system.slice/davit-${made[i]?.id}.scope\n`, ''])
    }
    const units = await output('systemctl', ['list-units', '--all', '--no-legend', 'davit-*'])
    expect(units.split('\n').filter((line) => line.includes('.scope'))).toEqual([])
  })

  test('a created one is deleted, and one that cannot be executed leaves no unit', async () => {
    const made = await sleeper()
    await create(made, SYSTEMD)
    expect(await isLoaded(`davit-${made.id}.scope`)).toBe(true)
    await must(['delete', made.id])
    expect(await isLoaded(`davit-${made.id}.scope`)).toBe(false)
    const broken = await bundle(['/not/there'])
    expect((await run(broken, SYSTEMD)).code).toBe(1)
    expect(await isLoaded(`davit-${broken.id}.scope`)).toBe(false)
  })
})

describe.runIf(requires('root') && !existsSync('/run/systemd/system'))('without systemd', () => {
  test('--systemd-cgroup is refused in runc’s words, before anything is made', async () => {
    const { code, stderr } = await tryCreate(await sleeper(), SYSTEMD)
    expect(code).toBe(1)
    expect(stderr).toContain('systemd cgroup flag passed, but systemd support for managing cgroups is not available')
    expect(existsSync(stateRoot()) ? readdirSync(stateRoot()) : []).toEqual([])
  })
})

describe.runIf(requires('root'))('a path in systemd’s form', () => {
  test('needs the flag', async () => {
    const made = await sleeper(({ linux }) => {
      linux.cgroupsPath = 'system.slice:davit:x'
    })
    const { code, stderr } = await tryCreate(made)
    expect(code).toBe(1)
    expect(stderr).toContain('which needs --systemd-cgroup')
  })
})
