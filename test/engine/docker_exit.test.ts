/** Docker: exit codes, and what becomes of containers that end. */
import { expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { statusOf } from './support/container.ts'
import { inspect } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'

dockerSuite('Docker, ends', {}, (docker) => {
  test.each<[number, readonly string[], RegExp]>([
    [127, ['busybox', 'nosuch'], /exec: "nosuch": executable file not found in \$PATH/],
    [127, ['busybox', '/no/such'], /"\/no\/such": .*no such file or directory/],
    [126, ['busybox', '/etc/passwd'], /"\/etc\/passwd": permission denied/],
    [126, ['busybox', '/etc'], /"\/etc": .*permission denied/],
    [125, ['--nosuchflag', 'busybox'], /unknown flag/],
    [125, ['--sysctl', 'kernel.shm_rmid_forced=x', 'busybox', 'true'], /kernel\/shm_rmid_forced.*: invalid argument/],
    [
      125,
      ['-v', '/etc/passwd:/etc', 'busybox', 'true'],
      /"\/etc".*: not a directory.*Are you trying to mount a directory onto a file/,
    ],
  ])('run ends with %i for %j', async (code, args, words) => {
    const result = await docker.exec(['run', '--rm', ...args])
    expect(result.stderr).toMatch(words)
    expect(result).toMatchObject({ code, stdout: '' })
  })

  test.each<[number, readonly string[], RegExp]>([
    [3, ['sh', '-c', 'exit 3'], /^$/],
    [137, ['sh', '-c', 'kill -9 $$'], /^$/],
    [126, ['nosuch'], /exec failed: .*exec: "nosuch": executable file not found in \$PATH/],
    [126, ['/etc/passwd'], /exec failed: .*exec: "\/etc\/passwd": permission denied/],
    [126, ['-w', '/nosuch', 'true'], /chdir.*"\/nosuch".*no such file or directory/],
  ])('exec ends with %i for %j', async (code, args, words) => {
    const flags = args[0] === '-w' ? args.slice(0, 2) : []
    await docker.run('run', '-d', '--name', 'there', 'busybox', 'sleep', '1000')
    const result = await docker.exec(['exec', ...flags, 'there', ...args.slice(flags.length)])
    // Debian's docker says why on standard output.
    expect(`${result.stdout}${result.stderr}`.trim()).toMatch(words)
    expect(result.code).toBe(code)
    expect(await docker.run('exec', 'there', 'echo', 'still works')).toBe('still works')
  })

  test('death by a signal is 128 and the signal', async () => {
    const { code } = await docker.exec(['run', '--rm', '--init', 'busybox', 'sh', '-c', 'kill -TERM $$'])
    expect(code).toBe(143)
  })

  test('--init puts an init before the program, which reaps orphans', async () => {
    const script = '(sleep 0.1 &); exec sleep 1000'
    await docker.run('run', '-d', '--name', 'child', '--init', 'busybox', 'sh', '-c', script)
    const { Pid } = (await inspect(docker, 'child')).State
    expect(statusOf(docker.host, Pid)).toMatchObject({ Name: 'docker-init', NSpid: expect.stringMatching(/ 1$/) })
    expect(await docker.run('exec', 'child', 'cat', '/proc/1/comm')).toBe('docker-init')
    const children = () => docker.host.read(`/proc/${Pid}/task/${Pid}/children`).trim().split(' ')
    await until('the orphan to be reaped', () => children().length === 1)
  })

  test('--restart on-failure starts it again, and gives up', async () => {
    await docker.run(
      'run',
      '-d',
      '--name',
      'failing',
      '--restart',
      'on-failure:2',
      'busybox',
      'sh',
      '-c',
      'echo try; exit 6',
    )
    const ended = async () => (await inspect(docker, 'failing')).State.Status === 'exited'
    await until('it to give up', async () => (await ended()) && (await inspect(docker, 'failing')).RestartCount === 2)
    expect(await docker.run('logs', 'failing')).toBe('try\ntry\ntry')
    expect((await inspect(docker, 'failing')).State.ExitCode).toBe(6)
  })

  test('--restart always: killed from outside, it is there again', async () => {
    await docker.run('run', '-d', '--name', 'lasting', '--restart', 'always', 'busybox', 'sleep', '1000')
    const { Pid } = (await inspect(docker, 'lasting')).State
    await docker.host.output('kill', ['-9', String(Pid)])
    const again = async () => {
      const { State } = await inspect(docker, 'lasting')
      return State.Running && State.Pid !== Pid
    }
    await until('it to be there again', again)
    await docker.run('stop', '-t', '0', 'lasting')
    expect((await inspect(docker, 'lasting')).State.Running).toBe(false)
  })

  test('restart, and start of what has ended', async () => {
    await docker.run('run', '-d', '--name', 'twice', 'busybox', 'sh', '-c', 'echo up >>/log; sleep 1000')
    await docker.run('restart', '-t', '0', 'twice')
    await until('the second start', async () => (await docker.run('exec', 'twice', 'cat', '/log')) === 'up\nup')
    await docker.run('kill', 'twice')
    await docker.run('start', 'twice')
    await until('the third', async () => (await docker.run('exec', 'twice', 'cat', '/log')) === 'up\nup\nup')
  })

  test('a health check runs inside and decides', async () => {
    const check = ['--health-cmd', 'test -e /well', '--health-interval', '300ms', '--health-retries', '1']
    await docker.run('run', '-d', '--name', 'patient', ...check, 'busybox', 'sleep', '1000')
    const health = async () => (await inspect(docker, 'patient')).State.Health?.Status
    await until('it to be unwell', async () => (await health()) === 'unhealthy')
    await docker.run('exec', 'patient', 'touch', '/well')
    await until('it to be well', async () => (await health()) === 'healthy')
  })

  test('create, start -a, diff, commit, export', async () => {
    await docker.run('create', '--name', 'made', 'busybox', 'sh', '-c', 'echo text >/file; echo done')
    expect(await docker.run('start', '-a', 'made')).toBe('done')
    expect(await docker.run('diff', 'made')).toBe('A /file')
    await docker.run('commit', 'made', 'changed')
    expect(await docker.run('run', '--rm', 'changed', 'cat', '/file')).toBe('text')
    await docker.run('rmi', 'changed')
  })
})
