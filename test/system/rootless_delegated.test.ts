/** Containers of an ordinary user whom systemd has delegated cgroups to: limits are set, and read back from the kernel. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Config } from '../support/bundle.ts'
import { value } from '../support/cgroups.ts'
import type { ExecOptions } from '../support/exec.ts'
import { processCgroups } from '../support/kernel.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import type { OrdinaryUser } from '../support/ordinary_user.ts'
import { requires } from '../support/requires.ts'
import { userBundle, wholeMaps } from '../support/user_bundle.ts'
import { userSession } from '../support/user_session.ts'

const FILES = ['memory.max', 'memory.low', 'pids.max', 'cpu.max', 'cpu.weight'] as const
const SET = [`${64 << 20}`, `${32 << 20}`, '20', '25000 50000', '59']

function limits(config: Config): void {
  config.process.args = ['/bin/sleep', '1000']
  config.linux.resources = {
    memory: { limit: 64 << 20, reservation: 32 << 20 },
    pids: { limit: 20 },
    cpu: { shares: 512, quota: 25000, period: 50000 },
  }
}

/** A bundle with limits, of a user with a session, whose containers are made by `driver`. */
async function delegated(
  driver: 'cgroupfs' | 'systemd',
  change: (config: Config, user: OrdinaryUser) => void = () => {},
) {
  const made = await userBundle((config, user) => {
    limits(config)
    change(config, user)
  })
  const session = await userSession(made.user)
  const { runtime } = made.user
  const global = driver === 'systemd' ? ['--systemd-cgroup'] : []
  const davit = (args: readonly string[], options?: ExecOptions) => session.exec(runtime, [...global, ...args], options)
  // KERNEL: a process enters a cgroup from one that has a parent with it which is the user's, too; systemd moves others.
  const enter: typeof davit = (args, options) =>
    driver === 'systemd' ? davit(args, options) : session.scope(runtime, args, options)
  const pidFile = `${made.path}/pid`
  const create = ['create', '--bundle', made.path, '--pid-file', pidFile, made.id]
  const started = async () => {
    const sink = { output: `${made.path}/output` }
    const { code } = await enter(create, sink)
    if (code !== 0) throw new Error(readFileSync(sink.output, 'utf8'))
    expect(await davit(['start', made.id])).toMatchObject({ code: 0, stderr: '' })
    return Number(readFileSync(pidFile, 'utf8'))
  }
  return { ...made, session, davit, enter, started, root: `${session.runtimeDir}/davit` }
}

type Delegated = Awaited<ReturnType<typeof delegated>>

const limitsOf = (pid: number) => FILES.map((name) => value(pid, '', name))
const directory = (pid: number) => `/sys/fs/cgroup${processCgroups(pid)['']}`

/** Below a scope that systemd-run has named, beside what called davit. */
const inScope = ({ session, id }: Delegated) => new RegExp(`${session.cgroup}/app.slice/run-[^/]+\\.scope/${id}$`)

/** Updated, paused, entered, counted, killed; then nothing is there. */
async function lives({ id, davit, enter, root }: Delegated, pid: number): Promise<void> {
  const cgroup = directory(pid)
  expect(limitsOf(pid)).toEqual(SET)
  expect(await davit(['update', '--memory', `${48 << 20}`, '--pids-limit', '9', id])).toMatchObject({ code: 0 })
  expect([value(pid, '', 'memory.max'), value(pid, '', 'pids.max')]).toEqual([`${48 << 20}`, '9'])
  const inner = await enter(['exec', id, 'cat', '/proc/self/cgroup'])
  expect(inner).toMatchObject({ code: 0, stdout: '0::/\n', stderr: '' })
  expect(JSON.parse((await davit(['ps', '--format', 'json', id])).stdout)).toEqual([pid])
  expect(await davit(['pause', id])).toMatchObject({ code: 0, stderr: '' })
  expect(value(pid, '', 'cgroup.events')).toContain('frozen 1')
  expect(await davit(['resume', id])).toMatchObject({ code: 0, stderr: '' })
  const { data } = JSON.parse((await davit(['events', '--stats', id])).stdout)
  expect(data.pids).toMatchObject({ limit: 9 })
  expect(data.memory.usage.limit).toBe(48 << 20)
  expect(await davit(['delete', '--force', id])).toMatchObject({ code: 0, stderr: '' })
  expect(existsSync(cgroup)).toBe(false)
  expect(readdirSync(root)).toEqual([])
}

