/** Hooks that fail, hang, are missing or cannot be executed: one line with place, end and output; nothing left. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, create, run } from '../support/bundle.ts'
import { patience } from '../support/pace.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { davit } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const applets = ['sh', 'sleep', 'true', 'cat', 'echo']
/** What a hook that hangs leaves behind, if anything: nobody else sleeps as long. */
const NAP = `sleep ${100_000 + process.pid}`
/** In the parent, and in init before the root changes, and in init after. */
const KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer'] as const

function script(name: string, text: string): string {
  const path = `${scratch()}/${name}`
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  return path
}

/** A bundle with one hook; startContainer hooks find their program in the container. */
async function hooked(kind: string, hook: object) {
  return bundle(
    (config) => {
      config.process.args = ['true']
      Object.assign(config, { hooks: { [kind]: [hook] } })
    },
    { applets },
  )
}

describe.runIf(requires('root'))('bad hooks', () => {
  test.each(KINDS)('%s that fails', async (kind) => {
    const made = await hooked(kind, { path: '/bin/sh', args: ['sh', '-c', 'echo one; echo two >&2; exit 3'] })
    expect(await refused(made)).toContain(
      `run ${kind} hook #0 "/bin/sh", from /hooks/${kind}/0: exit status 3, output: one; two`,
    )
  })

  test.each(KINDS)('%s that is killed', async (kind) => {
    const made = await hooked(kind, { path: '/bin/sh', args: ['sh', '-c', 'kill -9 $$'] })
    expect(await refused(made)).toContain(`from /hooks/${kind}/0: killed by signal 9`)
  })

  test.each(KINDS)('%s that hangs, with what it started', async (kind) => {
    const made = await hooked(kind, { path: '/bin/sh', args: ['sh', '-c', `${NAP} & wait`], timeout: 1 })
    const start = Date.now()
    expect(await refused(made)).toContain(`from /hooks/${kind}/0: hook ran past specified timeout of 1.0s`)
    expect(Date.now() - start).toBeLessThan(patience(8000))
    expect(await davit(['list', '--quiet'])).toMatchObject({ stdout: '' })
    expect(spawnSync('pgrep', ['-f', NAP]).stdout.toString()).toBe('')
  })

  test.each(KINDS)('%s that is missing', async (kind) => {
    const made = await hooked(kind, { path: '/no/such/hook' })
    const said = await refused(made)
    expect(said).toContain(`run ${kind} hook #0 "/no/such/hook", from /hooks/${kind}/0: `)
    expect(said).toContain('no such file or directory')
  })

  test('a hook that is not executable, or no program', async () => {
    const path = script('hook', 'true')
    writeFileSync(path, 'no program')
    expect(await refused(await hooked('createRuntime', { path }))).toContain('exec format error')
    writeFileSync(path, '#!/bin/sh\n', { mode: 0o644 })
    const plain = `${scratch()}/plain`
    writeFileSync(plain, '#!/bin/sh\n', { mode: 0o644 })
    expect(await refused(await hooked('createRuntime', { path: plain }))).toContain('permission denied')
  })

  test('a hook that ignores its input, closes it, or never ends its output', async () => {
    const daemon = script('daemon', 'exec <&-; sleep 30 & echo $! >"$0.pid"; exit 0')
    const made = await hooked('createRuntime', { path: daemon })
    const start = Date.now()
    expect(await run(made)).toMatchObject({ code: 0 })
    expect(Date.now() - start).toBeLessThan(patience(8000))
    process.kill(Number(readFileSync(`${daemon}.pid`, 'utf8')), 'SIGKILL')
  })

  test('startContainer hooks are heard of by start, with their output', async () => {
    const made = await hooked('startContainer', { path: '/bin/sh', args: ['sh', '-c', 'echo unlucky; exit 4'] })
    const stopped = `${scratch()}/stopped`
    made.configure((config) => {
      config.hooks = { ...config.hooks, poststop: [{ path: script('poststop', `cat >${stopped}`) }] }
    })
    await create(made)
    expect(await davit(['start', made.id])).toMatchObject({
      code: 1,
      stderr:
        'davit: start failed: unable to start container process: run startContainer hook #0 "/bin/sh", ' +
        'from /hooks/startContainer/0: exit status 4, output: unlucky\n',
    })
    // The specification: stopped, and destroyed.
    expect((await davit(['state', made.id])).code).toBe(1)
    expect(readFileSync(stopped, 'utf8')).toContain('"status":"stopped"')
  })

  test('a poststart hook that fails ends the container', async () => {
    const path = script('hook', 'echo sorry; exit 1')
    const made = await bundle(
      (config) => {
        config.process.args = ['sleep', '60']
        Object.assign(config, { hooks: { poststart: [{ path }] } })
      },
      { applets },
    )
    expect(await refused(made, { args: ['--detach'] })).toContain(
      'from /hooks/poststart/0: exit status 1, output: sorry',
    )
    expect(await refused(made)).toContain('from /hooks/poststart/0')
  })

  test.each(['poststart', 'poststop'])('%s that hangs', async (kind) => {
    const made = await hooked(kind, { path: script('hook', `${NAP} & wait`), timeout: 1 })
    const start = Date.now()
    const { code, stderr } = await run(made)
    expect(code).toBe(kind === 'poststart' ? 1 : 0)
    expect(stderr).toContain(`from /hooks/${kind}/0: hook ran past specified timeout of 1.0s`)
    expect(Date.now() - start).toBeLessThan(patience(8000))
    expect(spawnSync('pgrep', ['-f', NAP]).stdout.toString()).toBe('')
  })

  test('a poststop hook that fails is a warning, and the next one runs', async () => {
    const seen = `${scratch()}/seen`
    const hooks = [script('first', 'exit 1'), script('second', `cat >${seen}`)]
    const made = await bundle(
      (config) => {
        config.process.args = ['true']
        Object.assign(config, { hooks: { poststop: hooks.map((path) => ({ path })) } })
      },
      { applets },
    )
    const { code, stderr } = await run(made)
    expect(code).toBe(0)
    expect(stderr).toMatch(/^davit: warning: run poststop hook #0 [^\n]*exit status 1\n$/)
    await until('the second hook', () => existsSync(seen))
    expect(JSON.parse(readFileSync(seen, 'utf8'))).toMatchObject({ id: made.id, status: 'stopped' })
  })
})
