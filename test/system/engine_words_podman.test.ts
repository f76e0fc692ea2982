/** What podman, conmon and buildah match on: calls as they make them, and what they read back. No engine takes part. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle } from '../support/bundle.ts'
import { value } from '../support/cgroups.ts'
import { asPodman, logEntries } from '../support/engine_calls.ts'
import { exec, start } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { atEnd } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['/bin/sleep', '1000']
const TRAPS = 'trap "echo winch" WINCH; trap "echo term; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
const SILENT = { code: 0, stdout: '', stderr: '' }

/** A bundle whose container is in the default state directory, which the tests share with the machine. */
async function outside(process: string | readonly string[]): Promise<Bundle> {
  const made = await bundle(process)
  atEnd(async () => void (await asPodman(['delete', '--force', made.id])))
  return made
}

const flags = (of: Bundle) => ['--bundle', of.path, '--pid-file', `${of.path}/pid`]
const create = (of: Bundle, global: readonly string[] = [], more: readonly string[] = []) =>
  asPodman([...global, 'create', ...flags(of), ...more, of.id], { output: `${of.path}/output` })
const outputOf = (of: Bundle) => readFileSync(`${of.path}/output`, 'utf8')
const stateOf = async (of: Bundle) => JSON.parse((await asPodman(['state', of.id])).stdout)
const untilStopped = (of: Bundle) => until('its end', async () => (await stateOf(of)).status === 'stopped')

async function started(process: string | readonly string[]): Promise<Bundle> {
  const made = await outside(process)
  expect((await create(made)).code).toBe(0)
  expect(await asPodman(['start', made.id])).toMatchObject(SILENT)
  return made
}

/** What podman makes of the runtime's words: getOCIRuntimeError of libpod, and the exit codes of its two errors. */
function podmanExitCode(message: string): number {
  if (/permission denied|operation not permitted/i.test(message)) return 126
  if (/executable file not found in|no such file or directory/i.test(message)) return 127
  return 125
}

