/** Podman as root: containers that are saved and restored, by a criu that works. */
import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { CRIU } from '../support/criu.ts'
import { until } from '../support/wait.ts'
import { cgroupOf, limitOf } from './support/container.ts'
import type { Snapshot } from './support/leftovers.ts'
import { baseline, canPodman, inspect, leftInPodman, makePodman, type Podman } from './support/podman.ts'

const MIB = 2 ** 20

/** Counts for ever, in a file of its own file system; a process that were started anew would begin at 1. */
const COUNT = 'i=0; while :; do i=$((i+1)); echo $i >>/count; echo $i; sleep 0.1; done'

describe.runIf(canPodman(CRIU))('podman container checkpoint', () => {
  let podman: Podman
  let before: Snapshot

  beforeAll(async () => {
    podman = await makePodman(['busybox:latest'])
    before = await baseline(podman)
  })
  afterEach(() => podman.clear())
  afterAll(() => podman?.close())

  const state = async (name: string) => (await inspect(podman, name)).State
  const numbers = async (name: string): Promise<number[]> => {
    const { Pid: pid } = await state(name)
    const file = podman.host.path(`/proc/${pid}/root/count`)
    return pid > 0 && existsSync(file) ? podman.host.read(`/proc/${pid}/root/count`).trim().split('\n').map(Number) : []
  }
  /** A container that counts, and has come some way. */
  async function counting(name: string, ...flags: readonly string[]): Promise<void> {
    await podman.run('run', '-d', '--name', name, ...flags, 'busybox', 'sh', '-c', COUNT)
    await until('it to count', async () => (await numbers(name)).length > 3)
  }
  /** It has gone on where it was: every number follows the one before. */
  async function goesOn(name: string): Promise<void> {
    const { length } = await numbers(name)
    await until('it to go on', async () => (await numbers(name)).length > length + 2)
    const found = await numbers(name)
    expect(found).toEqual(found.map((_, index) => index + 1))
  }
  const checkpoint = (...args: readonly string[]) => podman.run('container', 'checkpoint', ...args)
  const restore = (...args: readonly string[]) => podman.run('container', 'restore', ...args)

  test('checkpoint ends it, and restore has it go on in its cgroup, with its limits', async () => {
    await counting('counter', '-m', '64m', '--pids-limit', '20')
    const { Pid: first } = await state('counter')
    const cgroup = cgroupOf(podman.host, first, 'memory')
    await checkpoint('counter')
    expect(await state('counter')).toMatchObject({ Running: false, Status: 'exited' })
    expect([existsSync(cgroup), existsSync(podman.host.path(`/proc/${first}`))]).toEqual([false, false])
    await restore('counter')
    const { Pid, Running } = await state('counter')
    expect([Running, cgroupOf(podman.host, Pid, 'memory')]).toEqual([true, cgroup])
    expect(limitOf(podman.host, Pid, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe(`${64 * MIB}`)
    expect(limitOf(podman.host, Pid, 'pids', 'pids.max')).toBe('20')
    await goesOn('counter')
    expect(await podman.run('exec', 'counter', 'head', '-1', '/count')).toBe('1')
    // What it prints is still logged, and it can still be stopped.
    const said = async () => (await podman.run('logs', 'counter')).split('\n').length
    const length = await said()
    await until('more output', async () => (await said()) > length + 2)
    await podman.run('stop', '--time', '0', 'counter')
    expect(await state('counter')).toMatchObject({ Status: 'exited', ExitCode: 137 })
  })

  test('--leave-running leaves it as it was', async () => {
    await counting('lasting')
    const { Pid } = await state('lasting')
    await checkpoint('--leave-running', '--keep', 'lasting')
    expect(await state('lasting')).toMatchObject({ Running: true, Pid })
    await goesOn('lasting')
  })

  test('--export makes an archive, and --import a container of another name that goes on', async () => {
    const file = `${podman.host.directory}/counter.tar.gz`
    await counting('origin')
    await checkpoint('--export', file, 'origin')
    await podman.run('rm', 'origin')
    await restore('--import', file, '--name', 'moved')
    expect((await inspect(podman, 'moved')).OCIRuntime).toBe('davit')
    await goesOn('moved')
  })

  test('--pre-checkpoint saves memory while it runs, and --with-previous the rest', async () => {
    const [first, second] = ['pre', 'rest'].map((name) => `${podman.host.directory}/${name}.tar.gz`) as [string, string]
    await counting('twice')
    const { Pid } = await state('twice')
    await checkpoint('--pre-checkpoint', '--export', first, 'twice')
    expect(await state('twice')).toMatchObject({ Running: true, Pid })
    await checkpoint('--with-previous', '--export', second, 'twice')
    await podman.run('rm', 'twice')
    await restore('--import-previous', first, '--import', second)
    await goesOn('twice')
  })

  test('has left nothing', async () => {
    expect(await leftInPodman(podman, before)).toEqual([])
  })
})
