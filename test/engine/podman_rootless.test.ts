/** Podman of an ordinary user: no privilege, no cgroups, inside the user namespace that Podman has entered. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { IS_REFERENCE } from '../support/place.ts'
import { until } from '../support/wait.ts'
import { mountsOf, statusOf } from './support/container.ts'
import { untilAnswer } from './support/http.ts'
import type { Snapshot } from './support/leftovers.ts'
import { baseline, canPodman, inspect, leftInPodman, makePodman, type Podman } from './support/podman.ts'

describe.runIf(canPodman())('rootless Podman', () => {
  let podman: Podman
  let before: Snapshot

  beforeAll(async () => {
    podman = await makePodman(['busybox:latest', 'pause:3.9'], 'user')
    before = await baseline(podman)
  })
  afterEach(() => podman.clear())
  afterAll(() => podman?.close())

  const user = () => podman.user as NonNullable<Podman['user']>
  const pidOf = async (name: string) => (await inspect(podman, name)).State.Pid
  /** The id maps of a process: [inside, outside, how many] in the initial user namespace. */
  const map = (pid: number, kind = 'uid') =>
    podman.host
      .read(`/proc/${pid}/${kind}_map`)
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
  /** The output of a shell script in a container with these flags. */
  const outputOf = (script: string, ...flags: readonly string[]) =>
    podman.run('run', '--rm', ...flags, 'busybox', 'sh', '-c', script)
  const home = (path: string) => `${user().home}/${path}`

  test('root of the container is the user; its other ids are those that the user was granted', async () => {
    expect(await podman.run('info', '--format', '{{.Host.Security.Rootless}} {{.Host.OCIRuntime.Name}}')).toBe(
      'true davit',
    )
    await podman.run('run', '-d', '--name', 'own', '--volume', `${user().home}:/v`, 'busybox', 'sleep', '1000')
    const pid = await pidOf('own')
    const { uid, gid, uids, gids } = user()
    expect(map(pid)).toEqual([
      [0, uid, 1],
      [1, uids.start, uids.count],
    ])
    expect(map(pid, 'gid')).toEqual([
      [0, gid, 1],
      [1, gids.start, gids.count],
    ])
    expect(statusOf(podman.host, pid)).toMatchObject({ Uid: Array(4).fill(uid).join(' '), Seccomp: '2', Groups: '' })
    await podman.run('exec', 'own', 'sh', '-c', 'touch /v/mine /v/theirs; chown 33:33 /v/theirs')
    expect([statSync(home('mine')).uid, statSync(home('theirs')).uid]).toEqual([uid, uids.start + 32])
    // Its state is the user's own.
    if (!IS_REFERENCE) expect(readdirSync(`${user().runtimeDir}/davit`)).toEqual([(await inspect(podman, 'own')).Id])
    await podman.run('exec', 'own', 'rm', '/v/mine', '/v/theirs')
  })

  test('run, exec, -it, logs, stop, exit codes', async () => {
    expect(await podman.try('run', '--rm', 'busybox', 'sh', '-c', 'echo hello; echo oh >&2; exit 7')).toMatchObject({
      ...{ code: 7, stdout: 'hello\n', stderr: 'oh\n' },
    })
    expect((await podman.try('run', '--rm', 'busybox', 'no-such-program')).code).toBe(127)
    expect((await podman.try('run', '--rm', 'busybox', '/etc/passwd')).code).toBe(126)
    await podman.run(
      'run',
      '-d',
      '--name',
      'shell',
      'busybox',
      'sh',
      '-c',
      'trap "exit 3" TERM; while :; do sleep 0.1; done',
    )
    const said = await podman.try('exec', '-u', 'www-data', '-w', '/tmp', 'shell', 'sh', '-c', 'id -un; pwd; exit 9')
    expect(said).toMatchObject({ code: 9, stdout: 'www-data\n/tmp\n' })
    const terminal = podman.terminal('podman exec -it shell sh')
    await terminal.until('/ # ')
    terminal.type('tty; stty size; exit 4\r')
    await terminal.until('/dev/pts/0\n37 91\n')
    expect((await terminal.done).code).toBe(4)
    await podman.run('stop', '--time', '20', 'shell')
    expect((await inspect(podman, 'shell')).State).toMatchObject({ Status: 'exited', ExitCode: 3 })
    const run = podman.terminal('podman run --rm -it busybox sh')
    await run.until('/ # ')
    run.type('tty; exit 5\r')
    await run.until('/dev/pts/0\n')
    expect((await run.done).code).toBe(5)
  })

  test('other maps: --uidmap inside the user namespace, keep-id, another user', async () => {
    const { uid, uids } = user()
    await podman.run(
      'run',
      '-d',
      '--name',
      'nested',
      '--uidmap',
      '0:1:5000',
      '--gidmap',
      '0:1:5000',
      'busybox',
      'sleep',
      '9',
    )
    const nested = await pidOf('nested')
    expect(map(nested)).toEqual([[0, uids.start, 5000]])
    expect(await podman.run('exec', 'nested', 'sh', '-c', 'id -u; stat -c %u /bin; : >/dev/null && echo done')).toBe(
      '0\n0\ndone',
    )
    const kept = await outputOf('id -u; grep CapEff /proc/self/status', '--userns=keep-id')
    expect(kept).toBe(`${uid}\nCapEff:\t0000000000000000`)
    expect(await outputOf('id -u; id -g; umask', '--user', '12:34', '--umask', '077')).toBe('12\n34\n0077')
  })

  test('mounts and devices: binds with their locked flags, tmpfs, read-only, sysfs and proc of the host', async () => {
    mkdirSync(`${podman.host.directory}/locked`)
    const locked = `${podman.host.directory}/locked`
    // Podman's own processes share the mounts that were there when the first of them began.
    const script = `mount -t tmpfs -o ro,nosuid,nodev,noexec none ${locked}; mount --make-rshared /; exec "$@"`
    const cat = ['podman', 'run', '--rm', '--volume', `${locked}:/v`, 'busybox', 'cat', '/proc/self/mountinfo']
    const line = ['--mount', 'sh', '-c', script, 'sh', ...user().become, ...cat]
    await podman.run('system', 'migrate')
    const env = { ...user().env, ...conf() }
    const { stdout, stderr } = await podman.host.exec('unshare', line, { env, timeout: 60_000 })
    // Where systemd is, but no session: of Podman's own process, which is made anew here.
    expect(stderr.replace(/^.*"Failed to add pause process to systemd.*\n/, '')).toBe('')
    expect(stdout).toMatch(/ \/v ro,nosuid,nodev,noexec/)
    await podman.run('system', 'migrate')

    const flags = [
      '--read-only',
      '--tmpfs',
      '/etc:size=1m',
      '--device',
      '/dev/fuse',
      '--network',
      'host',
      '--pid',
      'host',
    ]
    await podman.run('run', '-d', '--name', 'mounts', ...flags, 'busybox', 'sleep', '1000')
    const seen = mountsOf(podman.host, await pidOf('mounts'))
    const options = (path: string) => seen.find((mount) => mount.path === path)?.options ?? []
    expect(options('/')).toContain('ro')
    expect(options('/sys')).toContain('ro')
    const look =
      'head -1 /etc/passwd; touch /x; touch /tmp/y && echo yes; cat /proc/1/comm; true >/dev/fuse && echo opened'
    const said = await podman.try('exec', 'mounts', 'sh', '-c', look)
    const first = podman.host.read('/proc/1/comm')
    expect(said.stdout).toBe(`root:x:0:0:root:/root:/bin/sh\nyes\n${first}opened\n`)
    expect(said.stderr).toContain('Read-only file system')
  })

  /** What makePodman gives to the user's programs beside the user's own environment. */
  const conf = () => ({
    PATH: `${podman.host.directory}/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    CONTAINERS_CONF: `${podman.host.directory}/conf/containers.conf`,
    CONTAINERS_STORAGE_CONF: `${podman.host.directory}/conf/storage.conf`,
    CONTAINERS_REGISTRIES_CONF: '/dev/null',
  })

  test('limits that nobody may set: Podman leaves those of v1 out, those of v2 are refused', async () => {
    const limited = await podman.try('run', '--rm', '-m', '64m', '--pids-limit', '20', 'busybox', 'echo', 'runs')
    if (existsSync('/sys/fs/cgroup/cgroup.controllers')) {
      // Podman asks which controllers there are, not whose the cgroups are.
      const why = IS_REFERENCE ? '' : 'no permission is granted for cgroups'
      return expect(limited).toMatchObject({ code: 126, stderr: expect.stringContaining(why) })
    }
    expect(limited).toMatchObject({ code: 0, stdout: 'runs\n' })
    if (existsSync('/sys/fs/cgroup/memory')) expect(limited.stderr).toMatch(/not supported|ignored/i)
  })

  test('--privileged has no more than the user; no cgroup at all', async () => {
    const script = 'mount -t tmpfs none /mnt && echo mounted; echo 1 >/proc/sys/vm/drop_caches; mknod /x b 8 0'
    const mighty = await podman.try('run', '--rm', '--privileged', 'busybox', 'sh', '-c', `mkdir -p /mnt; ${script}`)
    expect(mighty.stdout).toBe('mounted\n')
    expect(mighty.stderr).toMatch(/drop_caches: Permission denied[\s\S]*mknod: \/x: Operation not permitted/)
    if (!IS_REFERENCE) expect(await outputOf('echo none', '--cgroups', 'disabled')).toBe('none')
  })

  test('networks: slirp4netns, a published port, none', async () => {
    const web = 'echo page >/root/index.html; exec httpd -f -h /root'
    const network = ['--network', 'slirp4netns', '-p', '127.0.0.1:8093:80']
    await podman.run('run', '-d', '--name', 'web', ...network, 'busybox', 'sh', '-c', web)
    await untilAnswer(podman.host, 'http://127.0.0.1:8093/', 'page')
    expect(await podman.run('exec', 'web', 'ip', '-o', '-4', 'addr', 'show', 'tap0')).toContain(' 10.0.2.100/24 ')
    expect(await outputOf('ip -o link | wc -l', '--network', 'none')).toBe('1')
  })

  test('a pod: containers share its namespaces, its user namespace too', async () => {
    await podman.run('pod', 'create', '--name', 'pod', '--share', 'net,ipc,uts,pid')
    const web = 'echo page >/root/index.html; exec httpd -f -h /root'
    await podman.run('run', '-d', '--pod', 'pod', '--name', 'web', 'busybox', 'sh', '-c', web)
    await until('the page', async () => {
      const { stdout } = await podman.try('run', '--rm', '--pod', 'pod', 'busybox', 'wget', '-qO-', 'http://127.0.0.1/')
      return stdout === 'page\n'
    })
    expect(await outputOf('ps', '--pod', 'pod')).toMatch(/pause[\s\S]*httpd/)
    await podman.run('pod', 'stop', '--time', '1', 'pod')
    await podman.run('pod', 'rm', '--force', 'pod')

    await podman.run('pod', 'create', '--name', 'mapped', '--userns', 'keep-id')
    await podman.run('run', '-d', '--pod', 'mapped', '--name', 'inner', 'busybox', 'sleep', '1000')
    expect(statusOf(podman.host, await pidOf('inner')).Uid).toBe(Array(4).fill(user().uid).join(' '))
    expect(await podman.run('exec', 'inner', 'id', '-u')).toBe(`${user().uid}`)
    await podman.run('pod', 'rm', '--force', '--time', '0', 'mapped')
  })

  test('build: RUN as root and as a user', async () => {
    mkdirSync(`${podman.host.directory}/context`)
    const file = [
      'FROM busybox',
      'RUN id -u >/one && chown 33:33 /one',
      'USER www-data',
      'RUN id -u >/tmp/two',
      'CMD cat /one /tmp/two',
    ]
    writeFileSync(`${podman.host.directory}/context/Dockerfile`, file.join('\n'))
    await podman.run('build', '--tag', 'built', `${podman.host.directory}/context`)
    expect(await podman.run('run', '--rm', 'built')).toBe('0\n33')
    await podman.run('rmi', '--force', 'built')
  })

  test('without XDG_RUNTIME_DIR Podman finds a place, and the runtime finds it', async () => {
    const place = `/tmp/podman-run-${user().uid}`
    const env = { XDG_RUNTIME_DIR: '' }
    try {
      // AppArmor keeps pasta out of that place.
      const args = ['run', '--rm', '--network', 'none', 'busybox', 'echo', 'hello']
      const result = await podman.exec('podman', args, { env })
      expect(result).toMatchObject({ code: 0, stdout: 'hello\n' })
    } finally {
      await podman.exec('podman', ['system', 'migrate'], { env })
      await podman.host.output('rm', ['-rf', place, `/tmp/containers-user-${user().uid}`])
    }
  })

  test('has left nothing', async () => {
    await podman.run('run', '--rm', 'busybox', 'true')
    expect(await leftInPodman(podman, before)).toEqual([])
  })
})
