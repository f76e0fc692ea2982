/** Pods of a kubelet whose cgroup driver is systemd: slices of its own, and a scope in them for each container. */
import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { cgroupOf, limitOf } from './support/container.ts'
import { canContainerd } from './support/containerd.ts'
import type { Resources } from './support/cri.ts'
import { DRIVER, SYSTEMD_DRIVER } from './support/driver.ts'
import { snippets } from './support/page.ts'
import { type Pods, startPods } from './support/pods.ts'
import { properties, unitsLike } from './support/unit.ts'

const MIB = 2 ** 20

describe.runIf(canContainerd(SYSTEMD_DRIVER))('pods, with SystemdCgroup = true', () => {
  let pods: Pods
  beforeAll(async () => {
    pods = await startPods()
  })
  afterEach(() => pods.clear())
  afterAll(() => pods?.close())

  const systemctl = (...args: readonly string[]) => pods.containerd.host.output('systemctl', args)
  const scopes = () => unitsLike(pods.containerd.host, 'cri-containerd-*')

  /** As kubelet makes one for a pod: a transient slice with the pod's limit. */
  const makeSlice = async (slice: string, memory: number) => {
    const manager = 'org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager'.split(' ')
    const unit = ['StartTransientUnit', 'ssa(sv)a(sa(sv))', slice, 'replace', '1', 'MemoryMax', 't', `${memory}`, '0']
    await pods.containerd.host.output('busctl', ['call', ...manager, ...unit])
    return `/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/${slice}`
  }

  test('the page says so to kubelet, too', () => {
    expect(snippets('kubernetes', 'yaml')[2]).toBe(`cgroupDriver: ${DRIVER}\n`)
  })

  test('a pod and its containers are scopes in the pod’s slice, with their limits', async () => {
    const slice = 'kubepods-burstable-pod1234.slice'
    const place = await makeSlice(slice, 256 * MIB)
    // containerd is told the whole path, of which the last part is the slice.
    const pod = await pods.pod({ linux: { cgroupParent: `/kubepods.slice/kubepods-burstable.slice/${slice}` } })
    const unified = { 'pids.max': '20', 'memory.high': `${48 * MIB}` }
    const resources: Resources = {
      ...{ memoryLimitInBytes: 64 * MIB, cpuQuota: 50_000, cpuPeriod: 100_000, cpuShares: 512, cpusetCpus: '0' },
      unified,
    }
    const container = await pod.start({ linux: { resources } })
    const pid = await container.pid()
    const unit = `cri-containerd-${container.id}.scope`
    const place1 = cgroupOf(pods.containerd.host, await pod.pid(), '')
    const place2 = cgroupOf(pods.containerd.host, pid, '')
    expect([place1, place2]).toEqual([`${place}/cri-containerd-${pod.id}.scope`, `${place}/${unit}`])
    const names = ['Slice', 'MemoryMax', 'MemoryHigh', 'TasksMax', 'CPUQuotaPerSecUSec', 'AllowedCPUs'] as const
    const files = ['memory.max', 'memory.high', 'pids.max', 'cpu.max', 'cpuset.cpus']
    const shown = () => properties(pods.containerd.host, unit, ...names)
    const kernels = () => files.map((name) => limitOf(pods.containerd.host, pid, '', name))
    expect([await shown(), kernels()]).toEqual([
      {
        ...{ Slice: slice, MemoryMax: `${64 * MIB}`, MemoryHigh: `${48 * MIB}`, TasksMax: '20' },
        ...{ CPUQuotaPerSecUSec: '500ms', AllowedCPUs: '0' },
      },
      [`${64 * MIB}`, `${48 * MIB}`, '20', '50000 100000', '0'],
    ])
    expect((await container.exec('cat /proc/self/cgroup')).stdout).toBe('0::/\n')

    const linux = { memoryLimitInBytes: 96 * MIB, cpuQuota: 20_000, cpuPeriod: 100_000, cpusetCpus: '0-1' }
    await pods.cri.call('UpdateContainerResources', { containerId: container.id, linux })
    expect([await shown(), kernels()]).toEqual([
      {
        ...{ Slice: slice, MemoryMax: `${96 * MIB}`, MemoryHigh: `${48 * MIB}`, TasksMax: '20' },
        ...{ CPUQuotaPerSecUSec: '200ms', AllowedCPUs: '0-1' },
      },
      [`${96 * MIB}`, `${48 * MIB}`, '20', '20000 100000', '0-1'],
    ])
    const { linux: figures } = (await pods.cri.call('PodSandboxStats', { podSandboxId: pod.id })).stats
    expect(figures.containers.map(({ attributes }) => attributes.id)).toEqual([container.id])

    await pods.clear()
    await until('no scope', async () => (await scopes()).length === 0)
    expect([existsSync(place1), existsSync(place2)]).toEqual([false, false])
    // The slice is kubelet's, and stays until that stops it.
    expect(existsSync(place)).toBe(true)
    await systemctl('stop', 'kubepods-burstable.slice')
    expect(existsSync(place)).toBe(false)
  })

  test('one out of memory is OOMKilled, and no unit has failed; one that is stopped has its own end', async () => {
    const pod = await pods.pod()
    const linux = { resources: { memoryLimitInBytes: 16 * MIB } }
    const script = 'tail /dev/zero; code=$?; sleep 1; exit $code'
    const greedy = await pod.start({ command: ['sh', '-c', script], linux })
    expect(await greedy.ended()).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
    const polite = await pod.start('trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done')
    await until('ready', () => polite.log().length === 1)
    const names = [pod.id, polite.id].map((id) => `cri-containerd-${id}.scope`)
    await until('two scopes', async () => (await scopes()).length === 2)
    expect((await scopes()).sort()).toEqual(names.sort())
    await pods.cri.call('StopContainer', { containerId: polite.id, timeout: 60 })
    expect(await polite.ended()).toMatchObject({ exitCode: 9 })
    await until('one scope', async () => (await scopes()).length === 1)
  })

  test('containerd restarted below a pod: the scopes stay, and can be updated', async () => {
    const pod = await pods.pod()
    const container = await pod.start({})
    const units = (await scopes()).sort()
    await pods.containerd.daemon.stop()
    expect((await scopes()).sort()).toEqual(units)
    await pods.again()
    const linux = { memoryLimitInBytes: 96 * MIB }
    await pods.cri.call('UpdateContainerResources', { containerId: container.id, linux })
    const unit = `cri-containerd-${container.id}.scope`
    expect(await properties(pods.containerd.host, unit, 'MemoryMax')).toEqual({ MemoryMax: `${96 * MIB}` })
    expect((await container.exec('echo on')).stdout).toBe('on\n')
  })

  test('has left nothing', async () => {
    const own = [/^\/run\/(udev|systemd)\//, /^(process|fd of) .*containerd/, /^cgroup \S+\/run-\S+\.scope$/]
    const left = await pods.left([/^process \d+ containerd /, /^fd of containerd/, ...own])
    expect(left.filter((line) => !own.some((pattern) => pattern.test(line)))).toEqual([])
    expect(await scopes()).toEqual([])
  })
})
