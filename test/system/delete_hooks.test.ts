/** delete --force of what a hook holds up, and what is told of a container whose create was killed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, create } from '../support/bundle.ts'
import { processStatus } from '../support/kernel.ts'
import { patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'
import { davit, must, startDavit, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

type HookKind = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop'

/** A container with a hook that never ends, and has a child. Where the hook leaves its pids depends on its kind. */
async function held(kind: HookKind): Promise<[Bundle, () => number[]]> {
  const inside = kind === 'createContainer' || kind === 'startContainer'
  const made = await bundle((config: Config) => {
    config.process.args = ['/bin/sleep', '1000']
  })
  const file = `${made.path}/hook-pids`
  const script = inside ? 'sleep 1000' : `sleep 1000 & echo $$ $! > ${file}; wait`
  made.configure((config) => {
    config.hooks = { [kind]: [{ path: '/bin/sh', args: ['sh', '-c', script] }] }
  })
  return [made, () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').map(Number) : [])]
}

const lives = (pid: number) => existsSync(`/proc/${pid}/exe`) && !/^[ZX]/.test(processStatus(pid).State ?? 'Z')

/** Starts a verb that the hook will hold up. */
function hanging(made: Bundle, args: readonly string[]) {
  const running = startDavit(args, { output: `${made.path}/output`, timeout: 60_000 })
  atEnd(() => void running.child.kill('SIGKILL'))
  return running
}

async function quicklyDeleted(id: string): Promise<void> {
  const begin = Date.now()
  await must(['delete', '--force', id])
  expect(Date.now() - begin).toBeLessThan(patience(4000))
  expect(existsSync(`${stateRoot()}/${id}`)).toBe(false)
}

describe.runIf(requires('root'))('delete --force', () => {
  test.each(['prestart', 'createRuntime'] as const)('ends a create that waits for its %s hook', async (kind) => {
    const [made, pids] = await held(kind)
    const creating = hanging(made, ['create', '--bundle', made.path, made.id])
    const all = await until('hook', () => pids().length === 2 && pids())
    expect((await state(made.id)).status).toBe('creating')
    await quicklyDeleted(made.id)
    expect((await creating.done).code).toBe(1)
    expect(readFileSync(`${made.path}/output`, 'utf8')).toMatch(/(hook .*|container init was )killed by signal 9/) // whichever create hears of first
    expect(all.filter(lives)).toEqual([])
  })

  test('ends a create that waits for its createContainer hook', async () => {
    const [made] = await held('createContainer')
    const creating = hanging(made, ['create', '--bundle', made.path, made.id])
    await until('creating', async () => {
      const { code, stdout } = await davit(['state', made.id])
      return code === 0 && JSON.parse(stdout).pid > 0
    })
    await quicklyDeleted(made.id)
    expect((await creating.done).code).toBe(1)
  })

  test('ends a start that waits for its poststart hook', async () => {
    const [made, pids] = await held('poststart')
    await create(made)
    const starting = hanging(made, ['start', made.id])
    const all = await until('hook', () => pids().length === 2 && pids())
    await quicklyDeleted(made.id)
    expect((await starting.done).code).toBe(1)
    expect(all.filter(lives)).toEqual([])
  })

  test('ends a start that waits for its startContainer hook', async () => {
    const [made] = await held('startContainer')
    await create(made)
    const { pid } = await state(made.id)
    const starting = hanging(made, ['start', made.id])
    await until('hook', () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8') !== '')
    await quicklyDeleted(made.id)
    await starting.done
  })

  test('ends a delete that waits for its poststop hook', async () => {
    const [made, pids] = await held('poststop')
    await create(made)
    const deleting = hanging(made, ['delete', made.id])
    const all = await until('hook', () => pids().length === 2 && pids())
    await quicklyDeleted(made.id)
    await deleting.done
    expect(all.filter(lives)).toEqual([])
  })
})

describe.runIf(requires('root'))('a container whose create was killed', () => {
  test('is stopped, and can be deleted; the hook that it waited for goes with it', async () => {
    const [made, pids] = await held('createRuntime')
    const creating = hanging(made, ['create', '--bundle', made.path, made.id])
    const all = await until('hook', () => pids().length === 2 && pids())
    const { pid, status } = await state(made.id)
    expect([status, pid > 0]).toEqual(['creating', true])
    creating.child.kill('SIGKILL')
    await creating.done
    expect(await untilStatus(made.id, 'stopped')).toMatchObject({ pid: 0 })
    expect(JSON.parse(await must(['list', '-f', 'json']))[0]).toMatchObject({ id: made.id, status: 'stopped', pid: 0 })
    expect((await davit(['kill', made.id, 'KILL'])).stderr).toBe('davit: kill failed: container not running\n')
    expect((await davit(['start', made.id])).code).toBe(1)
    // The same had it been killed before there was an init.
    const file = `${stateRoot()}/${made.id}/state.json`
    writeFileSync(file, readFileSync(file, 'utf8').replace(`"pid":${pid},`, '"pid":0,'))
    expect(await state(made.id)).toMatchObject({ status: 'stopped', pid: 0 })
    await must(['delete', made.id])
    await until('the end of its hook', () => all.filter(lives).length === 0)
  })
})
