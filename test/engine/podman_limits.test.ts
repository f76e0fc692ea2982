/** Podman as root: limits as the kernel has them, their change, pausing, and the end of who exceeds one. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { cgroupOf, isFrozen, limitOf } from './support/container.ts'
import type { Snapshot } from './support/leftovers.ts'
import { baseline, canPodman, inspect, leftInPodman, makePodman, type Podman } from './support/podman.ts'

const MIB = 2 ** 20

describe.runIf(canPodman())('Podman, limits', () => {
  let podman: Podman
  let before: Snapshot

  beforeAll(async () => {
    podman = await makePodman(['busybox:latest'])
    before = await baseline(podman)
  })
  afterEach(() => podman.clear())
  afterAll(() => podman?.close())

  const state = async (name: string) => (await inspect(podman, name)).State
  const limit = (pid: number, controller: string, ...files: readonly string[]) =>
    limitOf(podman.host, pid, controller, ...files)
  const memory = (pid: number) => limit(pid, 'memory', 'memory.limit_in_bytes', 'memory.max')
  const quota = (pid: number) => limit(pid, 'cpu', 'cpu.cfs_quota_us', 'cpu.max')

  test('-m, --cpus, --cpuset-cpus, --pids-limit; update changes some while it runs; stats tell', async () => {
    const flags = ['-m', '64m', '--memory-swap', '64m', '--cpus', '0.5', '--cpuset-cpus', '0', '--pids-limit', '20']
    await podman.run('run', '-d', '--name', 'small', ...flags, '--cpu-shares', '512', 'busybox', 'sleep', '1000')
    const { Pid: pid } = await state('small')
    expect(memory(pid)).toBe(String(64 * MIB))
    expect(quota(pid)).toMatch(/^50000( 100000)?$/)
    expect(limit(pid, 'cpuset', 'cpuset.cpus')).toBe('0')
    expect(limit(pid, 'pids', 'pids.max')).toBe('20')
    expect(limit(pid, 'cpu', 'cpu.shares', 'cpu.weight')).toMatch(/^(512|\d\d)$/)
    expect(cgroupOf(podman.host, pid, 'memory')).toContain(`libpod-${(await inspect(podman, 'small')).Id}`)

    const stats = await podman.run('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}} {{.MemLimit}}', 'small')
    expect(stats).toBe(`small 1 ${64 * MIB}`)

    await podman.run('update', '--cpus', '1.5', '--memory', '128m', '--memory-swap', '256m', 'small')
    expect(memory(pid)).toBe(String(128 * MIB))
    expect(quota(pid)).toMatch(/^150000( 100000)?$/)
    expect(limit(pid, 'pids', 'pids.max')).toBe('20')
  })

  test('pause freezes it, and nothing is executed in it; unpause lets it go on', async () => {
    const script = 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.05; done'
    await podman.run('run', '-d', '--name', 'counter', 'busybox', 'sh', '-c', script)
    const { Pid: pid } = await state('counter')
    const count = () => Number(podman.host.read(`/proc/${pid}/root/count`))
    await until('it to count', () => {
      try {
        return count() > 2
      } catch {
        return false // not yet written
      }
    })
    await podman.run('pause', 'counter')
    expect((await state('counter')).Status).toBe('paused')
    expect(isFrozen(podman.host, pid)).toBe(true)
    const stopped = count()
    expect((await podman.try('exec', 'counter', 'true')).code).not.toBe(0)
    expect(count()).toBe(stopped)
    await podman.run('unpause', 'counter')
    await until('it to go on', () => count() > stopped)
    await podman.run('pause', 'counter')
    await podman.run('rm', '--force', '--time', '0', 'counter')
  })

  test('who exceeds its memory is killed, and its neighbour is not; more processes than allowed are refused', async () => {
    const flags = ['-m', '16m', '--memory-swap', '16m']
    await podman.run('run', '-d', '--name', 'thrifty', ...flags, 'busybox', 'sleep', '1000')
    const greedy = await podman.try('run', '--name', 'greedy', ...flags, 'busybox', 'tail', '/dev/zero')
    expect(greedy.code).toBe(137)
    expect(await state('greedy')).toMatchObject({ Status: 'exited', ExitCode: 137 })
    expect((await state('thrifty')).Running).toBe(true)

    const script = 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo not reached'
    const many = await podman.try('run', '--rm', '--pids-limit', '4', 'busybox', 'sh', '-c', script)
    expect(many).toMatchObject({ code: 2, stdout: '' })
    expect(many.stderr).toContain("can't fork: Resource temporarily unavailable")
  })

  test('a container that a fork bomb fills is stopped and removed whole', async () => {
    const script = 'f() { sleep 1000 & f; }; (f) 2>/dev/null; sleep 1000'
    await podman.run('run', '-d', '--name', 'bomb', '--pids-limit', '150', 'busybox', 'sh', '-c', script)
    const { Pid: pid } = await state('bomb')
    await until('it to be full', () => Number(limit(pid, 'pids', 'pids.current')) > 140)
    await podman.run('rm', '--force', '--time', '0', 'bomb')
    expect(await podman.run('ps', '--all', '--quiet')).toBe('')
  })

  test('has left nothing', async () => {
    expect(await leftInPodman(podman, before)).toEqual([])
  })
})
