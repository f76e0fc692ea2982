/** Docker: images of a whole Debian, a conversation with Python and a web server, as typed. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { inspect } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'
import { ask, untilAnswer } from './support/http.ts'
import { onTerminal } from './support/terminal.ts'

dockerSuite('Docker, images of Debian', { images: ['python:3.11', 'nginx:latest'] }, (docker) => {
  const env = () => ({ env: docker.env })

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
})
