/** Podman as root: the commands of every day, as typed. */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { statusOf } from './support/container.ts'
import type { Snapshot } from './support/leftovers.ts'
import { languages } from './support/page.ts'
import { baseline, canPodman, inspect, leftInPodman, makePodman, type Podman } from './support/podman.ts'

/** A shell that answers SIGTERM. */
const POLITE = `trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.1; done`

describe.runIf(canPodman())('Podman', () => {
  let podman: Podman
  let before: Snapshot

  beforeAll(async () => {
    podman = await makePodman(['busybox:latest'])
    before = await baseline(podman)
  })
  afterEach(() => podman.clear())
  afterAll(() => podman?.close())

  const status = async (name: string) => (await inspect(podman, name)).State

  test('the page’s commands: a path for one container, the name in containers.conf, a flag for the runtime', async () => {
    expect(new Set(languages('podman'))).toEqual(new Set(['sh', 'toml']))
    const [once = '', info = '', flag = '', ...rest] = podman.page('podman', 'sh')
    expect(rest).toEqual([])
    expect(await podman.output('sh', ['-c', once])).toBe('hello from davit')
    expect(await podman.output('sh', ['-c', info])).toMatch(/^davit \//)
    await podman.output('sh', ['-c', flag])
    await podman.run('run', '--name', 'named', 'busybox', 'true')
    expect((await inspect(podman, 'named')).OCIRuntime).toBe('davit')
  })

  test('run: output, errors, input to its end, exit codes of the program and of what went wrong', async () => {
    const said = await podman.try('run', '--rm', 'busybox', 'sh', '-c', 'echo hello; echo oh >&2; exit 7')
    expect(said).toMatchObject({ stdout: 'hello\n', stderr: 'oh\n', code: 7 })
    const counted = await podman.exec('podman', ['run', '--rm', '-i', 'busybox', 'wc', '-c'], {
      stdin: 'x'.repeat(1e6),
    })
    expect(counted).toMatchObject({ stdout: '1000000\n', code: 0 })
    for (const [code, words, ...args] of [
      [125, 'unknown flag', '--no-such-flag', 'busybox', 'true'],
      [126, 'permission denied', 'busybox', '/etc/passwd'],
      [127, 'executable file not found in $PATH', 'busybox', 'no-such-program'],
      [137, '', '--init', 'busybox', 'sh', '-c', 'kill -KILL $$'],
    ] as const) {
      const { code: actual, stderr } = await podman.try('run', '--rm', ...args)
      expect([actual, stderr], args.join(' ')).toEqual([code, expect.stringContaining(words)])
    }
  })

  test('run -it is a conversation on a terminal, which follows the size of the one outside, and its keys', async () => {
    const go = `${podman.host.directory}/go`
    const resize = `(until test -e ${go}; do sleep 0.1; done; stty rows 20 cols 50 </dev/tty) &`
    const inside = 'trap "stty size" WINCH; trap "echo ^C; exit 5" INT; read name; echo "hello $name" $(stty size; tty)'
    const terminal = podman.terminal(`${resize} podman run --rm -it busybox sh -c "$PROGRAM"`, {
      PROGRAM: `${inside}; while :; do sleep 0.1; done`,
    })
    terminal.type('world\r')
    await terminal.until('hello world 37 91 /dev/pts/0\n')
    writeFileSync(go, '')
    await terminal.until('20 50\n')
    terminal.type('\x03')
    expect((await terminal.done).code).toBe(5)
  })

  test('run -d, logs, exec, exec -it, top, cp, kill, stop, ps, start, wait, rm', async () => {
    await podman.run('run', '-d', '--name', 'web', '--env', 'A=b c', 'busybox', 'sh', '-c', POLITE)
    await until('its first line', async () => (await podman.run('logs', 'web')) === 'up')

    const exec = ['exec', '-e', 'C=d', '-w', '/tmp', '-u', 'www-data', 'web', 'sh', '-c']
    const said = await podman.try(...exec, 'echo $A $C; pwd; id -un; echo $HOME; exit 9')
    expect(said).toMatchObject({ stdout: 'b c d\n/tmp\nwww-data\n/var/www\n', stderr: '', code: 9 })
    const counted = await podman.exec('podman', ['exec', '-i', 'web', 'wc', '-c'], { stdin: 'four' })
    expect(counted).toMatchObject({ stdout: '4\n', code: 0 })
    expect((await podman.try('exec', 'web', 'no-such-program')).code).toBe(127)
    expect((await podman.try('exec', 'web', '/etc/passwd')).code).toBe(126)

    const shell = podman.terminal('podman exec -it web sh')
    await shell.until('/ # ')
    shell.type('tty; stty size; exit 4\r')
    await shell.until('/dev/pts/0\n37 91\n')
    expect((await shell.done).code).toBe(4)

    expect(await podman.run('top', 'web', 'pid', 'user', 'comm')).toMatch(/^PID +USER +COMMAND\n1 +root +sh\n/)
    await podman.run('exec', 'web', 'sh', '-c', 'echo from here >/tmp/there')
    await podman.run('cp', 'web:/tmp/there', podman.host.directory)
    expect(readFileSync(`${podman.host.directory}/there`, 'utf8')).toBe('from here\n')
    await podman.run('cp', `${podman.host.directory}/there`, 'web:/root/back')
    expect(await podman.run('exec', 'web', 'cat', '/root/back')).toBe('from here')

    expect(await podman.run('stop', '--time', '20', 'web')).toBe('web')
    expect(await status('web')).toMatchObject({ Status: 'exited', ExitCode: 3, Pid: 0 })
    expect(await podman.run('logs', 'web')).toBe('up\nbye')
    expect(await podman.run('ps', '--all', '--format', '{{.Names}} {{.Status}}')).toMatch(/^web Exited \(3\)/)
    await podman.run('start', 'web')
    expect((await status('web')).Status).toBe('running')
    await podman.run('kill', '--signal', 'KILL', 'web')
    expect(await podman.run('wait', 'web')).toBe('137')
    await podman.run('rm', 'web')
    expect(await podman.run('ps', '--all', '--quiet')).toBe('')
  })

  test('attach: a terminal that is left by ctrl-p ctrl-q; what a container says, and its exit code', async () => {
    await podman.run('run', '-dit', '--name', 'sh', 'busybox', 'sh')
    const terminal = podman.terminal('podman attach sh')
    terminal.type('echo $((6 * 7))\r')
    await terminal.until('\n42\n')
    terminal.type('\x10')
    await new Promise((done) => setTimeout(done, 300)) // Podman knows its keys only one at a time
    terminal.type('\x11')
    expect((await terminal.done).code).toBe(0)
    expect((await status('sh')).Running).toBe(true)

    await podman.run('create', '--name', 'later', 'busybox', 'sh', '-c', 'echo started; exit 6')
    expect(await podman.try('start', '--attach', 'later')).toMatchObject({ stdout: 'started\n', code: 6 })
  })

  test('--preserve-fds passes these fds on and no others, to run and to exec', async () => {
    const files = ['/etc/shells', '/etc/os-release']
    // 5 is the directory that ls itself has opened.
    const list = `cat <&3; cat <&4; ls /proc/self/fd | tr '\\n' ' '`
    const script = `exec 3<${files[0]} 4<${files[1]}; podman "$@" sh -c "${list.replaceAll('\\', '\\\\')}"`
    const expected = `${files.map((file) => readFileSync(file, 'utf8')).join('')}0 1 2 3 4 5 `
    const preserve = (...args: readonly string[]) => podman.output('sh', ['-c', script, 'sh', ...args])
    expect(await preserve('run', '--rm', '--preserve-fds', '2', 'busybox')).toBe(expected)
    await podman.run('run', '-d', '--name', 'fds', 'busybox', 'sleep', '1000')
    expect(await preserve('exec', '--preserve-fds', '2', 'fds')).toBe(expected)
  })

  test('--restart, --health-cmd and --init', async () => {
    await podman.run('run', '-d', '--name', 'again', '--restart', 'on-failure:2', 'busybox', 'false')
    const health = ['--health-cmd', 'test -e /well', '--health-interval', 'disable']
    await podman.run('run', '-d', '--name', 'ill', ...health, '--init', 'busybox', 'sleep', '1000')
    expect((await podman.try('healthcheck', 'run', 'ill')).code).toBe(1)
    await podman.run('exec', 'ill', 'touch', '/well')
    expect((await podman.try('healthcheck', 'run', 'ill')).code).toBe(0)
    expect(statusOf(podman.host, (await status('ill')).Pid).Name).toMatch(/init|catatonit|tini/)
    await until('the last try', async () => (await inspect(podman, 'again')).RestartCount === 2)
    await until('its end', async () => (await status('again')).Status === 'exited')
  })

  test('has left nothing', async () => {
    expect(await leftInPodman(podman, before)).toEqual([])
  })
})