describe.runIf(requires('root'))('the calls of podman', () => {
  test('state has the four words, with an environment of nothing and nobody at stderr', async () => {
    const made = await outside('read x; exec sleep 1000')
    expect((await create(made)).code).toBe(0)
    const pid = Number(readFileSync(`${made.path}/pid`, 'utf8'))
    const statuses = [(await stateOf(made)).status]
    await asPodman(['start', made.id])
    statuses.push((await stateOf(made)).status)
    await asPodman(['pause', made.id])
    statuses.push((await stateOf(made)).status)
    await asPodman(['resume', made.id])
    expect((await stateOf(made)).pid).toBe(pid)
    await asPodman(['kill', made.id, '9'])
    await untilStopped(made)
    const { status, pid: after } = await stateOf(made)
    expect([...statuses, status, after]).toEqual(['created', 'running', 'paused', 'stopped', 0])
    // libpod closes its end of stderr before it reads the answer.
    const running = start(RUNTIME, ['state', 'nobody-has-this-id'], { env: { XDG_RUNTIME_DIR: '' } })
    running.child.stderr?.destroy()
    expect(await running.done).toMatchObject({ code: 1, signal: null, stdout: '' })
  })

  test('kill sends any number, and fails when the container has ended', async () => {
    const made = await started(TRAPS)
    await until('ready', () => outputOf(made) === 'ready\n')
    expect(await asPodman(['kill', made.id, '28'])).toMatchObject(SILENT)
    await until('the signal', () => outputOf(made) === 'ready\nwinch\n')
    expect(await asPodman(['kill', '--all', made.id, '15'])).toMatchObject(SILENT)
    await untilStopped(made)
    expect(outputOf(made)).toContain('term\n')
    expect(await asPodman(['kill', made.id, '9'])).toMatchObject({ code: 1 })
    expect(await asPodman(['delete', '--force', made.id])).toMatchObject(SILENT)
    expect(await asPodman(['delete', '--force', made.id])).toMatchObject({ code: 0 })
  })

  test('exec --detach writes the pid of the process', async () => {
    const made = await started(SLEEP)
    const { user, env, cwd } = made.config.process
    writeFileSync(`${made.path}/process`, JSON.stringify({ user, env, cwd, args: ['/bin/sleep', '999'] }))
    const files = ['--pid-file', `${made.path}/exec`, '--process', `${made.path}/process`]
    const { code } = await asPodman(['exec', ...files, '--detach', made.id], { output: `${made.path}/out` })
    const pid = readFileSync(`${made.path}/exec`, 'utf8')
    expect([code, readFileSync(`/proc/${pid}/cmdline`, 'utf8')]).toEqual([0, '/bin/sleep\x00999\x00'])
  })

  test('update --resources=FILE', async () => {
    const made = await started(SLEEP)
    writeFileSync(`${made.path}/resources`, JSON.stringify({ memory: { limit: 64 << 20 }, pids: { limit: 30 } }))
    expect(await asPodman(['update', `--resources=${made.path}/resources`, made.id])).toMatchObject(SILENT)
    const { pid } = await stateOf(made)
    expect(value(pid, 'memory', 'memory.limit_in_bytes')).toBe(`${64 << 20}`)
    expect(value(pid, 'pids', 'pids.max')).toBe('30')
  })

  test('its probe for checkpoints is told that there are some', async () => {
    expect((await asPodman(['checkpoint', '--help'])).code).toBe(0)
  })

  test.each([
    ['/nope', 127],
    ['nope', 127],
    ['/etc/passwd', 126],
    ['/etc', 126],
  ])('%s is an exit code of %i, by the log or by stderr', async (command, code) => {
    const made = await outside([command])
    const log = `${made.path}/oci-log`
    expect((await create(made, ['--log-format=json', '--log', log])).code).toBe(1)
    // libpod takes the log for one JSON value.
    const [entry, ...others] = logEntries(log)
    expect([podmanExitCode(entry?.msg ?? ''), others]).toEqual([code, []])
    // Without a log, conmon hands on what stands on stderr, and that is one line.
    const again = await outside([command])
    const { stderr, ...result } = await asPodman(['create', ...flags(again), again.id])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^[^\n]+\n$/)
    expect(podmanExitCode(stderr)).toBe(code)

    const running = await started(SLEEP)
    const { user, env, cwd } = running.config.process
    writeFileSync(`${running.path}/process`, JSON.stringify({ user, env, cwd, args: [command] }))
    const files = ['--pid-file', `${running.path}/exec`, '--process', `${running.path}/process`]
    const failed = await asPodman(['exec', ...files, '--detach', running.id])
    expect([failed.code, failed.stdout, podmanExitCode(failed.stderr)]).toEqual([255, '', code])
  })
})

describe.runIf(requires('root'))('the calls of buildah', () => {
  const buildah = (of: Bundle, args: readonly string[], options = {}) =>
    exec(RUNTIME, args, { cwd: of.path, ...options })

  test('create, start, state until it has stopped, delete', async () => {
    const made = await outside('echo built; exit 6')
    const args = ['create', ...flags(made), '--no-new-keyring', made.id]
    expect((await buildah(made, args, { output: `${made.path}/output` })).code).toBe(0)
    expect(await buildah(made, ['start', made.id])).toMatchObject(SILENT)
    const seen = new Set<string>()
    await until('stopped', async () => {
      const { code, stdout } = await buildah(made, ['state', made.id])
      expect(code).toBe(0)
      const { status } = JSON.parse(stdout)
      seen.add(status)
      return status === 'stopped'
    })
    // Any other word ends the build with an error.
    expect([...seen].filter((status) => status !== 'running')).toEqual(['stopped'])
    expect(outputOf(made)).toBe('built\n')
    expect(await buildah(made, ['delete', made.id])).toMatchObject(SILENT)
  })

  test('kill without a signal is TERM, kill SIGKILL by name', async () => {
    const made = await started(TRAPS)
    await until('ready', () => outputOf(made) === 'ready\n')
    expect(await buildah(made, ['kill', made.id])).toMatchObject(SILENT)
    await untilStopped(made)
    expect(outputOf(made)).toContain('term\n')
    const other = await started(SLEEP)
    expect(await buildah(other, ['kill', other.id, 'SIGKILL'])).toMatchObject(SILENT)
    await untilStopped(other)
  })
})
