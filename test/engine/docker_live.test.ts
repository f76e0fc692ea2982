/** Docker: the daemon goes and comes back, the containers stay; and users of their own. */
import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { mountsOf, statusOf } from './support/container.ts'
import { inspect } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'
import { makeHost } from './support/host.ts'

/** What a daemon leaves when it is started again is its own. */
const DAEMONS = [/^(process|fd of) .*(dockerd|containerd)/]

dockerSuite('dockerd --live-restore', { flags: ['--live-restore'], mayBeLeft: DAEMONS }, (docker) => {
  test.each(['stop', 'kill'] as const)('the daemon ends (%s) and starts again: the container goes on', async (end) => {
    const name = `lasting-${end}`
    const script = 'trap "exit 5" TERM; i=0; while :; do i=$((i + 1)); echo $i; echo $i >/count; sleep 0.1; done'
    await docker.run('run', '-d', '--name', name, '-m', '64m', 'busybox', 'sh', '-c', script)
    const { Pid } = (await inspect(docker, name)).State
    const count = () => Number(docker.host.read(`/proc/${Pid}/root/count`).trim() || 'NaN')
    await until('it to count', () => count() > 1)

    await docker.stop(end)
    const alone = count()
    await until('it to count without a daemon', () => count() > alone)
    await docker.again()

    expect((await inspect(docker, name)).State).toMatchObject({ Pid, Running: true })
    expect(await docker.run('ps')).toContain(name)
    expect(await docker.run('exec', name, 'sh', '-c', 'test -e /count && echo yes')).toBe('yes')
    const logged = Number((await docker.run('logs', '--tail', '1', name)).trim())
    await until('new lines in the log', async () => Number(await docker.run('logs', '--tail', '1', name)) > logged)
    await docker.run('update', '-m', '128m', '--memory-swap', '128m', name)
    await docker.run('pause', name)
    await docker.run('unpause', name)
    await docker.run('stop', name)
    expect((await inspect(docker, name)).State).toMatchObject({ ExitCode: 5, Running: false })
    await docker.run('start', name)
    await docker.run('rm', '-f', name)
  })
})

/** A host where nobody's subordinate ids are known, and a daemon that maps containers to them. */
async function remapped() {
  const host = await makeHost()
  for (const file of ['subuid', 'subgid']) {
    writeFileSync(`${host.directory}/${file}`, 'nobody:300000:65536\nnogroup:300000:65536\n')
    await host.output('mount', ['--bind', `${host.directory}/${file}`, `/etc/${file}`])
  }
  return { host, flags: ['--userns-remap', 'nobody:nogroup'] }
}

dockerSuite('dockerd --userns-remap', { setUp: remapped }, (docker) => {
  test('root in the container is somebody else outside', async () => {
    await docker.run(
      'run',
      '-d',
      '--name',
      'mapped',
      '-v',
      'volume:/v',
      'busybox',
      'sh',
      '-c',
      'id -u >/v/id; sleep 1000',
    )
    const { Pid } = (await inspect(docker, 'mapped')).State
    expect(statusOf(docker.host, Pid).Uid).toBe('300000 300000 300000 300000')
    expect(docker.host.read(`/proc/${Pid}/uid_map`).trim().replace(/ +/g, ' ')).toBe('0 300000 65536')
    await until('the file', async () => (await docker.run('exec', 'mapped', 'cat', '/v/id')) === '0')
    expect(await docker.run('exec', 'mapped', 'stat', '-c', '%u', '/v/id', '/proc', '/root')).toMatch(
      /^0\n(0|65534)\n0$/,
    )
    expect(mountsOf(docker.host, Pid).find(({ path }) => path === '/')?.type).toBe('overlay')
    expect(await docker.run('exec', '-u', '7', 'mapped', 'id', '-u')).toBe('7')
    const apart = await docker.run('run', '--rm', '--userns', 'host', 'busybox', 'cat', '/proc/self/uid_map')
    expect(apart.trim().split(/ +/)).toEqual(['0', '0', '4294967295'])
    await docker.run('stop', '-t', '0', 'mapped')
    expect((await inspect(docker, 'mapped')).State.ExitCode).toBe(137)
  })
})
