/** Docker Compose: a web application with PostgreSQL and Redis. */
import { cpSync } from 'node:fs'
import { expect, test } from 'vitest'
import { repositoryPath } from '../support/place.ts'
import { until } from '../support/wait.ts'
import { limitOf } from './support/container.ts'
import { inspect } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'
import { ask, untilAnswer } from './support/http.ts'
import { onTerminal } from './support/terminal.ts'

const URL = 'http://127.0.0.1:8000/'

const IMAGES = ['python:3.11-slim', 'postgres:15', 'redis:7-alpine'] as const

dockerSuite('docker-compose', { images: IMAGES, keep: true }, (docker) => {
  const options = () => ({ cwd: `${docker.host.directory}/shop`, env: docker.env, timeout: 110_000 })
  const compose = (...args: readonly string[]) => docker.host.output('docker-compose', args, options())

  test('up -d builds and starts all three, in the order of their health', async () => {
    cpSync(repositoryPath('test/engine/apps/compose'), `${docker.host.directory}/shop`, { recursive: true })
    await compose('up', '-d')
    const states = await compose('ps')
    expect(states).toMatch(/^shop_cache_1 .* Up /m)
    expect(states).toMatch(/^shop_db_1 .* Up \(healthy\) /m)
    expect(states).toMatch(/^shop_web_1 .* Up .*0\.0\.0\.0:8000->5000\/tcp/m)
    const { Pid } = (await inspect(docker, 'shop_cache_1')).State
    expect(limitOf(docker.host, Pid, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe(String(64 * 2 ** 20))
  })

  test('the web service reaches db and cache by name', async () => {
    await untilAnswer(docker.host, URL, 'visit 1, 1 in the database')
    expect(await ask(docker.host, URL)).toBe('200 visit 2, 2 in the database')
    const address = (await inspect(docker, 'shop_db_1')).NetworkSettings.Networks.shop_default?.IPAddress
    expect(await compose('exec', '-T', 'web', 'getent', 'hosts', 'db')).toMatch(new RegExp(`^${address} +db`))
  })

  test('logs, exec without and with a terminal, top', async () => {
    const logs = await compose('logs', '--no-color')
    expect(logs).toMatch(/^web_1 .*"GET \/ HTTP\/1\.1" 200/m)
    expect(logs).toMatch(/^db_1 .*database system is ready to accept connections/m)
    const query = ['psql', '-U', 'postgres', '-d', 'shop', '-tAc', 'SELECT count(*) FROM visits']
    expect(await compose('exec', '-T', 'db', ...query)).toBe('2\n')
    expect(await compose('exec', '-T', '-u', 'postgres', 'db', 'id', '-un')).toBe('postgres\n')
    expect(await compose('exec', '-T', 'cache', 'redis-cli', 'get', 'visits')).toBe('2\n')
    const shell = onTerminal(docker.host, 'docker-compose exec web bash', options())
    await shell.until(':/app# ')
    shell.type('echo $((6 * 7)) $(tty)\r')
    await shell.until('42 /dev/pts/0')
    shell.type('exit 6\r')
    expect((await shell.done).code).toBe(6)
    expect(await compose('top', 'cache')).toContain('redis-server')
  })

  test('restart keeps what is in the database', async () => {
    await compose('restart', '-t', '5')
    const visited = async () => (await ask(docker.host, URL))?.startsWith('200 visit') ?? false
    await until('the application to answer again', visited, 30_000)
    expect(await ask(docker.host, URL)).toMatch(/^200 visit \d+, ([4-9]|\d\d+) in the database$/)
  })

  test('down -v removes containers, volumes and networks', async () => {
    await compose('down', '-v', '-t', '5')
    expect(await compose('ps', '-q')).toBe('')
    expect(await docker.run('volume', 'ls', '-q')).toBe('')
    expect(await docker.run('network', 'ls', '-q', '--filter', 'name=shop')).toBe('')
  })
})
