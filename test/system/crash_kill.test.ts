/**
 * davit is killed (SIGKILL) at every system call that leaves something behind, and at many moments. Whatever is then
 * there, `delete --force` ends with 0 and leaves nothing, and the id can be used again.
 */
import { existsSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { killedAt, recovers } from '../support/accident.ts'
import { type Bundle, bundle, create, run, startRun } from '../support/bundle.ts'
import { refused, stateEntries } from '../support/refusal.ts'
import { command, requires } from '../support/requires.ts'
import { davit, must, startDavit, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const applets = ['sh', 'sleep', 'true', 'cat']

interface Sweep {
  readonly verb: string
  readonly line: (made: Bundle) => readonly string[]
  /** What is there before. */
  readonly prepare?: (made: Bundle) => Promise<void>
  /** What must be true at once after the accident. */
  readonly check?: (made: Bundle) => Promise<void>
  /** System calls and how many of them to pass over each time; the engine's start alone has 30 openat. */
  readonly calls: Readonly<Record<string, number>>
}

/** A flag that what is prepared does not know. */
const BY_ENGINE = ['--log-level', 'warning']
const LASTING = { mkdirat: 1, write: 1, renameat2: 1, clone3: 1, sendto: 1, recvmsg: 1, flock: 1, bind: 1, listen: 1 }

async function running(made: Bundle): Promise<void> {
  await create(made)
  await must(['start', made.id])
}

/** A start that was killed before or after its word to init: `state` must not lie about what init does. */
async function truthful(made: Bundle): Promise<void> {
  const status = await until('a status that tells what init executes', async () => {
    const { pid, status } = await state(made.id)
    const waits = readlinkSync(`/proc/${pid}/exe`).startsWith('/memfd:davit-init')
    return status === (waits ? 'created' : 'running') && status
  })
  const { code, stderr } = await davit(['start', made.id])
  if (status === 'created' && code === 0) return
  expect(stderr).toBe('davit: start failed: cannot start an already running container\n')
}

const SWEEPS: readonly Sweep[] = [
  { verb: 'create', line: ({ path, id }) => ['create', '--bundle', path, id], calls: { ...LASTING, openat: 5 } },
  {
    verb: 'run --detach',
    line: ({ path, id }) => ['run', '--detach', '--bundle', path, id],
    calls: { write: 3, renameat2: 1, sendto: 1, recvmsg: 1 },
  },
  {
    verb: 'start',
    line: ({ id }) => ['start', id],
    prepare: (made) => create(made),
    check: truthful,
    calls: { flock: 1, connect: 1, sendto: 1, recvfrom: 1, unlinkat: 1 },
  },
  {
    verb: 'start by the engine',
    line: ({ id }) => [...BY_ENGINE, 'start', id],
    prepare: (made) => create(made),
    check: truthful,
    calls: { flock: 1, connect: 1, sendto: 1, recvmsg: 1, unlinkat: 1 },
  },
  {
    verb: 'delete --force',
    line: ({ id }) => ['delete', '--force', id],
    prepare: running,
    calls: { flock: 1, pidfd_send_signal: 1, unlinkat: 1, openat: 9 },
  },
]

/** The id serves again. */
async function usable(made: Bundle): Promise<void> {
  made.configure((config) => {
    config.process.args = ['true']
  })
  expect(await run(made)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
}

function sleeper(): Promise<Bundle> {
  mkdirSync(stateRoot(), { recursive: true })
  return bundle(['sleep', '600'], { applets })
}

/** Whether a process is there and no zombie. */
function hasProgram(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) !== ''
  } catch {
    return false
  }
}

describe.runIf(requires('root', command('strace')))('killed at a system call', () => {
  const cases = SWEEPS.flatMap((sweep) => Object.entries(sweep.calls).map(([call, step]) => ({ ...sweep, call, step })))

  test.each(cases)('$verb: $call', async ({ line, prepare, check, call, step }) => {
    const made = await sleeper()
    let hits = 0
    for (let n = 1; n < 400; n += step) {
      await prepare?.(made)
      const hit = await killedAt(call, n, line(made), `${made.path}/output`)
      if (hit) await check?.(made)
      await recovers(made)
      if (!hit) break
      hits++
    }
    expect(hits).toBeGreaterThan(0)
    await usable(made)
  })
})

describe.runIf(requires('root'))('killed at a moment', () => {
  test('create, at 40 moments of its life', async () => {
    const made = await sleeper()
    let survived = 0
    for (let i = 0; i < 40; i++) {
      const line = ['create', '--bundle', made.path, made.id]
      const creating = startDavit(line, { output: `${made.path}/output` })
      await new Promise((done) => setTimeout(done, i))
      creating.child.kill('SIGKILL')
      const { code } = await creating.done
      if (code === 0) survived++
      await recovers(made)
    }
    expect(survived).toBeLessThan(40)
    await usable(made)
  })

  test('the runtime, while a createRuntime hook hangs: init goes with it', async () => {
    mkdirSync(stateRoot())
    const place = scratch()
    const hook = `${place}/hook`
    const made = await bundle(
      (config) => {
        const path = '/bin/sh'
        const args = ['sh', '-c', `cat >${place}/state; echo $$ >${hook}; exec sleep 600`]
        Object.assign(config, { hooks: { createRuntime: [{ path, args, env: ['PATH=/bin:/usr/bin'] }] } })
      },
      { applets },
    )
    const creating = startDavit(['create', '--bundle', made.path, made.id], { output: `${made.path}/output` })
    const hookPid = await until('the hook', () => existsSync(hook) && readFileSync(hook, 'utf8'))
    atEnd(() => {
      if (hasProgram(Number(hookPid))) process.kill(Number(hookPid), 'SIGKILL')
    })
    const { pid, status } = JSON.parse(readFileSync(`${place}/state`, 'utf8')) as { pid: number; status: string }
    expect(status).toBe('creating')
    expect(existsSync(`/proc/${pid}`)).toBe(true)
    creating.child.kill('SIGKILL')
    await until('the end of init', () => !existsSync(`/proc/${pid}`))
    expect(hasProgram(Number(hookPid))).toBe(true)
    await recovers(made)
  })

  test('init, while the runtime waits for it: in a hook', async () => {
    const kill = { path: '/bin/sh', args: ['sh', '-c', 'kill -9 $(sed \'s/.*"pid":\\([0-9]*\\).*/\\1/\')'] }
    const made = await bundle(
      (config) => {
        Object.assign(config, { hooks: { createRuntime: [{ ...kill, env: ['PATH=/bin:/usr/bin'] }] } })
      },
      { applets },
    )
    expect(await refused(made)).toMatch(/container init was killed by signal 9/)
    expect(await refused(made, { verb: 'create' })).toMatch(/container init was killed by signal 9/)
  })

  test('init, created and not started', async () => {
    const made = await sleeper()
    await create(made)
    const { pid } = await untilStatus(made.id, 'created')
    process.kill(pid, 'SIGKILL')
    expect(await untilStatus(made.id, 'stopped')).toMatchObject({ pid: 0 })
    const { code, stderr } = await davit(['start', made.id])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'davit: start failed: cannot start a container that has stopped\n',
    })
    expect(await davit(['delete', made.id])).toMatchObject({ code: 0, stderr: '' })
  })

  test('a foreground run by SIGTERM: the container gets it, its end is passed on', async () => {
    const made = await bundle("trap 'echo got it; exit 7' TERM; echo ready; while :; do sleep 0.1; done", { applets })
    const foreground = startRun(made)
    await until('the container', () => foreground.stdout().includes('ready'))
    foreground.child.kill('SIGTERM')
    expect(await foreground.done).toMatchObject({ code: 7, stdout: 'ready\ngot it\n', stderr: '' })
    expect(stateEntries()).toEqual([])
  })

  test('a foreground run by SIGKILL: the container lives, delete --force ends it', async () => {
    const made = await sleeper()
    const foreground = startRun(made, { output: `${made.path}/output` })
    await until('the container', async () => (await davit(['state', made.id])).stdout.includes('"running"'))
    foreground.child.kill('SIGKILL')
    await foreground.done
    await untilStatus(made.id, 'running')
    await recovers(made)
  })
})
