/** Podman as root: what a container may do and see, as flags of `podman run` say and the kernel has it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { CRIU } from '../support/criu.ts'
import { IS_REFERENCE } from '../support/place.ts'
import { mountsOf, statusOf } from './support/container.ts'
import type { Snapshot } from './support/leftovers.ts'
import { baseline, canPodman, inspect, leftInPodman, makePodman, type Podman } from './support/podman.ts'

/** What Podman gives to containers: chown … sys_chroot, eleven of them. */
const DEFAULT_CAPABILITIES = '00000000800405fb'

describe.runIf(canPodman())('Podman, isolation', () => {
  let podman: Podman
  let before: Snapshot

  beforeAll(async () => {
    podman = await makePodman(['busybox:latest'])
    before = await baseline(podman)
  })
  afterEach(() => podman.clear())
  afterAll(() => podman?.close())

  /** The output of a shell script in a container with these flags. */
  const outputOf = (script: string, ...flags: readonly string[]) =>
    podman.run('run', '--rm', ...flags, 'busybox', 'sh', '-c', script)

  /** The pid of a sleeping container with these flags. */
  const sleeping = async (name: string, ...flags: readonly string[]) => {
    await podman.run('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000')
    return (await inspect(podman, name)).State.Pid
  }
  const namespace = (pid: number, type: string) => podman.host.output('readlink', [`/proc/${pid}/ns/${type}`])

  test('the usual container: capabilities, seccomp, namespaces, protected paths', async () => {
    const pid = await sleeping('usual', '--annotation', 'org.example.a=b')
    const status = statusOf(podman.host, pid)
    expect(status).toMatchObject({ Seccomp: '2', NoNewPrivs: '0', CapInh: '0000000000000000' })
    const bounding = BigInt(`0x${status.CapBnd}`)
    expect([status.CapEff, status.CapPrm]).toEqual([status.CapBnd, status.CapBnd])
    expect(bounding & BigInt(`0x${DEFAULT_CAPABILITIES}`)).toBe(BigInt(`0x${DEFAULT_CAPABILITIES}`))
    expect(bounding & (1n << 21n)).toBe(0n) // sys_admin
    for (const type of ['mnt', 'pid', 'net', 'ipc', 'uts']) {
      expect(await namespace(pid, type), type).not.toBe(await namespace(1, type))
    }
    expect(await namespace(pid, 'user')).toBe(await namespace(1, 'user'))
    const seen = mountsOf(podman.host, pid)
    const options = (path: string) => seen.find((mount) => mount.path === path)?.options
    expect(options('/proc/sys')).toContain('ro')
    expect(options('/sys')).toContain('ro')
    expect(await podman.run('exec', 'usual', 'sh', '-c', 'wc -c </proc/keys; grep Seccomp: /proc/self/status')).toBe(
      '0\nSeccomp:\t2',
    )
    const profile = `${podman.host.directory}/profile.json`
    const refused = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 11 }
    writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [refused] }))
    expect(await outputOf('mkdir /x 2>&1 || :', '--security-opt', `seccomp=${profile}`)).toContain('unavailable')
    expect(await outputOf('grep Seccomp: /proc/self/status', '--security-opt', 'seccomp=unconfined')).toBe(
      'Seccomp:\t0',
    )
  })

  test('a container with as little as it gets', async () => {
    const flags = [
      '--cap-drop',
      'all',
      '--security-opt',
      'no-new-privileges',
      '--user',
      '1000:2000',
      '--group-add',
      '3000',
    ]
    const more = [
      '--read-only',
      '--ulimit',
      'nofile=100:200',
      '--ulimit',
      'nproc=99:99',
      '--sysctl',
      'net.ipv4.ip_forward=1',
    ]
    const rest = ['--shm-size', '1m', '--hostname', 'tiny', '--oom-score-adj', '500', '--network', 'none']
    const pid = await sleeping('tiny', ...flags, ...more, ...rest)
    expect(statusOf(podman.host, pid)).toMatchObject({
      ...{ CapEff: '0000000000000000', CapBnd: '0000000000000000', CapAmb: '0000000000000000' },
      ...{ NoNewPrivs: '1', Seccomp: '2', Uid: '1000 1000 1000 1000', Gid: '2000 2000 2000 2000', Groups: '2000 3000' },
    })
    expect(podman.host.read(`/proc/${pid}/limits`)).toMatch(/Max processes +99 +99 [\s\S]*Max open files +100 +200 /)
    expect(podman.host.read(`/proc/${pid}/oom_score_adj`)).toBe('500\n')
    // --read-only leaves /tmp, /var/tmp and /run writable: tmpfs that begin with what the image has there.
    const look = 'touch /x; touch /tmp/x && echo yes; hostname; cat /proc/sys/net/ipv4/ip_forward; ip -o link | wc -l'
    const { stdout, stderr } = await podman.try('exec', 'tiny', 'sh', '-c', look)
    expect([stdout, stderr]).toEqual(['yes\ntiny\n1\n1\n', expect.stringContaining('Read-only file system')])
    const shm = mountsOf(podman.host, pid).find((mount) => mount.path === '/dev/shm')
    expect(shm?.data).toContain('size=1024k')
    // An exec of root's choice is root, but has no more than the container.
    expect(await podman.run('exec', '-u', '0', 'tiny', 'grep', 'CapEff', '/proc/self/status')).toMatch(/\t0+$/)
  })

  test('--privileged has all that this machine’s root has; --cap-add adds', async () => {
    const own = statusOf(podman.host, 1).CapBnd
    const pid = await sleeping('mighty', '--privileged')
    expect(statusOf(podman.host, pid)).toMatchObject({ CapEff: own, CapBnd: own, Seccomp: '0' })
    await podman.run('exec', 'mighty', 'sh', '-c', 'mount -t tmpfs none /mnt 2>/dev/null || mount -t tmpfs none /tmp')
    expect(await outputOf('grep CapEff /proc/self/status', '--cap-drop', 'all', '--cap-add', 'net_admin')).toMatch(
      /\t0000000000001000$/,
    )
  })

  test('mounts: binds with options, volumes, tmpfs, devices', async () => {
    const { directory } = podman.host
    mkdirSync(`${directory}/data/sub`, { recursive: true })
    writeFileSync(`${directory}/data/file`, 'of the host\n')
    const pid = await sleeping(
      'mounts',
      ...['--volume', `${directory}/data:/plain`, '--volume', `${directory}/data:/strict:ro,noexec,nosuid,nodev`],
      ...['--mount', `type=bind,src=${directory}/data/file,dst=/one,ro,bind-propagation=rslave`],
      ...[
        '--volume',
        'kept:/kept',
        '--tmpfs',
        '/etc:size=1m,mode=750,noexec',
        '--mount',
        'type=tmpfs,dst=/fresh,tmpfs-size=64k',
      ],
      ...['--device', '/dev/fuse:/dev/read:r', '--device', '/dev/net/tun:/dev/all'],
    )
    const seen = Object.fromEntries(mountsOf(podman.host, pid).map((mount) => [mount.path, mount]))
    expect(seen['/plain']?.options).toContain('rw')
    expect(seen['/strict']?.options).toEqual(expect.arrayContaining(['ro', 'noexec', 'nosuid', 'nodev']))
    expect(seen['/one']?.options).toContain('ro')
    expect(seen['/etc']).toMatchObject({ type: 'tmpfs', data: expect.arrayContaining(['size=1024k']) })
    expect(seen['/etc']?.options).toContain('noexec')
    expect(seen['/fresh']).toMatchObject({ type: 'tmpfs', data: expect.arrayContaining(['size=64k']) })
    const script = `cat /plain/file /one; echo new >/plain/sub/made; echo kept >/kept/file
      stat -c %a /etc; head -1 /etc/passwd; touch /strict/x; dd if=/dev/zero of=/fresh/big bs=1k count=100
      true >/dev/read; stat -c %t:%T /dev/read; : >/dev/all && echo opened`
    const { stdout, stderr } = await podman.try('exec', 'mounts', 'sh', '-c', script)
    // Debian's runc gives a tmpfs that begins with what it covers the mode of that, whatever was asked for.
    const mode = IS_REFERENCE ? '755' : '750'
    expect(stdout).toBe(`of the host\nof the host\n${mode}\nroot:x:0:0:root:/root:/bin/sh\na:e5\nopened\n`)
    for (const words of ['/strict/x: Read-only', 'No space left', "can't create /dev/read: Operation not permitted"]) {
      expect(stderr).toContain(words)
    }
    expect(readFileSync(`${directory}/data/sub/made`, 'utf8')).toBe('new\n')
    expect(await outputOf('cat /v/file', '--volume', 'kept:/v')).toBe('kept')
    await podman.run('rm', '--force', '--time', '0', 'mounts')
    await podman.run('volume', 'rm', 'kept')
  })

  test('a terminal, secrets and the environment', async () => {
    await podman.output('sh', ['-c', 'printf hidden | podman secret create word -'])
    const flags = [
      '--secret',
      'word',
      '--env',
      'A=b c',
      '--env-host=false',
      '--add-host',
      'far:192.0.2.7',
      '--umask',
      '0027',
    ]
    const script = 'cat /run/secrets/word; echo; echo $A; umask; grep far /etc/hosts; cat /run/.containerenv | head -1'
    expect(await outputOf(script, ...flags)).toMatch(/^hidden\nb c\n0027\n192\.0\.2\.7\tfar/)
    await podman.run('secret', 'rm', 'word')
    const terminal = podman.terminal('podman run --rm -t busybox sh -c "ls -l /dev/console; tty; echo \\$TERM"')
    await terminal.until(/crw--w---- +1 root +\d+ +136, +0 .*\n\/dev\/pts\/0\nxterm\n/)
    expect((await terminal.done).code).toBe(0)
  })

  /** The id map of a container with --userns=auto, which gives away what is granted to the user "containers". */
  const automatic = () => {
    const grant = `${podman.host.directory}/grant`
    writeFileSync(grant, 'containers:2000000:100000\n')
    const bind = ['uid', 'gid'].map((kind) => `touch /etc/sub${kind}; mount --bind ${grant} /etc/sub${kind}`)
    const script = `${bind.join('\n')}\npodman run --rm --userns=auto:size=3000 busybox cat /proc/self/uid_map`
    return podman.output('unshare', ['--mount', 'sh', '-ec', script])
  }

  test('user namespaces: --uidmap, --gidmap, --userns=auto', async () => {
    const pid = await sleeping('mapped', '--uidmap', '0:100000:5000', '--gidmap', '0:200000:5000', '--volume', 'own:/v')
    const map = (kind: string) => podman.host.read(`/proc/${pid}/${kind}_map`).trim().split(/\s+/)
    expect([map('uid'), map('gid')]).toEqual([
      ['0', '100000', '5000'],
      ['0', '200000', '5000'],
    ])
    expect(statusOf(podman.host, pid).Uid).toBe('100000 100000 100000 100000')
    const script =
      'id -u; stat -c %u:%g /bin/busybox; touch /x /v/y && echo made; echo 1 >/proc/sys/vm/drop_caches || :'
    const { stdout, stderr } = await podman.try('exec', 'mapped', 'sh', '-c', script)
    expect(stdout).toBe('0\n0:0\nmade\n')
    expect(stderr).toMatch(/drop_caches: (Read-only file system|Permission denied)/)
    const user = await podman.run('exec', '-u', '33', 'mapped', 'sh', '-c', 'id -u; cat /proc/self/uid_map')
    expect(user).toMatch(/^33\n +0 +100000 +5000$/)
    const auto = await automatic()
    expect(auto.trim().split(/\s+/)).toEqual(['0', '2000000', '3000'])
    await podman.run('rm', '--force', '--time', '0', 'mapped')
    await podman.run('volume', 'rm', 'own')
  })

  test('namespaces of the host and of other containers', async () => {
    const first = await sleeping('first')
    const joined = await sleeping(
      'joined',
      ...['--pid', 'container:first', '--ipc', 'container:first', '--network', 'container:first'],
    )
    for (const type of ['pid', 'ipc', 'net']) expect(await namespace(joined, type)).toBe(await namespace(first, type))
    expect(await namespace(joined, 'mnt')).not.toBe(await namespace(first, 'mnt'))
    expect(await podman.run('exec', 'joined', 'sh', '-c', 'ps | grep -c "[s]leep 1000"')).toBe('2')

    const host = await sleeping(
      'host',
      ...['--pid', 'host', '--ipc', 'host', '--uts', 'host', '--network', 'host', '--cgroupns', 'host'],
    )
    for (const type of ['pid', 'ipc', 'uts', 'net', 'cgroup']) {
      expect(await namespace(host, type), type).toBe(await namespace(1, type))
    }
    expect(await podman.run('exec', 'host', 'hostname')).toBe((await podman.host.output('hostname', [])).trim())
    // What it leaves running has no process 1 to die with: the runtime finds it by its cgroup.
    await podman.run('exec', '-d', 'host', 'sh', '-c', 'sleep 2000 & sleep 3000')
    await podman.run('stop', '--time', '0', 'host')
    const own = podman.host.output('sh', ['-c', 'ps -e -o args | grep -c "^sleep [23]000" || :'])
    expect((await own).trim()).toBe('0')
    const paths = await outputOf('cut -d: -f3 /proc/self/cgroup | sort -u', '--cgroupns', 'private')
    expect(paths).toBe('/')
  })

  // Podman gives a flag of crun's that Debian's runc has not got.
  test.runIf(!IS_REFERENCE)('--cgroups=disabled: the cgroups of the caller', async () => {
    const script = 'cut -d: -f3 /proc/self/cgroup | sort -u'
    const own = await podman.output('sh', ['-c', script])
    expect(await outputOf(script, '--cgroups', 'disabled', '--cgroupns', 'host')).toBe(own)
  })

  // Debian's criu of the day does not know this kernel; with one that does the container would end.
  test.runIf(!CRIU.met())('a checkpoint that criu cannot make is an error, and the container goes on', async () => {
    await sleeping('kept')
    const { code, stderr } = await podman.try('container', 'checkpoint', 'kept')
    expect([code, stderr]).toEqual([125, expect.stringMatching(/checkpoint/i)])
    expect((await inspect(podman, 'kept')).State.Running).toBe(true)
  })

  test('has left nothing', async () => {
    expect(await leftInPodman(podman, before)).toEqual([])
  })
})
