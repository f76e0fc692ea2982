/** containerd where systemd makes the cgroups: `ctr` with a scope of its own, by the unit's and the kernel's view. */
import { existsSync, readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { cgroupOf, isFrozen, limitOf } from './support/container.ts'
import { type Containerd, canContainerd, startContainerd } from './support/containerd.ts'
import { baseline, detached, execIn, LINGER, leftSinceThen, newId, removeAll, run, taskStatus } from './support/ctr.ts'
import { SYSTEMD_DRIVER } from './support/driver.ts'
import type { Snapshot } from './support/leftovers.ts'
import { snippets } from './support/page.ts'
import { properties, unitsLike } from './support/unit.ts'

const MIB = 2 ** 20

/** What systemd itself keeps of units and devices. */
const SYSTEMS = [/^\/run\/(udev|systemd)\//]

describe.runIf(canContainerd(SYSTEMD_DRIVER))('ctr --runc-systemd-cgroup', () => {
  let containerd: Containerd
  let before: Snapshot
  beforeAll(async () => {
    containerd = await startContainerd()
    // The first scope brings D-Bus, which systemd starts when it is asked for, and which stays.
    await run(containerd, 'true', { flags: flagsOf(newId(), 'system.slice') })
    before = await baseline(containerd)
  })
  afterEach(() => removeAll(containerd))
  afterAll(() => containerd?.close())

  const flagsOf = (id: string, slice: string) => ['--runc-systemd-cgroup', '--cgroup', `${slice}:ctr:${id}`]
  /** A container that runs, in its scope. */
  const started = async (command: string, flags: readonly string[] = [], slice = 'system.slice') => {
    const id = newId()
    const made = await detached(containerd, command, { id, flags: [...flagsOf(id, slice), ...flags] })
    const cgroup = cgroupOf(containerd.host, made.pid, '')
    return { ...made, unit: `ctr-${id}.scope`, cgroup, file: (name: string) => fileOf(made.pid, name) }
  }
  const fileOf = (pid: number, name: string) => limitOf(containerd.host, pid, '', name)
  const scopes = () => unitsLike(containerd.host, 'ctr-*')
  const untilGone = (cgroup: string) =>
    until('neither unit nor cgroup', async () => !existsSync(cgroup) && (await scopes()).length === 0)

  test('the page: a scope of the slice that was asked for, with its limit', async () => {
    const [text = ''] = snippets('containerd', 'sh').filter((each) => each.includes('--runc-systemd-cgroup'))
    const env = { CONTAINERD_ADDRESS: containerd.socket }
    const said = await containerd.host.output('bash', ['-euc', text], { env, timeout: 60_000 })
    expect(said).toContain('Slice=work.slice\n')
    expect(said).toContain(`MemoryMax=${64 * MIB}\n`)
    await containerd.host.output('systemctl', ['stop', 'work.slice'])
    expect(await unitsLike(containerd.host, 'ctr-*', 'work*')).toEqual([])
  })

  test('is delegated, with limits as properties and in the kernel’s files; a reload changes none', async () => {
    const limits = ['--memory-limit', `${64 * MIB}`, '--cpus', '0.5', '--cpu-shares', '512']
    const { unit, cgroup, file } = await started('sleep 1000', limits, 'work-deep.slice')
    expect(cgroup).toBe(`/sys/fs/cgroup/work.slice/work-deep.slice/${unit}`)
    const names = ['Slice', 'Delegate', 'MemoryMax', 'CPUQuotaPerSecUSec', 'CPUWeight'] as const
    const shown = () => properties(containerd.host, unit, ...names)
    const files = () => ['memory.max', 'cpu.max', 'cpu.weight'].map(file)
    const first = [await shown(), files()]
    expect(first).toEqual([
      {
        ...{ Slice: 'work-deep.slice', Delegate: 'yes', MemoryMax: `${64 * MIB}`, CPUQuotaPerSecUSec: '500ms' },
        CPUWeight: expect.stringMatching(/^\d\d$/),
      },
      [`${64 * MIB}`, '50000 100000', expect.stringMatching(/^\d\d$/)],
    ])
    await containerd.host.output('systemctl', ['daemon-reload'], { timeout: 60_000 })
    expect([await shown(), files()]).toEqual(first)
    await removeAll(containerd)
    await untilGone(cgroup)
    await containerd.host.output('systemctl', ['stop', 'work.slice'])
  })

  test('exec is in the scope, and ps tells who is', async () => {
    const { id, unit, cgroup } = await started('sleep 1000')
    // ctr asks for no cgroup namespace.
    const seen = await execIn(containerd, id, `cat /proc/self/cgroup; ${LINGER}`)
    expect(seen.stdout).toBe(`0::/system.slice/${unit}\n`)
    const line = ['--detach', '--exec-id', newId(), '--log-uri', `file://${containerd.host.directory}/exec.log`]
    await containerd.run('task', 'exec', ...line, id, 'sleep', '1234')
    const inside = () => readFileSync(`${cgroup}/cgroup.procs`, 'utf8').trim().split('\n').sort()
    await until('two processes', () => inside().length === 2)
    const listed = (await containerd.run('task', 'ps', id)).trim().split('\n').slice(1)
    expect(listed.map((each) => each.split(/\s+/)[0]).sort()).toEqual(inside())
    await containerd.run('task', 'delete', '--force', id)
    await untilGone(cgroup)
  })

  test('metrics; pause, resume, and the end of a paused one', async () => {
    const { id, pid, cgroup } = await started('sleep 1000', ['--memory-limit', `${64 * MIB}`])
    const metrics = JSON.parse(await containerd.run('task', 'metrics', '--format', 'json', id))
    expect(metrics).toMatchObject({ pids: { current: 1 }, memory: { usage_limit: 64 * MIB } })
    await containerd.run('task', 'pause', id)
    expect([isFrozen(containerd.host, pid), await taskStatus(containerd, id)]).toEqual([true, 'PAUSED'])
    await containerd.run('task', 'resume', id)
    expect([isFrozen(containerd.host, pid), await taskStatus(containerd, id)]).toEqual([false, 'RUNNING'])
    await containerd.run('task', 'pause', id)
    await containerd.run('task', 'delete', '--force', id)
    await untilGone(cgroup)
  })

  test.each([
    ['its own end', 'exit 3', 3],
    ['SIGKILL', 'kill', 137],
    ['out of memory', 'tail /dev/zero; exit $?', 137],
  ])('%s leaves neither unit nor cgroup, and the name is free', async (_, end, code) => {
    const id = newId()
    const flags = [...flagsOf(id, 'system.slice'), '--memory-limit', `${32 * MIB}`]
    for (let times = 0; times < 2; times++) {
      const script = end === 'kill' ? 'sleep 1000' : `until test -e /go; do sleep 0.1; done; ${end}`
      const { pid } = await detached(containerd, script, { id, flags })
      const cgroup = cgroupOf(containerd.host, pid, '')
      expect(await scopes()).toEqual([`ctr-${id}.scope`])
      if (end === 'kill') await containerd.run('task', 'kill', '--signal', 'KILL', id)
      else await containerd.run('task', 'exec', '--exec-id', newId(), id, 'touch', '/go')
      await until('its end', async () => (await taskStatus(containerd, id)) === 'STOPPED')
      await untilGone(cgroup)
      expect((await containerd.exec(['task', 'delete', id])).stderr).toMatch(new RegExp(`exit code ${code}\\b`))
      await containerd.run('container', 'delete', id)
    }
  })

  test('many at once: each in its scope, and none is left', async () => {
    const ids = Array.from({ length: 6 }, newId)
    const results = await Promise.all(
      ids.map((id) => run(containerd, 'sleep 1; exit 3', { id, flags: flagsOf(id, 'system.slice') })),
    )
    expect(results.map(({ code }) => code)).toEqual(ids.map(() => 3))
    await until('no unit', async () => (await scopes()).length === 0)
  })

  test('a name that is no slice:prefix:name is refused, and leaves nothing', async () => {
    const wrong = await run(containerd, 'true', { flags: ['--runc-systemd-cgroup', '--cgroup', '/some/path'] })
    expect(wrong.code).not.toBe(0)
    expect(wrong.stderr).toContain('expected cgroupsPath to be of format "slice:prefix:name"')
  })

  test('has left nothing', async () => {
    const left = await leftSinceThen(containerd, before)
    expect(left.filter((line) => !SYSTEMS.some((pattern) => pattern.test(line)))).toEqual([])
  })
})
