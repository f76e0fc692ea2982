/** Two or many at once: the id has one owner, a container one start, and nobody takes what is another's. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { attack } from '../support/attacker.ts'
import { bundle, create, createStart, run, tryCreate } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME } from '../support/place.ts'
import { refused, stateEntries } from '../support/refusal.ts'
import { command, requires } from '../support/requires.ts'
import { davit, must, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { scratch, uniqueId } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const applets = ['sh', 'sleep', 'true', 'cat', 'echo']
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const sleeper = () => bundle(['sleep', '600'], { applets })

describe.runIf(requires('root'))('races', () => {
  test('eight creates of one id: exactly one has it', async () => {
    const made = await sleeper()
    const line = ['create', '--bundle', made.path, made.id]
    const results = await Promise.all(times(8, (i) => davit(line, { output: `${made.path}/out${i}` })))
    expect(results.filter(({ code }) => code === 0)).toHaveLength(1)
    const { pid } = await untilStatus(made.id, 'created')
    expect(pid).toBeGreaterThan(0)
    await must(['start', made.id])
    await must(['delete', '--force', made.id])
    expect(stateEntries()).toEqual([])
  })

  test('two starts: one starts it, one is refused', async () => {
    for (let round = 0; round < 5; round++) {
      const made = await bundle(`echo started >>/log; exec sleep 600`, { applets })
      await create(made)
      const results = await Promise.all(times(2, () => davit(['start', made.id])))
      expect(results.map(({ code }) => code).sort()).toEqual([0, 1])
      const refusedOne = results.find(({ code }) => code === 1)
      expect(refusedOne?.stderr).toBe('davit: start failed: cannot start an already running container\n')
      await untilStatus(made.id, 'running')
    }
  })

  test('create against delete --force: whoever wins, the end is clean', async () => {
    const made = await sleeper()
    mkdirSync(stateRoot(), { recursive: true })
    for (let delay = 0; delay < 30; delay += 1.5) {
      const line = ['create', '--bundle', made.path, made.id]
      const creating = davit(line, { output: `${made.path}/out${delay}` })
      await new Promise((done) => setTimeout(done, delay))
      const deleted = await davit(['delete', '--force', made.id])
      expect(deleted).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
      const { code } = await creating
      // Either it was there in time to be deleted, or it came after, or it was interrupted: never half.
      if (code === 0 && stateEntries().length > 0) expect(await state(made.id)).toMatchObject({ status: 'created' })
      else expect(stateEntries()).toEqual([])
      await must(['delete', '--force', made.id])
    }
  })

  test.runIf(command('strace').met())('a forced delete between the making of the directory and its lock', async () => {
    const made = await sleeper()
    mkdirSync(stateRoot(), { recursive: true })
    /** A create that sleeps once its directory is made, before it opens it or before it locks it. */
    const slow = (delay: string) => {
      const line = ['--root', stateRoot(), 'create', '--bundle', made.path, made.id]
      const inject = [
        '-qq',
        '-o',
        '/dev/null',
        '-e',
        'trace=flock,mkdirat',
        '-e',
        `inject=${delay}=${patience(1_000_000)}:when=1`,
      ]
      return exec('strace', [...inject, RUNTIME, ...line], { output: `${made.path}/slow` })
    }
    const claimed = () => until('the directory', () => stateEntries().includes(made.id))
    for (const delay of ['mkdirat:delay_exit', 'flock:delay_enter']) {
      // Removed: it is made again.
      const first = slow(delay)
      await claimed()
      await must(['delete', '--force', made.id])
      expect(await first).toMatchObject({ code: 0 })
      await must(['delete', '--force', made.id])
      // Removed and taken by another, who has it then.
      const second = slow(delay)
      await claimed()
      await must(['delete', '--force', made.id])
      await create(made)
      const { pid } = await state(made.id)
      expect(await second).toMatchObject({ code: 1 })
      expect(readFileSync(`${made.path}/slow`, 'utf8')).toContain('already exists')
      expect(await state(made.id)).toMatchObject({ status: 'created', pid })
      await must(['delete', '--force', made.id])
    }
  })

  test('fifty creates on one rootfs whose mount target is missing', async () => {
    const made = await bundle(
      (config) => {
        config.process.args = ['sleep', '600']
        config.mounts.push({ destination: '/a/b/c/d', type: 'tmpfs', source: 'tmpfs' })
        config.mounts.push({ destination: '/a/b/file', source: '/etc/passwd', options: ['bind', 'ro'] })
        Object.assign(config.process, { cwd: '/srv/here' })
      },
      { applets },
    )
    const ids = times(50, () => uniqueId())
    const log = (id: string) => ['--log', `${scratch()}/${id}.log`]
    const results = await Promise.all(
      ids.map((id) =>
        davit([...log(id), 'create', '--bundle', made.path, id], { output: `${scratch()}/${id}.out`, timeout: 60_000 }),
      ),
    )
    expect(results.filter(({ code }) => code !== 0)).toEqual([])
    for (const id of ids) await must(['delete', '--force', id])
    expect(readdirSync(`${made.rootfs}/a/b`).sort()).toEqual(['c', 'file'])
  })

  test('list and state beside creates and deletes never fail', async () => {
    const made = await sleeper()
    mkdirSync(stateRoot(), { recursive: true })
    let going = true
    const churn = (async () => {
      for (let i = 0; i < 12; i++) {
        const id = uniqueId()
        await create(made, { id })
        await must(['delete', '--force', id])
      }
      going = false
    })()
    while (going) {
      const { code, stderr } = await davit(['list', '--format', 'json'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    }
    await churn
  })

  test("a create that fails in a cgroup that is another's leaves the other alive", async () => {
    const group = `davit-shared-${uniqueId()}`
    const first = await bundle(
      (config) => {
        config.process.args = ['sleep', '600']
        config.linux.cgroupsPath = `/${group}`
      },
      { applets },
    )
    const { pid } = await createStart(first)
    const second = await bundle(
      (config) => {
        config.process.args = ['nosuchprogram']
        config.linux.cgroupsPath = `/${group}`
      },
      { applets },
    )
    expect(await refused(second, { warnings: /not empty/ })).toContain('not found')
    expect(await state(first.id)).toMatchObject({ status: 'running', pid })
    second.configure((config) => {
      config.process.args = ['sleep', '600']
    })
    expect(await tryCreate(second)).toMatchObject({ code: 0 })
    await must(['delete', '--force', second.id])
    expect(await state(first.id)).toMatchObject({ status: 'running', pid })
  })

  test('delete --force of a create that hangs in a hook ends it', async () => {
    const made = await bundle(
      (config) => {
        const hook = { path: '/bin/sh', args: ['sh', '-c', `echo $$ >${scratch()}/hook; exec sleep 5`] }
        Object.assign(config, { hooks: { createRuntime: [hook] } })
      },
      { applets },
    )
    const creating = davit(['create', '--bundle', made.path, made.id], { output: `${made.path}/out` })
    await until('the hook', async () => (await exec('cat', [`${scratch()}/hook`])).stdout)
    const deleted = await davit(['delete', '--force', made.id])
    expect(deleted).toMatchObject({ code: 0, stderr: '' })
    expect(await creating).toMatchObject({ code: 1 })
    expect(stateEntries()).toEqual([])
  })

  test('the rootfs is replaced while containers are made on it', async () => {
    const made = await bundle(['cat', '/mark'], { applets })
    writeFileSync(`${made.rootfs}/mark`, 'one')
    const other = await bundle([], { applets })
    writeFileSync(`${other.rootfs}/mark`, 'two')
    await attack('swapping', 'swap', made.rootfs, other.rootfs)
    for (let i = 0; i < 20; i++) {
      const { code, stdout, stderr } = await run(made)
      expect(code === 0 ? stdout : stderr).toMatch(/^(one|two)$|^davit: run failed: /)
    }
  })

  test('unreadable leftovers in the root do not stop others', async () => {
    mkdirSync(`${stateRoot()}/junk/sub`, { recursive: true })
    writeFileSync(`${stateRoot()}/file`, '')
    mkdirSync(`${stateRoot()}/broken`)
    writeFileSync(`${stateRoot()}/broken/state.json`, '{"format":1,')
    const made = await bundle(['true'], { applets })
    expect(await run(made)).toMatchObject({ code: 0 })
    const { code } = await exec(RUNTIME, ['--root', stateRoot(), 'list'])
    expect(code).toBe(0)
    for (const name of ['junk', 'file', 'broken']) await exec('rm', ['-rf', `${stateRoot()}/${name}`])
  })
})
