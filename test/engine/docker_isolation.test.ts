/** Docker: what a container may do and see, as flags of `docker run` say and the kernel has it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { IS_REFERENCE, RUNTIME } from '../support/place.ts'
import { mountsOf, statusOf } from './support/container.ts'
import { inspect } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'

/** What Docker gives to containers: chown … audit_write, fourteen of them. */
const DEFAULT_CAPABILITIES = '00000000a80425fb'

dockerSuite('Docker, isolation', {}, (docker) => {
  /** The output of a shell script in a container with these flags. */
  const outputOf = (script: string, ...flags: readonly string[]) =>
    docker.run('run', '--rm', ...flags, 'busybox', 'sh', '-c', script)

  /** The pid of a sleeping container with these flags. */
  const sleeping = async (name: string, ...flags: readonly string[]) => {
    await docker.run('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000')
    return (await inspect(docker, name)).State.Pid
  }
  const namespace = (pid: number, type: string) => docker.host.output('readlink', [`/proc/${pid}/ns/${type}`])

  test("capabilities are Docker's by default, those of --cap-add and --cap-drop, and none of a user's", async () => {
    const usual = statusOf(docker.host, await sleeping('usual'))
    expect(usual).toMatchObject({
      CapEff: DEFAULT_CAPABILITIES,
      CapPrm: DEFAULT_CAPABILITIES,
      CapBnd: DEFAULT_CAPABILITIES,
    })
    const none = statusOf(docker.host, await sleeping('none', '--cap-drop', 'ALL', '--cap-add', 'NET_BIND_SERVICE'))
    expect(none).toMatchObject({ CapEff: '0000000000000400', CapBnd: '0000000000000400', CapAmb: '0000000000000000' })
    const user = statusOf(docker.host, await sleeping('user', '--user', '1000:2000', '--group-add', '3000'))
    expect(user).toMatchObject({ CapEff: '0000000000000000', CapBnd: DEFAULT_CAPABILITIES })
    expect(user).toMatchObject({ Uid: '1000 1000 1000 1000', Gid: '2000 2000 2000 2000' })
    expect(user.Groups?.split(' ')).toEqual(expect.arrayContaining(['3000']))
    expect(await outputOf('id', '--user', 'www-data')).toMatch(/^uid=33\(www-data\) gid=33\(www-data\)/)
    expect(await docker.run('exec', '-u', '12:34', 'usual', 'id')).toBe('uid=12 gid=34 groups=34')
  })

  test("Docker's seccomp profile is in force, exec included, and can be replaced or left out", async () => {
    const pid = await sleeping('filtered')
    expect(statusOf(docker.host, pid)).toMatchObject({ Seccomp: '2', Seccomp_filters: '1' })
    expect(await docker.run('exec', 'filtered', 'grep', 'Seccomp:', '/proc/self/status')).toBe('Seccomp:\t2')
    const unshare = 'unshare -U true 2>&1 || echo "exit $?"'
    expect(await outputOf(unshare)).toMatch(/Operation not permitted\nexit 1$/)
    expect(await outputOf(unshare, '--security-opt', 'seccomp=unconfined')).toBe('')

    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
    }
    writeFileSync(`${docker.host.directory}/profile.json`, JSON.stringify(profile))
    const own = ['--security-opt', `seccomp=${docker.host.directory}/profile.json`]
    expect(await outputOf('mkdir /x 2>&1; touch /y && echo touched', ...own)).toMatch(
      /Operation not permitted\ntouched$/,
    )
  })

  test('--security-opt no-new-privileges', async () => {
    expect(statusOf(docker.host, await sleeping('proud'))).toMatchObject({ NoNewPrivs: '0' })
    const pid = await sleeping('humble', '--security-opt', 'no-new-privileges')
    expect(statusOf(docker.host, pid)).toMatchObject({ NoNewPrivs: '1' })
    expect(await docker.run('exec', 'humble', 'grep', 'NoNew', '/proc/self/status')).toBe('NoNewPrivs:\t1')
  })

  test('--read-only with a --tmpfs and a volume', async () => {
    const writes = 'for d in / /tmp /data /etc; do touch $d/x 2>/dev/null && echo $d; done; true'
    expect(await outputOf(writes, '--read-only', '--tmpfs', '/tmp', '-v', '/data')).toBe('/tmp\n/data')
    const mounts = mountsOf(docker.host, await sleeping('sealed', '--read-only'))
    expect(mounts.find(({ path }) => path === '/')?.options).toContain('ro')
  })

  test('volumes: named, from the host, read-only, of another container, and a file', async () => {
    const { directory } = docker.host
    mkdirSync(`${directory}/shared`)
    writeFileSync(`${directory}/shared/from-host`, 'hello')
    await docker.run('volume', 'create', 'kept')
    await outputOf('echo kept >/v/file', '-v', 'kept:/v')
    expect(await outputOf('cat /v/file', '-v', 'kept:/v:ro')).toBe('kept')
    await docker.run('run', '--name', 'owner', '-v', 'kept:/v', 'busybox', 'true')
    expect(await outputOf('cat /v/file', '--volumes-from', 'owner')).toBe('kept')
    const bound = ['-v', `${directory}/shared:/shared`]
    expect(await outputOf('cat /shared/from-host; echo back >/shared/from-container', ...bound)).toBe('hello')
    expect(readFileSync(`${directory}/shared/from-container`, 'utf8')).toBe('back\n')
    const refused = 'touch /shared/x 2>&1; cat /one-file'
    const readOnly = ['-v', `${directory}/shared:/shared:ro`, '-v', `${directory}/shared/from-host:/one-file`]
    expect(await outputOf(refused, ...readOnly)).toBe('touch: /shared/x: Read-only file system\nhello')
    await docker.run('rm', '-f', 'owner')
    await docker.run('volume', 'rm', 'kept')
  })

  test('--network none, host, container: and a network of one’s own with names', async () => {
    const links = 'ls /sys/class/net'
    expect(await outputOf(links, '--network', 'none')).toBe('lo')
    const own = await namespace(1, 'net')
    const host = await sleeping('host', '--network', 'host')
    expect(await namespace(host, 'net')).toBe(own)
    const first = await sleeping('first')
    expect(await namespace(first, 'net')).not.toBe(own)
    expect(await namespace(await sleeping('second', '--network', 'container:first'), 'net')).toBe(
      await namespace(first, 'net'),
    )

    await docker.run('network', 'create', 'back')
    await sleeping('db', '--network', 'back', '--network-alias', 'database')
    expect(await outputOf('ping -c 1 -W 2 database', '--network', 'back')).toMatch(/1 packets received/)
    const { NetworkSettings } = await inspect(docker, 'db')
    expect(await outputOf('nslookup db', '--network', 'back')).toContain(NetworkSettings.Networks.back?.IPAddress)
    await docker.run('network', 'connect', 'back', 'first')
    expect(await docker.run('exec', 'first', 'ping', '-c', '1', '-W', '2', 'db')).toMatch(/1 packets received/)
    await docker.run('rm', '-f', 'db', 'first')
    await docker.run('network', 'rm', 'back')
  })

  test('--pid, --ipc and --uts of the host or of another container', async () => {
    const types = ['pid', 'ipc', 'uts', 'mnt', 'net'] as const
    const of = async (pid: number) =>
      Object.fromEntries(await Promise.all(types.map(async (t) => [t, await namespace(pid, t)] as const)))
    const host = await of(1)
    const apart = await of(await sleeping('apart', '--ipc', 'shareable'))
    for (const type of types) expect(apart[type], type).not.toBe(host[type])
    const with1 = await of(await sleeping('of-host', '--pid', 'host', '--ipc', 'host', '--uts', 'host'))
    expect(with1).toMatchObject({ pid: host.pid, ipc: host.ipc, uts: host.uts })
    const joined = await of(await sleeping('joined', '--pid', 'container:apart', '--ipc', 'container:apart'))
    expect(joined).toMatchObject({ pid: apart.pid, ipc: apart.ipc })
    expect(await docker.run('exec', 'joined', 'ps', '-o', 'pid,comm')).toMatch(/^ +1 sleep$/m)
    // With the host's process ids nothing ends by itself with process 1 of a container.
    await docker.run('exec', '-d', 'of-host', 'sleep', '4242')
    await docker.run('rm', '-f', 'of-host')
    expect((await docker.host.exec('pgrep', ['-f', '^sleep 4242'])).stdout).toBe('')
  })

  test('--hostname, --add-host, --dns, --env, --workdir, --label', async () => {
    const flags = [
      '--hostname',
      'box',
      '--add-host',
      'there:10.9.8.7',
      '--dns',
      '10.9.8.1',
      '-e',
      'A=1 2',
      '-w',
      '/made/here',
    ]
    const said = await outputOf(
      'hostname; grep there /etc/hosts; grep ^nameserver /etc/resolv.conf; echo "$A"; pwd',
      ...flags,
    )
    expect(said).toBe('box\n10.9.8.7\tthere\nnameserver 10.9.8.1\n1 2\n/made/here')
  })

  test('--device gives one device with the access that is asked for', async () => {
    const open =
      'ls -l /dev/mine; (: </dev/mine) 2>/dev/null && echo read; (: >/dev/mine) 2>/dev/null && echo written; true'
    expect(await outputOf(open, '--device', '/dev/fuse:/dev/mine:r')).toMatch(/^c.* 10, +229 .* \/dev\/mine\nread$/)
    expect(await outputOf(open, '--device', '/dev/fuse:/dev/mine:w')).toMatch(/\/dev\/mine\nwritten$/)
    expect(await outputOf(open, '--device', '/dev/fuse:/dev/mine')).toMatch(/\nread\nwritten$/)
    const made = 'mknod /dev/kernel c 1 11 && (: </dev/kernel) 2>&1; true'
    expect(await outputOf(made)).toMatch(/Operation not permitted$/)
  })

  test('--sysctl', async () => {
    const flags = ['--sysctl', 'net.ipv4.ip_default_ttl=42', '--sysctl', 'kernel.msgmax=9000']
    expect(await outputOf('cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax', ...flags)).toBe('42\n9000')
  })

  test('--cgroupns private and host', async () => {
    expect(await outputOf('grep -c ":/$" /proc/self/cgroup', '--cgroupns', 'private')).toMatch(/^\d+$/)
    expect(await outputOf('grep -v "/docker/" /proc/self/cgroup; true', '--cgroupns', 'host')).toBe('')
  })

  test('sensitive paths are hidden or read-only', async () => {
    const script =
      'cat /proc/keys /proc/timer_list; ls /sys/firmware; echo x >/proc/sys/kernel/hostname; echo 1 >/sys/x'
    const { stdout, stderr } = await docker.exec(['run', '--rm', 'busybox', 'sh', '-c', script])
    expect(stdout).toBe('')
    expect(stderr).toBe(
      ['/proc/sys/kernel/hostname', '/sys/x']
        .map((path) => `sh: can't create ${path}: Read-only file system\n`)
        .join(''),
    )
    const mounts = mountsOf(docker.host, await sleeping('masked'))
    for (const path of ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/sys'])
      expect(mounts.find((mount) => mount.path === path)?.options, path).toContain('ro')
  })

  // KERNEL: nobody can give a capability that he has not. davit gives what there is; runc 1.1 refuses.
  test('--privileged, as far as this machine can', async () => {
    const [, effective = '0'] = /^CapEff:\t(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    const bits = BigInt(`0x${effective}`)
    const complete = (bits & (1n << 24n)) !== 0n
    const asked = ['grep', '-E', 'CapEff|Seccomp:', '/proc/self/status']
    const result = await docker.exec(['run', '--rm', '--privileged', 'busybox', ...asked])
    if (!complete && IS_REFERENCE) {
      console.warn(`known limit: this machine has no CAP_SYS_RESOURCE, and ${RUNTIME} refuses --privileged without it`)
      expect(result).toMatchObject({ code: 125, stderr: expect.stringContaining('operation not permitted') })
    } else {
      expect(result.code, result.stderr).toBe(0)
      // Docker may know fewer capabilities than the kernel, but those of 2020 it does.
      const [, given = '0'] = /^CapEff:\t(\w+)\nSeccomp:\t0\n$/.exec(result.stdout) ?? []
      expect(BigInt(`0x${given}`) & 0x3fffffffffn).toBe(bits & 0x3fffffffffn)
    }
    // All that there is, on any machine.
    const all = ['--cap-add', 'ALL', '--cap-drop', 'SYS_RESOURCE', '--security-opt', 'seccomp=unconfined']
    expect(await outputOf('grep CapEff /proc/self/status', ...all)).toMatch(/^CapEff:\t[0-9a-f]{8}feffffff$/)
  })
})
