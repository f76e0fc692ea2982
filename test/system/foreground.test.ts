/** `run` in the foreground and detached: exit codes, signals, what is left, orphans. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, containerOutput, run, startRun } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { processStatus } from '../support/kernel.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { RUNTIME } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

describe.runIf(requires('root'))('run in the foreground', () => {
  test.each([0, 1, 42, 125, 126, 127, 255])('exits with the container’s code %i', async (code) => {
    expect(await run(await bundle(`exit ${code}`))).toEqual({ code, signal: null, stdout: '', stderr: '' })
  })

  test.each([
    ['KILL', 137],
    ['TERM', 143],
    ['SEGV', 139],
  ])('exits with 128 + n when signal %s ended the container', async (signal, code) => {
    // A first process of its own pid namespace could not kill itself.
    const made = await bundle((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      config.process.args = ['/bin/sh', '-c', `kill -${signal} $$; sleep 1`]
    })
    expect(await run(made)).toMatchObject({ code, signal: null })
  })

  test.each(['HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'USR2', 'CONT', 'WINCH', 'ALRM', 'RTMIN', 'RTMAX'])(
    'forwards SIG%s',
    async (signal) => {
      // Without a terminal a change of the window's size means nothing.
      const heard = signal !== 'WINCH'
      const number = { RTMIN: '34', RTMAX: '64' }[signal] ?? signal
      const trap = `trap 'echo heard; exit 9' ${number}; trap 'exit 3' TERM`
      const running = startRun(
        await bundle(
          `${signal === 'TERM' ? "trap 'echo heard; exit 9' TERM" : trap}; echo ready; while :; do sleep 0.02; done`,
        ),
      )
      await until('ready', () => running.stdout() === 'ready\n')
      await exec('sh', ['-c', `kill -${number} ${running.pid}`])
      if (!heard) await new Promise((done) => setTimeout(done, 100))
      if (!heard) await exec('sh', ['-c', `kill -TERM ${running.pid}`])
      expect(await running.done).toMatchObject({ code: heard ? 9 : 3, stdout: heard ? 'ready\nheard\n' : 'ready\n' })
    },
  )

  test('forwards ten signals, each', async () => {
    const running = startRun(
      await bundle("i=0; trap 'i=$((i+1)); echo $i' USR1; echo ready; while [ $i -lt 10 ]; do sleep 0.02; done"),
    )
    await until('ready', () => running.stdout().startsWith('ready'))
    for (let i = 1; i <= 10; i++) {
      running.child.kill('SIGUSR1')
      await until(`signal ${i}`, () => running.stdout().split('\n').includes(`${i}`))
    }
    expect((await running.done).code).toBe(0)
  })

  test('leaves nothing: no state, no cgroup, no process', async () => {
    const made = await bundle('sleep 1000 & true')
    expect((await run(made)).code).toBe(0)
    expect(readdirSync(stateRoot())).toEqual([])
    expect(cgroupsNamed(made.id)).toEqual([])
  })

  test('with --keep leaves the stopped container', async () => {
    const made = await bundle('exit 4')
    expect((await run(made, { args: ['--keep'] })).code).toBe(4)
    expect(await state(made.id)).toMatchObject({ status: 'stopped', pid: 0 })
    expect((await run(made)).stderr).toMatch(/already exists/)
    await must(['delete', made.id])
  })

  test('writes the pid file', async () => {
    const made = await bundle('sleep 1000')
    const file = `${made.path}/pid`
    const running = startRun(made, { args: ['--pid-file', file] })
    const pid = await until('pid file', () => existsSync(file) && readFileSync(file, 'utf8'))
    expect(Number(pid)).toBe((await state(made.id)).pid)
    expect(readdirSync(made.path).filter((name) => name.includes('pid'))).toEqual(['pid'])
    await must(['kill', made.id, 'KILL'])
    expect((await running.done).code).toBe(137)
  })

  test('is the parent of the container’s orphans, unless told not to', async () => {
    for (const [args, adopts] of [
      [[], true],
      [['--no-subreaper'], false],
    ] as const) {
      const made = await bundle((config) => {
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
        config.process.args = ['/bin/sh', '-c', '(sleep 1000 & echo $!) ; sleep 1000']
      })
      const running = startRun(made, { args })
      const orphan = Number(await until('orphan', () => running.stdout().trim()))
      const { pid } = await state(made.id)
      await until('adoption', () => Number(processStatus(orphan).PPid) !== pid)
      expect(Number(processStatus(orphan).PPid) === running.pid).toBe(adopts)
      await must(['kill', '--all', made.id, 'KILL'])
      expect((await running.done).code).toBe(137)
    }
  })

  test('whose runtime is killed leaves a container that can be deleted', async () => {
    const made = await bundle('echo ready; sleep 1000')
    const running = startRun(made)
    await until('ready', () => running.stdout() === 'ready\n')
    running.child.kill('SIGKILL')
    expect((await state(made.id)).status).toBe('running')
    await must(['delete', '--force', made.id])
    await running.done
  })

  test('twenty at once do not disturb each other', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, i) => bundle(`echo ${i}; exit ${i}`, { applets: ['sh'] })),
    )
    const results = await Promise.all(made.map((one) => run(one, { timeout: 50_000 })))
    expect(results).toEqual(
      Array.from({ length: 20 }, (_, i) => ({ code: i, signal: null, stdout: `${i}\n`, stderr: '' })),
    )
  })
})

describe.runIf(requires('root'))('run --detach', () => {
  test('returns when the process runs, and leaves it running', async () => {
    const made = await bundle('echo hello; sleep 1000')
    const result = await run(made, {
      args: ['--detach', '--pid-file', `${made.path}/pid`],
      output: `${made.path}/output`,
    })
    expect(result.code).toBe(0)
    const now = await state(made.id)
    expect(now).toMatchObject({ status: 'running', pid: Number(readFileSync(`${made.path}/pid`, 'utf8')) })
    await until('output', () => containerOutput(made) === 'hello\n')
    await must(['kill', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
  })

  test('tells why the process could not be started', async () => {
    const made = await bundle(['/not/there'])
    const { code, stderr } = await run(made, { args: ['--detach'] })
    expect(code).toBe(1)
    expect(stderr).toMatch(/exec: "\/not\/there": stat \/not\/there: no such file or directory/)
    expect((await davit(['state', made.id])).stderr).toMatch(/does not exist/)
  })

  test('survives the end of the caller’s session', async () => {
    const made = await bundle('sleep 1000')
    const line = [RUNTIME, '--root', stateRoot(), 'run', '-d', '-b', made.path, made.id]
    await exec('setsid', ['sh', '-c', '"$@" >/dev/null 2>&1; kill -HUP 0', 'sh', ...line])
    expect((await state(made.id)).status).toBe('running')
  })
})