describe.runIf(requires('root', 'systemd', 'cgroup2'))('an ordinary user with delegated cgroups', () => {
  test('has limits in a scope of its own', async () => {
    const made = await delegated('cgroupfs')
    const pid = await made.started()
    expect(processCgroups(pid)['']).toMatch(inScope(made))
    await lives(made, pid)
  })

  test('has limits in a unit that its own manager makes', async () => {
    const made = await delegated('systemd')
    const pid = await made.started()
    const unit = `davit-${made.id}.scope`
    expect(processCgroups(pid)['']).toBe(`${made.session.cgroup}/user.slice/${unit}`)
    const names = ['MemoryMax', 'TasksMax', 'Delegate'].map((name) => `--property=${name}`)
    const shown = async () => (await made.session.exec('systemctl', ['--user', 'show', unit, ...names])).stdout
    expect((await shown()).split('\n').sort()).toEqual(['', 'Delegate=yes', `MemoryMax=${64 << 20}`, 'TasksMax=20'])
    await lives(made, pid)
    const state = ['--user', 'show', unit, '--property=LoadState', '--value']
    expect((await made.session.exec('systemctl', state)).stdout).toBe('not-found\n')
  })

  test.each(['cgroupfs', 'systemd'] as const)('by %s, is all ids that it was granted', async (driver) => {
    const made = await delegated(driver, wholeMaps)
    const pid = await made.started()
    expect(limitsOf(pid)).toEqual(SET)
    expect(readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split('\n')).toHaveLength(2)
    expect(await made.davit(['delete', '--force', made.id])).toMatchObject({ code: 0, stderr: '' })
  })

  test('is root of a user namespace that it has entered', async () => {
    const made = await delegated('cgroupfs', (config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'user')
      delete config.linux.uidMappings
      delete config.linux.gidMappings
    })
    const { id, path, session, user } = made
    const sink = { output: `${path}/output` }
    const run = ['run', '--detach', '--pid-file', `${path}/pid`, '--bundle', path, id]
    const { code } = await session.scope('unshare', ['-Urm', user.runtime, ...run], sink)
    expect([code, readFileSync(sink.output, 'utf8')]).toEqual([0, ''])
    const pid = Number(readFileSync(`${path}/pid`, 'utf8'))
    expect(processCgroups(pid)['']).toMatch(inScope(made))
    expect(limitsOf(pid)).toEqual(SET)
    const remove = ['-Urm', user.runtime, 'delete', '--force', id]
    expect(await session.exec('unshare', remove)).toMatchObject({ code: 0, stderr: '' })
    expect(cgroupsNamed(id)).toEqual([])
  })

  test('has no controller that was not delegated: a limit of it is refused, and nothing is left', async () => {
    const made = await delegated('cgroupfs', (config) => {
      config.linux.resources = { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] }
    })
    const { code, stderr } = await made.session.scope(made.user.runtime, ['run', '--bundle', made.path, made.id])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^davit: run failed: .*hugetlb.*\n$/)
    expect(readdirSync(made.root)).toEqual([])
    expect(cgroupsNamed(made.id)).toEqual([])
  })

  test('is told where its manager cannot be asked', async () => {
    const { davit, id, path } = await userBundle(limits)
    const { code, stderr } = await davit(['--systemd-cgroup', 'run', '--bundle', path, id])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^davit: run failed: connect to systemd by the user's bus .*: no such file or directory\n$/)
  })
})

describe.runIf(requires('root', 'systemd', 'cgroup2'))('an ordinary user with no cgroup of its own', () => {
  test('runs without limits', async () => {
    const { run } = await userBundle((config) => {
      config.process.args = ['/bin/true']
    })
    expect(await run()).toMatchObject({ code: 0, stderr: '' })
  })

  test('is refused limits in runc’s words', async () => {
    const { run, root } = await userBundle(limits)
    const { code, stderr } = await run()
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^davit: run failed: rootless needs no limits \+ no cgrouppath when no permission is granted for cgroups: .*: permission denied\n$/,
    )
    expect(readdirSync(root)).toEqual([])
  })

  test('is refused a place that it was not given, limits or not', async () => {
    const { run, root } = await userBundle((config) => {
      config.process.args = ['/bin/true']
      config.linux.cgroupsPath = '/davit-refused'
    })
    const { code, stderr } = await run()
    expect(code).toBe(1)
    expect(stderr).toMatch(/^davit: run failed: make cgroup .*-refused: permission denied\n$/)
    expect(readdirSync(root)).toEqual([])
  })
})
