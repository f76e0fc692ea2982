/** Docker where systemd makes the cgroups: however a container ends, its scope goes, and its name is free. */
import { expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { cgroupOf, limitOf } from './support/container.ts'
import { inspect } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'
import { placeOf, runPlaced, SYSTEMD_DOCKER, scopes, sleeping, untilGone } from './support/docker_systemd.ts'
import { properties } from './support/unit.ts'

const MIB = 2 ** 20

dockerSuite('Docker, systemd, ends', SYSTEMD_DOCKER, (docker) => {
  const polite = 'trap "exit 4" TERM; while :; do sleep 0.1; done'
  test.each<[string, number, (unit: string) => Promise<unknown>]>([
    ['stop', 4, () => docker.run('stop', '-t', '60', 'ending')],
    ['kill', 137, () => docker.run('kill', 'ending')],
    ['its own end', 3, () => docker.run('exec', 'ending', 'touch', '/end')],
    ['systemctl stop', 4, (unit) => docker.host.output('systemctl', ['stop', unit], { timeout: 60_000 })],
  ])('%s leaves neither unit nor cgroup, and it can be started again', async (_, code, end) => {
    const script = polite.replace('sleep 0.1', '[ ! -e /end ] || { rm /end; exit 3; }; sleep 0.1; touch /up')
    const { unit, cgroup } = await runPlaced(docker, 'ending', '-m', '64m', 'busybox', 'sh', '-c', script)
    const up = () => docker.exec(['exec', 'ending', 'test', '-e', '/up'])
    await until('its trap', async () => (await up()).code === 0)
    await end(unit)
    await until('its end', async () => !(await inspect(docker, 'ending')).State.Running)
    expect((await inspect(docker, 'ending')).State.ExitCode).toBe(code)
    await untilGone(docker, cgroup)
    await docker.run('start', 'ending')
    const again = await placeOf(docker, 'ending')
    expect([again.unit, again.cgroup, again.file('memory.max')]).toEqual([unit, cgroup, `${64 * MIB}`])
    await docker.run('rm', '-f', 'ending')
    await untilGone(docker, cgroup)
  })

  test('cgroups that the container made go with it', async () => {
    const script = 'cd /sys/fs/cgroup && mkdir -p a/b && echo $$ >a/b/cgroup.procs && sleep 1000'
    const { pid, unit } = await runPlaced(docker, 'nested', '--privileged', 'busybox', 'sh', '-c', script)
    const cgroup = `/sys/fs/cgroup/system.slice/${unit}` // its process may have moved already
    await until('its cgroup', () => cgroupOf(docker.host, pid, '') === `${cgroup}/a/b`)
    // Docker's exec goes where the container's first process is, or beside it: below the scope in any case.
    expect((await docker.exec(['exec', 'nested', 'true'])).code).toBe(0)
    await docker.run('rm', '-f', 'nested')
    await untilGone(docker, cgroup)
  })

  test('out of memory is told, its neighbour lives; the unit has not failed, and the name is free', async () => {
    const limits = ['-m', '32m', '--memory-swap', '32m']
    await sleeping(docker, 'thrifty', ...limits)
    const script = 'tail /dev/zero; code=$?; sleep 1; exit $code'
    const greedy = await docker.exec(['run', '--name', 'greedy', ...limits, 'busybox', 'sh', '-c', script])
    expect(greedy.code).toBe(137)
    expect((await inspect(docker, 'greedy')).State).toMatchObject({ OOMKilled: true, ExitCode: 137 })
    expect((await inspect(docker, 'thrifty')).State).toMatchObject({ OOMKilled: false, Running: true })
    await until('one unit', async () => (await scopes(docker)).length === 1)
    expect((await docker.exec(['start', '-a', 'greedy'])).code).toBe(137)
    const whole = await docker.exec(['run', '--name', 'whole', ...limits, 'busybox', 'tail', '/dev/zero'])
    expect(whole.code).toBe(137)
    await until('one unit', async () => (await scopes(docker)).length === 1)
  })

  test('--restart: each time in a scope of the same name', async () => {
    const often = ['--restart', 'on-failure:2', 'busybox', 'sh', '-c', 'echo try; exit 6']
    await docker.run('run', '-d', '--name', 'failing', ...often)
    const gaveUp = async () => {
      const { RestartCount, State } = await inspect(docker, 'failing')
      return State.Status === 'exited' && RestartCount === 2
    }
    await until('it to give up', gaveUp)
    expect(await docker.run('logs', 'failing')).toBe('try\ntry\ntry')
    const { unit, pid, cgroup } = await sleeping(docker, 'lasting', '-m', '64m', '--restart', 'always')
    await docker.host.output('kill', ['-9', String(pid)])
    const other = async () => {
      const { Running, Pid } = (await inspect(docker, 'lasting')).State
      return Running && Pid > 0 && Pid !== pid && Pid // while it waits for its restart it is 0, and running
    }
    const next = await until('it to be there again', other)
    expect([cgroupOf(docker.host, next, ''), limitOf(docker.host, next, '', 'memory.max')]).toEqual([
      cgroup,
      `${64 * MIB}`,
    ])
    expect(await scopes(docker)).toEqual([unit])
    await docker.run('rm', '-f', 'failing', 'lasting')
    await untilGone(docker, cgroup)
  })

  test('many at once: each has its scope, and none is left', async () => {
    const names = Array.from({ length: 6 }, (_, index) => `many${index}`)
    const made = await Promise.all(names.map((name) => sleeping(docker, name, '-m', '32m')))
    expect((await scopes(docker)).sort()).toEqual(made.map(({ unit }) => unit).sort())
    expect(made.map(({ file }) => file('memory.max'))).toEqual(names.map(() => `${32 * MIB}`))
    await Promise.all(names.map((name) => docker.run('rm', '-f', name)))
    await until('no scope', async () => (await scopes(docker)).length === 0)
  })

  test.each(['stop', 'kill'] as const)('the daemon ends (%s) and starts again: the scope stays', async (end) => {
    const { pid, unit, cgroup } = await sleeping(docker, 'lasting', '-m', '64m')
    await docker.stop(end)
    expect(await scopes(docker)).toEqual([unit])
    await docker.again()
    expect((await inspect(docker, 'lasting')).State).toMatchObject({ Pid: pid, Running: true })
    await docker.run('update', '-m', '128m', '--memory-swap', '128m', 'lasting')
    expect((await properties(docker.host, unit, 'MemoryMax')).MemoryMax).toBe(`${128 * MIB}`)
    expect(await docker.run('exec', 'lasting', 'cat', '/proc/self/cgroup')).toBe('0::/')
    await docker.run('rm', '-f', 'lasting')
    await untilGone(docker, cgroup)
  })
})
