/** create, start, state, kill, delete, list: each status, each refusal. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, containerOutput, create, createStart, tryCreate } from '../support/bundle.ts'
import { exec, start } from '../support/exec.ts'
import { namespaceOf, processStatus } from '../support/kernel.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME } from '../support/place.ts'
import { startProbe } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['/bin/sleep', '1000']

describe.runIf(requires('root'))('a container', () => {
  test('goes from created to running to stopped to gone', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sh', '-c', 'echo started; exec sleep 1000']
      config.annotations = { 'org.example.key': 'välue' }
    })
    await create(made, { args: ['--pid-file', `${made.path}/pid`] })
    const created = await state(made.id)
    expect(created).toMatchObject({
      ociVersion: made.config.ociVersion,
      id: made.id,
      status: 'created',
      bundle: made.path,
      rootfs: made.rootfs,
      annotations: { 'org.example.key': 'välue' },
    })
    expect(readFileSync(`${made.path}/pid`, 'utf8')).toBe(`${created.pid}`)
    expect(Date.now() - Date.parse(created.created)).toBeLessThan(patience(60_000))
    // Everything is there but the user's process.
    expect(namespaceOf(created.pid, 'mnt')).not.toBe(namespaceOf('self', 'mnt'))
    expect(containerOutput(made)).toBe('')

    await must(['start', made.id])
    expect(await state(made.id)).toEqual({ ...created, status: 'running' })
    await until('output', () => containerOutput(made) === 'started\n')

    await must(['kill', made.id, 'KILL'])
    expect(await untilStatus(made.id, 'stopped')).toEqual({ ...created, status: 'stopped', pid: 0 })
    await must(['delete', made.id])
    const { code, stderr } = await davit(['state', made.id])
    expect([code, stderr]).toEqual([1, expect.stringContaining('does not exist')])
    expect(readdirSync(stateRoot())).toEqual([])
  })

  test('refuses what its status does not allow', async () => {
    const made = await bundle(SLEEP)
    const refused = async (args: string[], words: RegExp) => {
      const { code, stderr } = await davit([...args, made.id])
      expect([code, stderr]).toEqual([1, expect.stringMatching(words)])
    }
    for (const verb of ['start', 'state', 'kill', 'delete']) await refused([verb], /does not exist/)
    await create(made)
    expect((await tryCreate(made)).stderr).toMatch(/already exists/)
    await must(['start', made.id])
    await refused(['start'], /cannot start an already running container/)
    await refused(['delete'], /that is not stopped: running/)
    await must(['kill', made.id, '9'])
    await untilStatus(made.id, 'stopped')
    await refused(['start'], /cannot start a container that has stopped/)
    await refused(['kill'], /container not running/)
    await must(['delete', made.id])
    await refused(['delete'], /does not exist/)
  })

  test('started by two at once is started by one', async () => {
    const made = await bundle('echo once; exec sleep 1000')
    await create(made)
    const results = await Promise.all(Array.from({ length: 4 }, () => davit(['start', made.id])))
    expect(results.filter(({ code }) => code === 0)).toHaveLength(1)
    for (const { code, stderr } of results) if (code !== 0) expect(stderr).toMatch(/already running/)
    await until('output', () => containerOutput(made) === 'once\n')
  })

  test('of one id is created by one of many at once', async () => {
    const made = await bundle(SLEEP)
    const results = await Promise.all(Array.from({ length: 4 }, () => tryCreate(made)))
    expect(results.filter(({ code }) => code === 0)).toHaveLength(1)
    expect((await state(made.id)).status).toBe('created')
  })

  test('that is created may be killed or deleted without a start', async () => {
    const killed = await bundle(SLEEP)
    await create(killed)
    await must(['kill', killed.id, 'KILL'])
    await untilStatus(killed.id, 'stopped')
    await must(['delete', killed.id])
    const deleted = await bundle(SLEEP)
    await create(deleted)
    const { pid } = await state(deleted.id)
    await must(['delete', deleted.id])
    // It is gone, or a zombie that its new parent has yet to reap.
    expect(existsSync(`/proc/${pid}/exe`)).toBe(false)
  })

  test('running or not there is deleted with --force, all its processes with it', async () => {
    const made = await bundle('sleep 1000 & sleep 1000 & echo ready; wait')
    await createStart(made)
    await until('ready', () => containerOutput(made) === 'ready\n')
    await must(['delete', '--force', made.id])
    await must(['delete', '--force', made.id])
  })

  test('without a pid namespace leaves no process when it is deleted', async () => {
    const made = await bundle((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      config.process.args = ['/bin/sh', '-c', 'setsid sleep 1000 & echo $!; exit 0']
    })
    await createStart(made)
    await untilStatus(made.id, 'stopped')
    const pid = Number(containerOutput(made))
    await until('sleep', () => processStatus(pid).Name === 'sleep')
    await must(['delete', made.id])
    await until('its end', () => !existsSync(`/proc/${pid}/exe`) || /^Z/.test(processStatus(pid).State ?? ''))
  })

  test.each([
    ['TERM', 'term'],
    ['SIGUSR1', 'usr1'],
    ['usr2', 'usr2'],
    ['1', 'hup'],
    [undefined, 'term'],
  ])('gets the signal %s', async (name, heard) => {
    const made = await bundle(
      'for i in TERM USR1 USR2 HUP; do trap "echo got $i; exit" $i; done; echo ready; while :; do sleep 0.02; done',
    )
    await createStart(made)
    await until('ready', () => containerOutput(made) === 'ready\n')
    await must(['kill', made.id, ...(name ? [name] : [])])
    await untilStatus(made.id, 'stopped')
    expect(containerOutput(made)).toBe(`ready\ngot ${heard.toUpperCase()}\n`)
  })

  test('gets a signal in all its processes with --all', async () => {
    const made = await bundle(
      'for i in 1 2; do sh -c "trap \'echo got; exit\' USR1; echo ready; while :; do sleep 0.02; done" & done; trap "" USR1; wait; wait; wait',
    )
    await createStart(made)
    await until('ready', () => containerOutput(made) === 'ready\nready\n')
    await must(['kill', '--all', made.id, 'USR1'])
    await untilStatus(made.id, 'stopped')
    expect(containerOutput(made).match(/got/g)).toHaveLength(2)
  })

  test('refuses a signal that does not exist', async () => {
    const made = await bundle(SLEEP)
    await createStart(made)
    for (const name of ['NOPE', '99', '']) {
      const { code, stderr } = await davit(['kill', made.id, name])
      expect([code, stderr]).toEqual([1, expect.stringMatching(/signal/)])
    }
    expect((await state(made.id)).status).toBe('running')
  })

  test('that is a zombie counts as stopped, and can be deleted', async () => {
    const made = await bundle(SLEEP)
    // The probe gets the container as its orphan and never reaps it.
    const line = [RUNTIME, '--root', stateRoot(), 'run', '--detach', '--bundle', made.path, made.id]
    const parent = await startProbe(['adopt', ...line], { output: `${made.path}/output` })
    atEnd(() => void parent.child.kill('SIGKILL'))
    const { pid } = await until('running', async () => {
      const { code, stdout } = await davit(['state', made.id])
      return code === 0 && JSON.parse(stdout).status === 'running' ? JSON.parse(stdout) : undefined
    })
    await must(['kill', made.id, 'KILL'])
    await until('zombie', () => processStatus(pid).State?.startsWith('Z'))
    expect(await state(made.id)).toMatchObject({ status: 'stopped', pid: 0 })
    expect((await davit(['kill', made.id, 'KILL'])).stderr).toMatch(/not running/)
    await must(['delete', made.id])
  })

  test('is not mistaken for another process with its pid', async () => {
    const made = await bundle(SLEEP)
    const { pid } = await createStart(made)
    const other = start('sleep', ['1000'], { timeout: 60_000 })
    atEnd(() => void other.child.kill('SIGKILL'))
    await must(['kill', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
    // As if the kernel had given the number to somebody else.
    const file = `${stateRoot()}/${made.id}/state.json`
    const text = readFileSync(file, 'utf8')
    expect(text).toContain(`${pid}`)
    writeFileSync(file, text.replace(new RegExp(`"pid":${pid}\\b`), `"pid":${other.pid}`))
    expect(await state(made.id)).toMatchObject({ status: 'stopped', pid: 0 })
    expect((await davit(['kill', made.id, 'KILL'])).code).toBe(1)
    await must(['delete', '--force', made.id])
    expect(processStatus(other.pid).Name).toBe('sleep')
  })

  test('whose start fails says why, and is stopped', async () => {
    const made = await bundle('true')
    writeFileSync(`${made.rootfs}/bin/broken`, 'not a program', { mode: 0o755 })
    made.configure((config) => {
      config.process.args = ['/bin/broken']
    })
    await create(made)
    const { code, stderr } = await davit(['start', made.id])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/exec.*exec format error/)])
    expect((await state(made.id)).status).toBe('stopped')
    await must(['delete', made.id])
  })

  test('is found by whoever has its root, and by nobody else', async () => {
    const made = await bundle(SLEEP)
    await create(made)
    const other = `${made.path}/other`
    mkdirSync(other)
    expect((await exec(RUNTIME, ['--root', other, 'state', made.id])).code).toBe(1)
    expect((await exec(RUNTIME, ['--root', '../root', 'state', made.id], { cwd: made.path })).code).toBe(0)
  })
})

describe.runIf(requires('root'))('list', () => {
  test('shows every container in its status', async () => {
    const [one, two, three] = [await bundle(SLEEP), await bundle(SLEEP), await bundle('true')]
    await create(one)
    await createStart(two)
    await createStart(three)
    await untilStatus(three.id, 'stopped')
    const { pid } = await state(two.id)
    const listed = JSON.parse(await must(['list', '--format', 'json'])) as { id: string; status: string; pid: number }[]
    expect(listed.map(({ id, status }) => [id, status])).toEqual([
      [one.id, 'created'],
      [two.id, 'running'],
      [three.id, 'stopped'],
    ])
    expect(listed.map((entry) => entry.pid)).toEqual([(await state(one.id)).pid, pid, 0])
    expect(await must(['list', '--quiet'])).toBe(`${one.id}\n${two.id}\n${three.id}\n`)
    const [head, ...rows] = (await must(['list'])).trim().split('\n')
    expect(head).toMatch(/^ID +PID +STATUS +BUNDLE +CREATED +OWNER *$/)
    expect(rows).toHaveLength(3)
    expect(rows[1]).toMatch(new RegExp(`^${two.id} +${pid} +running +${two.path} +\\d{4}-.*Z +root *$`))
  })

  test('of nothing is empty; of a root that is not there, an error', async () => {
    const made = await bundle(SLEEP)
    mkdirSync(stateRoot())
    expect(await must(['list', '-q'])).toBe('')
    expect(await must(['list', '-f', 'json'])).toMatch(/^(null|\[\])\n?$/)
    const { code } = await exec(RUNTIME, ['--root', `${made.path}/none`, 'list'])
    expect(code).toBe(1)
  })
})
