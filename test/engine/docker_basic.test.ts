/** Docker: the commands of every day, as typed. */
import { expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { inspect } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'

dockerSuite('Docker', {}, (docker) => {
  test('run gives output, errors and the exit code', async () => {
    const result = await docker.exec(['run', '--rm', 'busybox', 'sh', '-c', 'echo hello; echo oh >&2; exit 7'])
    expect(result).toMatchObject({ stdout: 'hello\n', stderr: 'oh\n', code: 7 })
  })

  test('run -i passes input on to its end', async () => {
    const text = 'x'.repeat(1_000_000)
    const { stdout } = await docker.exec(['run', '--rm', '-i', 'busybox', 'wc', '-c'], { stdin: text })
    expect(stdout).toBe('1000000\n')
  })

  test('attach, rename, kill -s, wait, events', async () => {
    const script = 'trap "echo got it; exit 5" USR1; while read line; do echo "you said $line"; done; sleep 100 & wait'
    await docker.run('run', '-d', '-i', '--name', 'first', 'busybox', 'sh', '-c', script)
    await docker.run('rename', 'first', 'second')
    const kinds = ['attach', 'kill', 'die', 'destroy']
    // What happens before the client listens is told, too.
    const since = ['--since', String(Math.floor(Date.now() / 1000))]
    const filters = ['container=second', ...kinds.map((kind) => `event=${kind}`)].flatMap((one) => ['--filter', one])
    const events = docker.start(['events', ...since, ...filters, '--format', '{{.Action}}'])
    const attached = docker.start(['attach', 'second'], { stdin: '' })
    await until('the attach to be seen', () => events.stdout().includes('attach'))
    attached.write('hello\n')
    await until('an answer', () => attached.stdout() === 'you said hello\n')
    const waiting = docker.exec(['wait', 'second'])
    await docker.run('kill', '-s', 'USR1', 'second')
    expect((await waiting).stdout).toBe('5\n')
    expect(await attached.done).toMatchObject({ code: 5, stdout: 'you said hello\ngot it\n' })
    await docker.run('rm', 'second')
    await until('its events', () => events.stdout().endsWith('destroy\n'))
    events.child.kill()
    expect(events.stdout().trim().split('\n')).toEqual(kinds)
  })

  test('pause and unpause stop the clock of a container', async () => {
    const script = 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.01; done'
    await docker.run('run', '-d', '--name', 'clock', 'busybox', 'sh', '-c', script)
    const count = async () => {
      const { Pid } = (await inspect(docker, 'clock')).State
      return Number(docker.host.read(`/proc/${Pid}/root/count`))
    }
    await until('it to count', async () => (await count()) > 1)
    await docker.run('pause', 'clock')
    expect(await docker.run('ps')).toMatch(/ \(Paused\) /)
    expect((await docker.exec(['exec', 'clock', 'true'])).stderr).toContain(
      'is paused, unpause the container before exec',
    )
    const paused = await count()
    await new Promise((done) => setTimeout(done, 200))
    expect(await count()).toBe(paused)
    await docker.run('unpause', 'clock')
    await until('it to count again', async () => (await count()) > paused)
    await docker.run('pause', 'clock')
    await docker.run('rm', '-f', 'clock')
  })

  test('stats tells what a container uses', async () => {
    await docker.run('run', '-d', '--name', 'busy', '-m', '64m', 'busybox', 'sh', '-c', 'dd </dev/zero >/dev/null; :')
    const format = '{{.Name}} {{.PIDs}} {{.CPUPerc}} {{.MemUsage}}'
    const said = await docker.run('stats', '--no-stream', '--format', format, 'busy')
    const [, cpu, memory] = /^busy 2 ([\d.]+)% ([\d.]+)(?:KiB|MiB) \/ 64MiB$/.exec(said) ?? []
    expect(Number(cpu), said).toBeGreaterThan(5)
    expect(Number(memory), said).toBeGreaterThan(0)
  })

  test('a container that does not end by SIGTERM is killed', async () => {
    await docker.run('run', '-d', '--name', 'deaf', 'busybox', 'sleep', '1000')
    await docker.run('stop', '-t', '1', 'deaf')
    expect((await inspect(docker, 'deaf')).State.ExitCode).toBe(137)
    await docker.run('rm', 'deaf')
  })
})
