/** Docker: the commands of every day, as typed. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { inspect } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'
import { ask, untilAnswer } from './support/http.ts'
import { onTerminal } from './support/terminal.ts'

dockerSuite('Docker', { images: ['python:3.11', 'nginx:latest'] }, (docker) => {
  const env = () => ({ env: docker.env })

  test('run gives output, errors and the exit code', async () => {
    const result = await docker.exec(['run', '--rm', 'busybox', 'sh', '-c', 'echo hello; echo oh >&2; exit 7'])
    expect(result).toMatchObject({ stdout: 'hello\n', stderr: 'oh\n', code: 7 })
  })

  test('run -i passes input on to its end', async () => {
    const text = 'x'.repeat(1_000_000)
    const { stdout } = await docker.exec(['run', '--rm', '-i', 'busybox', 'wc', '-c'], { stdin: text })
    expect(stdout).toBe('1000000\n')
  })

  test('run -it python:3.11 python is a conversation on a terminal', async () => {
    const python = onTerminal(docker.host, 'docker run --rm -it python:3.11 python', env())
    await python.until('>>> ')
    python.type('import os, sys; print(6 * 7, sys.stdin.isatty(), os.get_terminal_size())\r')
    await python.until('42 True os.terminal_size(columns=91, lines=37)')
    await python.until('>>> ')
    python.type('exit(3)\r')
    expect((await python.done).code).toBe(3)
  })

  test('nginx on a published port; ps, images, logs, exec, exec -it, top, cp, stop, ps -a, rm', async () => {
    await docker.run('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx')
    const url = 'http://127.0.0.1:8080/'
    await untilAnswer(docker.host, url, '<h1>Welcome to nginx!</h1>')

    expect(await docker.run('ps')).toMatch(/nginx +"nginx -g 'daemon of…" .* Up .* 0\.0\.0\.0:8080->80\/tcp.* web$/m)
    expect(await docker.run('images')).toMatch(/^nginx +latest/m)
    await until('the request to be in the logs', async () =>
      (await docker.run('logs', 'web')).includes('"GET / HTTP/1.1" 200 '),
    )

    const said = await docker.exec(['exec', '-e', 'A=b c', '-w', '/tmp', 'web', 'sh', '-c', 'echo $A; pwd; exit 9'])
    expect(said).toMatchObject({ stdout: 'b c\n/tmp\n', stderr: '', code: 9 })
    expect(await docker.exec(['exec', '-i', 'web', 'wc', '-c'], { stdin: 'four' })).toMatchObject({ stdout: '4\n' })

    const bash = onTerminal(docker.host, 'docker exec -it web bash', env())
    await bash.until(/root@[0-9a-f]{12}:\/# /)
    bash.type('tty; stty size; ls /usr/share/nginx/html\r')
    await bash.until('/dev/pts/0\n37 91\nindex.html\n')
    bash.type('exit 4\r')
    expect((await bash.done).code).toBe(4)

    expect(await docker.run('top', 'web')).toMatch(/nginx: master process.*\n.*nginx: worker process/)

    const { directory } = docker.host
    writeFileSync(`${directory}/page`, 'copied in')
    await docker.run('cp', `${directory}/page`, 'web:/usr/share/nginx/html/index.html')
    expect(await ask(docker.host, url)).toBe('200 copied in')
    mkdirSync(`${directory}/out`)
    await docker.run('cp', 'web:/etc/nginx/nginx.conf', `${directory}/out/`)
    expect(readFileSync(`${directory}/out/nginx.conf`, 'utf8')).toContain('worker_processes 1;')

    expect(await docker.run('stop', 'web')).toBe('web')
    expect((await inspect(docker, 'web')).State).toMatchObject({
      Status: 'exited',
      ExitCode: 0,
      Running: false,
      Pid: 0,
    })
    expect(await docker.run('ps')).not.toContain('web')
    expect(await docker.run('ps', '-a')).toMatch(/ Exited \(0\) .* web$/m)
    expect((await docker.exec(['exec', 'web', 'true'])).stderr).toMatch(/Container \S+ is not running/)
    await docker.run('start', 'web')
    await untilAnswer(docker.host, url, 'copied in')
    expect((await docker.exec(['rm', 'web'])).stderr).toContain('You cannot remove a running container')
    await docker.run('rm', '-f', 'web')
    expect(await docker.run('ps', '-aq')).toBe('')
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
