/** Flags of `ctr run`, and what the kernel makes of them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { mountAt } from '../support/kernel.ts'
import { limitOf, mountsOf, statusOf } from './support/container.ts'
import { type Containerd, canContainerd, startContainerd } from './support/containerd.ts'
import { baseline, type Detached, detached, LINGER, leftSinceThen, removeAll, run } from './support/ctr.ts'
import type { Snapshot } from './support/leftovers.ts'

describe.runIf(canContainerd())('ctr run, by the kernel’s view', () => {
  let containerd: Containerd
  let before: Snapshot
  beforeAll(async () => {
    containerd = await startContainerd()
    before = await baseline(containerd)
  })
  afterEach(() => removeAll(containerd))
  afterAll(() => containerd?.close())

  const sleeping = (...flags: readonly string[]): Promise<Detached> =>
    detached(containerd, 'umask 022; exec sleep 1000', { flags })
  const limit = ({ pid }: Detached, controller: string, ...files: readonly string[]) =>
    limitOf(containerd.host, pid, controller, ...files)
  const outputOf = async (script: string, ...flags: readonly string[]) => {
    const { code, stdout, stderr } = await run(containerd, `${script}; ${LINGER}`, { flags })
    expect([code, stderr]).toEqual([0, ''])
    return stdout
  }

  test('--memory-limit, --cpus, --cpu-shares', async () => {
    const made = await sleeping('--memory-limit', `${32 << 20}`, '--cpus', '0.5', '--cpu-shares', '512')
    expect(limit(made, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe(`${32 << 20}`)
    expect(limit(made, 'cpu', 'cpu.max', 'cpu.cfs_quota_us')).toMatch(/^50000\b/)
    expect(['512', '59']).toContain(limit(made, 'cpu', 'cpu.shares', 'cpu.weight'))
  })

  test('--cpu-quota, --cpu-period', async () => {
    const made = await sleeping('--cpu-quota', '20000', '--cpu-period', '50000')
    expect(limit(made, 'cpu', 'cpu.max', 'cpu.cfs_quota_us')).toMatch(/^20000\b/)
    expect(limit(made, 'cpu', 'cpu.max', 'cpu.cfs_period_us')).toMatch(/\b50000$/)
  })

  test('--cgroup', async () => {
    const made = await sleeping('--cgroup', '/default/elsewhere')
    expect(containerd.host.read(`/proc/${made.pid}/cgroup`)).toMatch(/\/default\/elsewhere$/m)
  })

  test('--cap-add, --cap-drop', async () => {
    const number = ({ pid }: Detached) => BigInt(`0x${statusOf(containerd.host, pid).CapEff}`)
    const plain = number(await sleeping())
    const made = number(await sleeping('--cap-drop', 'CAP_CHOWN', '--cap-add', 'CAP_SYS_TIME'))
    expect(made ^ plain).toBe((1n << 0n) | (1n << 25n)) // CHOWN, SYS_TIME: capability.h
  })

  test('no new privileges, unless --allow-new-privs', async () => {
    expect(statusOf(containerd.host, (await sleeping()).pid).NoNewPrivs).toBe('1')
    expect(statusOf(containerd.host, (await sleeping('--allow-new-privs')).pid).NoNewPrivs).toBe('0')
  })

  test('--privileged: all that this machine’s root has, /sys writable, every device allowed', async () => {
    const { pid } = await sleeping('--privileged')
    expect(statusOf(containerd.host, pid).CapEff).toBe(statusOf(containerd.host, 1).CapEff)
    expect(mountAt(mountsOf(containerd.host, pid), '/sys').options).toContain('rw')
    expect(mountsOf(containerd.host, pid).filter(({ path }) => path === '/proc/kcore')).toEqual([])
    expect(await outputOf('mknod /kmsg c 1 11 && head -c 0 /kmsg && echo opened', '--privileged')).toBe('opened\n')
  })

  test('--read-only', async () => {
    expect(await outputOf('touch /file 2>&1 || touch /dev/shm/file && echo there', '--read-only')).toMatch(
      /Read-only file system\nthere\n$/,
    )
  })

  test('--mount', async () => {
    const source = `${containerd.host.directory}/source`
    mkdirSync(source)
    writeFileSync(`${source}/file`, 'from outside\n')
    const flags = ['--mount', `type=bind,src=${source},dst=/there,options=rbind:ro`]
    expect(await outputOf('cat /there/file; touch /there/x 2>&1 || true', ...flags)).toMatch(
      /^from outside\n.*Read-only file system\n$/,
    )
  })

  test('--env, --cwd, --annotation', async () => {
    const flags = ['--env', 'NAME=some value', '--cwd', '/var', '--annotation', 'org.example.key=välue']
    expect(await outputOf('echo $NAME; pwd', ...flags)).toBe('some value\n/var\n')
  })

  test('--net-host', async () => {
    const { pid } = await sleeping('--net-host')
    const links = (of: number) => containerd.host.read(`/proc/${of}/net/dev`).match(/^ *\S+:/gm)
    expect(links(pid)).toEqual(links(1))
    const net = (of: number) => containerd.host.output('readlink', [`/proc/${of}/ns/net`])
    expect(await net(pid)).toBe(await net(1))
    expect(await net((await sleeping()).pid)).not.toBe(await net(1))
  })

  test('--with-ns', async () => {
    const first = await sleeping()
    const flags = ['network', 'ipc', 'uts'].flatMap((type) => {
      const file = { network: 'net' }[type] ?? type
      return ['--with-ns', `${type}:/proc/${first.pid}/ns/${file}`]
    })
    const second = await sleeping(...flags)
    const namespaces = async (pid: number) =>
      (await containerd.host.output('sh', ['-c', `cd /proc/${pid}/ns; readlink net ipc uts pid`])).split('\n')
    const [one, two] = [await namespaces(first.pid), await namespaces(second.pid)]
    expect(two.slice(0, 3)).toEqual(one.slice(0, 3))
    expect(two[3]).not.toBe(one[3])
  })

  test('--device', async () => {
    expect(
      await outputOf('stat -c %F:%t:%T /dev/fuse; head -c 0 /dev/fuse && echo opened', '--device', '/dev/fuse'),
    ).toBe('character special file:a:e5\nopened\n')
  })

  test('--uidmap, --gidmap', async () => {
    const { pid } = await sleeping('--uidmap', '0:100000:65536', '--gidmap', '0:200000:65536')
    expect(statusOf(containerd.host, pid)).toMatchObject({
      Uid: '100000 100000 100000 100000',
      Gid: '200000 200000 200000 200000',
    })
    expect(containerd.host.read(`/proc/${pid}/uid_map`).trim()).toMatch(/^0 +100000 +65536$/)
  })

  test('--seccomp: containerd’s default profile', async () => {
    const { pid } = await sleeping('--seccomp')
    expect(statusOf(containerd.host, pid).Seccomp).toBe('2')
    const script = 'unshare --user true 2>&1 || true; mount -t tmpfs none /tmp 2>&1 || true'
    expect(await outputOf(script, '--seccomp')).toMatch(/unshare.*Operation not permitted\n.*permission denied/)
  })

  test('--seccomp-profile', async () => {
    const profile = `${containerd.host.directory}/profile.json`
    const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 5 }
    writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }))
    const flags = ['--seccomp', '--seccomp-profile', profile]
    expect(await outputOf('mkdir /tmp/x 2>&1 || true', ...flags)).toMatch(/Input\/output error|I\/O error/)
  })

  test('--no-pivot', async () => {
    expect(await outputOf('ls /', '--no-pivot')).toContain('home\n')
  })

  test('has left nothing', async () => {
    expect(await leftSinceThen(containerd, before)).toEqual([])
  })
})
