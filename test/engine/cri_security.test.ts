/** Security contexts of Kubernetes, by the kernel's view of the container. */
import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { mountAt } from '../support/kernel.ts'
import { mountsOf, statusOf } from './support/container.ts'
import { canContainerd } from './support/containerd.ts'
import { type Pods, startPods } from './support/pods.ts'

/** What kubelet asks to be hidden and write-protected, unless procMount says otherwise. */
const MASKED = ['/proc/asound', '/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware']
const READONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

describe.runIf(canContainerd())('securityContext', () => {
  let pods: Pods
  beforeAll(async () => {
    pods = await startPods()
  })
  afterEach(() => pods.clear())
  afterAll(() => pods?.close())

  const capabilities = (pid: number, set = 'CapEff') => BigInt(`0x${statusOf(pods.containerd.host, pid)[set]}`)

  test('runAsUser, runAsGroup, supplementalGroups', async () => {
    const container = await (await pods.pod()).secured({
      runAsUser: { value: 33 },
      runAsGroup: { value: 44 },
      supplementalGroups: [55, 66],
    })
    expect(statusOf(pods.containerd.host, await container.pid())).toMatchObject({
      Uid: '33 33 33 33',
      Gid: '44 44 44 44',
      Groups: expect.stringMatching(/\b55 66\b/),
      CapEff: '0000000000000000',
    })
    expect((await container.exec('id -u; id -g')).stdout).toBe('33\n44\n')
  })

  test('runAsUsername', async () => {
    const container = await (await pods.pod()).secured({ runAsUsername: 'www-data' })
    expect(statusOf(pods.containerd.host, await container.pid()).Uid).toBe('33 33 33 33')
  })

  test('readOnlyRootFilesystem', async () => {
    const container = await (await pods.pod()).secured({ readonlyRootfs: true })
    expect(mountAt(mountsOf(pods.containerd.host, await container.pid()), '/').options).toContain('ro')
    expect((await container.exec('touch /file 2>&1')).stdout).toMatch(/Read-only file system/)
  })

  test('capabilities', async () => {
    const pod = await pods.pod()
    const plain = capabilities(await (await pod.secured({})).pid())
    const change = { addCapabilities: ['NET_ADMIN', 'SYS_TIME'], dropCapabilities: ['CHOWN', 'KILL'] }
    const made = await pod.secured({ capabilities: change })
    const bits = [12n, 25n, 0n, 5n] // NET_ADMIN, SYS_TIME, CHOWN, KILL: capability.h
    expect(capabilities(await made.pid()) ^ plain).toBe(bits.reduce((all, bit) => all | (1n << bit), 0n))
    const none = await pod.secured({ capabilities: { dropCapabilities: ['ALL'] } })
    for (const set of ['CapEff', 'CapPrm', 'CapBnd', 'CapInh', 'CapAmb'])
      expect(capabilities(await none.pid(), set)).toBe(0n)
    expect((await none.exec('grep CapBnd /proc/self/status')).stdout).toBe('CapBnd:\t0000000000000000\n')
  })

  test('allowPrivilegeEscalation: false', async () => {
    const pod = await pods.pod()
    const made = async (noNewPrivs: boolean) => {
      const container = await pod.secured({ noNewPrivs })
      return [
        statusOf(pods.containerd.host, await container.pid()).NoNewPrivs,
        (await container.exec('grep NoNewPrivs /proc/self/status')).stdout,
      ]
    }
    expect(await made(true)).toEqual(['1', 'NoNewPrivs:\t1\n'])
    expect(await made(false)).toEqual(['0', 'NoNewPrivs:\t0\n'])
  })

  test('seccompProfile', async () => {
    const pod = await pods.pod()
    const mode = async (container: { pid(): Promise<number> }) =>
      statusOf(pods.containerd.host, await container.pid()).Seccomp
    const confined = await pod.secured({ seccomp: { profileType: 'RuntimeDefault' } })
    expect(await mode(confined)).toBe('2')
    expect((await confined.exec('grep Seccomp: /proc/self/status; unshare --user true 2>&1')).stdout).toMatch(
      /^Seccomp:\t2\n.*Operation not permitted\n$/,
    )
    expect(await mode(await pod.secured({ seccomp: { profileType: 'Unconfined' } }))).toBe('0')
  })

  test('procMount: what kubelet masks and write-protects', async () => {
    const container = await (await pods.pod()).secured({ maskedPaths: MASKED, readonlyPaths: READONLY })
    const mounts = mountsOf(pods.containerd.host, await container.pid())
    expect(mountAt(mounts, '/proc/keys').root).toBe('/null')
    expect(mountAt(mounts, '/sys/firmware')).toMatchObject({ type: 'tmpfs' })
    for (const path of READONLY.filter((each) => existsSync(each)))
      expect(mountAt(mounts, path).options).toContain('ro')
    const { stdout } = await container.exec(
      'echo x >/proc/sys/kernel/domainname; cat /proc/keys | wc -c; ls /sys/firmware',
    )
    expect(stdout).toBe('0\n')
  })

  test('privileged: what this machine’s root has', async () => {
    const namespaceOptions = { pid: 'CONTAINER' as const }
    const pod = await pods.pod({ linux: { securityContext: { privileged: true, namespaceOptions } } })
    const container = await pod.secured({ privileged: true })
    const pid = await container.pid()
    expect(capabilities(pid)).toBe(capabilities(1))
    expect(statusOf(pods.containerd.host, pid)).toMatchObject({ Seccomp: '0', NoNewPrivs: '0' })
    const mounts = mountsOf(pods.containerd.host, pid)
    expect(mountAt(mounts, '/sys').options).toContain('rw')
    expect(mountAt(mounts, '/proc').options).toContain('rw')
    expect(mounts.filter(({ path }) => path === '/proc/sys')).toEqual([])
    expect((await container.exec('mount -t tmpfs none /tmp && echo mounted; ls /dev/fuse')).stdout).toBe(
      'mounted\n/dev/fuse\n',
    )
  })

  test('has left nothing', async () => {
    expect(await pods.left()).toEqual([])
  })
})
