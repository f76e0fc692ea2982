/** What is prepared does nothing that the engine would refuse: others' directories, other containers, half-made ones. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, create } from '../support/bundle.ts'
import { exec, type Result } from '../support/exec.ts'
import { IS_REFERENCE, RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { must, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['/bin/sleep', '1000']
const ENGINE = `${dirname(RUNTIME)}/libexec/davit/davit`
const WITHOUT_CGROUP = ['--cgroup-manager', 'disabled']

const folder = ({ id }: Bundle) => `${stateRoot()}/${id}`

/** Runs davit as `before` has it, in a root; by default that of the test. */
function davit(args: readonly string[], before: readonly string[] = [], root = stateRoot()): Promise<Result> {
  const [program = '', ...rest] = [...before, RUNTIME, '--root', root, ...args]
  return exec(program, rest)
}

async function created(global: readonly string[] = [], change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle((config) => {
    config.process.args = SLEEP
    change(config)
  })
  await create(made, { global })
  return made
}

const statusOf = async ({ id }: Bundle) => (await state(id)).status

describe.runIf(requires('root') && !IS_REFERENCE)('what is prepared', () => {
  test('is not found by a symbolic link in the place of a container', async () => {
    const made = await created()
    const root = `${scratch()}/shared`
    mkdirSync(root)
    symlinkSync(folder(made), `${root}/link`)
    expect((await davit(['start', 'link'], [], root)).code).toBe(1)
    expect(await statusOf(made)).toBe('created')
  })

  test('lies where the engine looks: it folds ".." before a symbolic link is followed', async () => {
    const made = await created()
    mkdirSync(`${scratch()}/here`)
    symlinkSync(stateRoot(), `${scratch()}/here/link`)
    const root = `${scratch()}/here/link/../${stateRoot().split('/').at(-1)}`
    const { code, stderr } = await davit(['start', made.id], [], root)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/container does not exist/)])
    expect(await statusOf(made)).toBe('created')
  })

  test('does not start a container whose create was killed', async () => {
    const made = await created()
    const path = `${folder(made)}/state.json`
    writeFileSync(path, readFileSync(path, 'utf8').replace('"phase":"created"', '"phase":"creating"'))
    const { code, stderr } = await davit(['start', made.id])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/cannot start a container in the creating state/)])
  })

  test('leaves it to the engine where the connection to an init comes from, whatever the environment says', async () => {
    const made = await created()
    const env = { ...process.env, DAVIT_START: '0' }
    expect(await exec(ENGINE, ['--root', stateRoot(), 'start', made.id], { env })).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(readFileSync(`/proc/${(await state(made.id)).pid}/comm`, 'utf8')).toBe('sleep\n')
  })
})

/** A strace that lets each call of this name last: who waits meanwhile sees it in the trace. */
const slowly = (call: string, when: number, ms: number) => [
  ...['strace', '-qq', '-e', `trace=${call}`, '-e', 'signal=none', '-o', `${scratch()}/trace`],
  ...['-e', `inject=${call}:delay_enter=${ms * 1000}:when=${when}`],
]

describe.runIf(requires('root', command('strace'), command('unshare'), command('prlimit')) && !IS_REFERENCE)(
  'what is prepared',
  () => {
    test('starts whatever number of files it may open', { timeout: 60_000 }, async () => {
      for (const limit of [4, 5, 6, 7, 8]) {
        const made = await created()
        const before = ['prlimit', `--nofile=${limit}:1024`]
        expect([limit, await davit(['start', made.id], before)]).toMatchObject([limit, { code: 0, stderr: '' }])
        await must(['delete', '--force', made.id])
      }
    })

    test('does not delete the next container of the same id', async () => {
      const made = await created(WITHOUT_CGROUP)
      await must(['kill', made.id, 'KILL'])
      await untilStatus(made.id, 'stopped')
      const late = davit(['delete', made.id], slowly('close_range', 1, 3000))
      await until('delete has begun', () => existsSync(`${scratch()}/trace`))
      await must(['delete', made.id])
      await create(made, { global: WITHOUT_CGROUP })
      await must(['start', made.id])
      expect((await late).code).toBe(1)
      expect(await statusOf(made)).toBe('running')
    })

    test('deletes nothing that runs where kill(2) cannot see it', async () => {
      const made = await created(WITHOUT_CGROUP)
      await must(['start', made.id])
      // The pid namespace is another one, and /proc that of before.
      const { code, stderr } = await davit(['delete', made.id], ['unshare', '--pid', '--fork'])
      expect([code, stderr]).toEqual([1, expect.stringMatching(/that is not stopped: running/)])
      expect(await statusOf(made)).toBe('running')
    })

    test('keeps the lock for the engine, which has to find words', async () => {
      const made = await bundle(['/program'])
      writeFileSync(`${made.rootfs}/program`, '#!/bin/sh\n', { mode: 0o755 })
      await create(made)
      writeFileSync(`${made.rootfs}/program`, 'no program', { mode: 0o755 })
      const late = davit(['start', made.id], slowly('execve', 1, 1500))
      await untilStatus(made.id, 'stopped')
      // Waits for the lock.
      const deleted = must(['delete', made.id])
      expect((await late).stderr).toMatch(/unable to start container process: exec \/program: exec format error/)
      await deleted
    })
  },
)
