/** Podman as root where systemd makes the cgroups: containers are scopes, pods are slices. */
import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { cgroupOf, limitOf } from './support/container.ts'
import { SYSTEMD_DRIVER } from './support/driver.ts'
import type { Snapshot } from './support/leftovers.ts'
import { baseline, canPodman, inspect, leftInPodman, makePodman, type Podman } from './support/podman.ts'
import { property } from './support/unit.ts'

const MIB = 2 ** 20

describe.runIf(canPodman(SYSTEMD_DRIVER))('Podman, systemd', () => {
  let podman: Podman
  let before: Snapshot

  beforeAll(async () => {
    podman = await makePodman(['busybox:latest', 'pause:3.9'])
    before = await baseline(podman)
  })
  afterEach(() => podman.clear())
  afterAll(() => podman?.close())

  test('a container is a scope in machine.slice, with its limits as properties', async () => {
    expect(await podman.run('info', '--format', '{{.Host.CgroupManager}} {{.Host.CgroupsVersion}}')).toBe('systemd v2')
    const flags = ['-m', '64m', '--memory-swap', '64m', '--cpus', '0.5', '--pids-limit', '20']
    await podman.run('run', '-d', '--name', 'small', ...flags, 'busybox', 'sleep', '1000')
    const { Id, State } = await inspect(podman, 'small')
    const unit = `libpod-${Id}.scope`
    const cgroup = cgroupOf(podman.host, State.Pid, '')
    expect(cgroup).toMatch(new RegExp(`^/sys/fs/cgroup/machine\\.slice/${unit}(/container)?$`))
    const show = (name: string) => property(podman, unit, name)
    const file = (name: string) => limitOf(podman.host, State.Pid, '', name)
    expect([await show('MemoryMax'), await show('CPUQuotaPerSecUSec'), await show('TasksMax')]).toEqual([
      `${64 * MIB}`,
      '500ms',
      '20',
    ])
    expect([file('memory.max'), file('memory.swap.max'), file('cpu.max'), file('pids.max')]).toEqual([
      `${64 * MIB}`,
      '0',
      '50000 100000',
      '20',
    ])
    await podman.run('update', '--cpus', '1.5', '--memory', '128m', '--memory-swap', '256m', 'small')
    expect([await show('MemoryMax'), file('memory.max')]).toEqual([`${128 * MIB}`, `${128 * MIB}`])
    expect([await show('CPUQuotaPerSecUSec'), file('cpu.max')]).toEqual(['1.500000s', '150000 100000'])
    expect(await podman.run('exec', 'small', 'cat', '/proc/self/cgroup')).toBe('0::/')
    await podman.run('rm', '--force', '--time', '0', 'small')
    expect([await show('LoadState'), existsSync(cgroup)]).toEqual(['not-found', false])
  })

  test('a pod is a slice with a limit of its own, and its containers are below it', async () => {
    await podman.run('pod', 'create', '--name', 'pod', '--memory', '128m', '--share', 'ipc,uts')
    await podman.run('run', '-d', '--pod', 'pod', '--name', 'one', '-m', '32m', 'busybox', 'sleep', '1000')
    const { State } = await inspect(podman, 'one')
    const [, slice = ''] = /\/machine\.slice\/(machine-libpod_pod_[0-9a-f]+\.slice)\/libpod-/.exec(
      cgroupOf(podman.host, State.Pid, ''),
    ) ?? ['']
    expect(await property(podman, slice, 'MemoryMax')).toBe(`${128 * MIB}`)
    expect(limitOf(podman.host, State.Pid, '', 'memory.max')).toBe(`${32 * MIB}`)
    await podman.run('pod', 'rm', '--force', '--time', '0', 'pod')
    expect(existsSync(`/sys/fs/cgroup/machine.slice/${slice}`)).toBe(false)
  })

  test('has left nothing', async () => {
    expect(await leftInPodman(podman, before)).toEqual([])
  })
})
