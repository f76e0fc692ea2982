/** Podman of an ordinary user who has logged in: systemd has given away cgroups, so limits are the kernel's. */
import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { cgroupOf, isFrozen, limitOf, statusOf } from './support/container.ts'
import { SYSTEMD_DRIVER } from './support/driver.ts'
import type { Snapshot } from './support/leftovers.ts'
import { baseline, canPodman, inspect, leftInPodman, makePodman, type Podman } from './support/podman.ts'
import { property } from './support/unit.ts'

const MIB = 2 ** 20

describe.runIf(canPodman(SYSTEMD_DRIVER))('rootless Podman of a user with a session', () => {
  let podman: Podman
  let before: Snapshot

  beforeAll(async () => {
    podman = await makePodman(['busybox:latest', 'pause:3.9'], 'session')
    before = await baseline(podman)
  })
  afterEach(() => podman.clear())
  afterAll(() => podman?.close())

  const service = () => {
    const uid = podman.user?.uid
    return `/sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service`
  }
  const off = ['--network', 'none']

  test('-m, --cpus, --pids-limit are in force below the manager of the user; exec, update, pause, stop', async () => {
    const info = await podman.run('info', '--format', '{{.Host.Security.Rootless}} {{.Host.CgroupManager}}')
    expect(info).toBe('true systemd')
    const flags = ['-m', '64m', '--memory-swap', '64m', '--cpus', '0.5', '--pids-limit', '20']
    const ran = await podman.try('run', '-d', '--name', 'small', ...off, ...flags, 'busybox', 'sleep', '1000')
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    const { Id, State } = await inspect(podman, 'small')
    const cgroup = cgroupOf(podman.host, State.Pid, '')
    expect(cgroup.startsWith(`${service()}/`)).toBe(true)
    expect(statusOf(podman.host, State.Pid).Uid).toBe(Array(4).fill(podman.user?.uid).join(' '))
    const file = (name: string) => limitOf(podman.host, State.Pid, '', name)
    expect(['memory.max', 'memory.swap.max', 'cpu.max', 'pids.max'].map(file)).toEqual([
      `${64 * MIB}`,
      '0',
      '50000 100000',
      '20',
    ])
    expect(cgroup).toContain(`/user.slice/libpod-${Id}.scope`)
    expect(await property(podman, `libpod-${Id}.scope`, 'MemoryMax', '--user')).toBe(`${64 * MIB}`)
    expect(await podman.run('exec', 'small', 'cat', '/proc/self/cgroup')).toBe('0::/')
    await podman.run('update', '--memory', '128m', '--memory-swap', '256m', 'small')
    expect(file('memory.max')).toBe(`${128 * MIB}`)
    expect(await podman.run('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', 'small')).toBe('small 1')
    await podman.run('pause', 'small')
    expect(isFrozen(podman.host, State.Pid)).toBe(true)
    await podman.run('unpause', 'small')
    await podman.run('stop', '--time', '0', 'small')
    expect(existsSync(cgroup)).toBe(false)
  })

  test('who exceeds its memory is killed; more processes than allowed are refused', async () => {
    const flags = [...off, '-m', '16m', '--memory-swap', '16m']
    const greedy = await podman.try('run', '--name', 'greedy', ...flags, 'busybox', 'tail', '/dev/zero')
    expect(greedy.code).toBe(137)
    const script = 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo not reached'
    const many = await podman.try('run', '--rm', ...off, '--pids-limit', '4', 'busybox', 'sh', '-c', script)
    expect(many).toMatchObject({ code: 2, stdout: '' })
    expect(many.stderr).toContain("can't fork: Resource temporarily unavailable")
  })

  test('a pod of two', async () => {
    await podman.run('pod', 'create', '--name', 'pod', '--share', 'ipc,uts')
    await podman.run('run', '-d', '--pod', 'pod', '--name', 'one', ...off, '-m', '32m', 'busybox', 'sleep', '1000')
    const { State } = await inspect(podman, 'one')
    expect(limitOf(podman.host, State.Pid, '', 'memory.max')).toBe(`${32 * MIB}`)
    expect(cgroupOf(podman.host, State.Pid, '').startsWith(`${service()}/`)).toBe(true)
    await podman.run('pod', 'rm', '--force', '--time', '0', 'pod')
  })

  test('has left nothing', async () => {
    expect(await leftInPodman(podman, before)).toEqual([])
  })
})
