/** Docker where systemd makes the cgroups: a container is a scope, whose limits systemd and the kernel have alike. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { isFrozen, limitOf } from './support/container.ts'
import { dockerSuite } from './support/docker_suite.ts'
import { placeOf, runPlaced, SYSTEMD_DOCKER, sleeping, untilGone } from './support/docker_systemd.ts'
import { snippets } from './support/page.ts'
import { properties, unitsLike } from './support/unit.ts'

const MIB = 2 ** 20

dockerSuite('Docker, systemd', SYSTEMD_DOCKER, (docker) => {
  test('the page: the driver is systemd; a container is a scope of the slice that was asked for', async () => {
    const [lines = ''] = snippets('docker', 'sh').filter((text) => text.includes('systemctl'))
    const [driver = '', , slice = '', scope = ''] = (
      await docker.host.output('sh', ['-euc', lines], { env: docker.env, timeout: 60_000 })
    ).split('\n')
    expect([driver, slice]).toEqual(['systemd 2', 'work.slice'])
    const { unit, cgroup } = await placeOf(docker, 'limited')
    expect([scope, cgroup]).toEqual([unit, `/sys/fs/cgroup/work.slice/${unit}`])
    await docker.run('rm', '-f', 'limited')
    await untilGone(docker, cgroup)
    await docker.host.output('systemctl', ['stop', 'work.slice'])
  })

  test('without one it is in system.slice, delegated; a slice in a slice is made on the way', async () => {
    const plain = await sleeping(docker, 'plain')
    expect(plain.cgroup).toBe(`/sys/fs/cgroup/system.slice/${plain.unit}`)
    expect(await properties(docker.host, plain.unit, 'Slice', 'Delegate', 'ActiveState')).toEqual({
      ...{ Slice: 'system.slice', Delegate: 'yes', ActiveState: 'active' },
    })
    const deep = await sleeping(docker, 'deep', '--cgroup-parent', 'work-deep.slice')
    expect(deep.cgroup).toBe(`/sys/fs/cgroup/work.slice/work-deep.slice/${deep.unit}`)
    await docker.run('rm', '-f', 'plain', 'deep')
    await docker.host.output('systemctl', ['stop', 'work.slice'])
    expect(await unitsLike(docker.host, 'docker-*', 'work*')).toEqual([])
  })

  test('limits are properties of the unit and in the kernel’s files; update changes both, a reload none', async () => {
    const limits = ['-m', '64m', '--memory-swap', '96m', '--memory-reservation', '32m', '--cpus', '0.5']
    const more = ['--cpu-shares', '512', '--cpuset-cpus', '0', '--pids-limit', '20', '--blkio-weight', '300']
    const { unit, file } = await sleeping(docker, 'small', ...limits, ...more)
    const names = ['MemoryMax', 'MemorySwapMax', 'MemoryLow', 'CPUQuotaPerSecUSec', 'TasksMax', 'AllowedCPUs'] as const
    const files = ['memory.max', 'memory.swap.max', 'memory.low', 'cpu.max', 'pids.max', 'cpuset.cpus']
    const both = async () => [Object.values(await ordered()), files.map(file)]
    const ordered = async () => {
      const found = await properties(docker.host, unit, ...names)
      return Object.fromEntries(names.map((name) => [name, found[name]]))
    }
    const weights = async () => {
      const { CPUWeight, IOWeight } = await properties(docker.host, unit, 'CPUWeight', 'IOWeight')
      expect([file('cpu.weight'), file('io.weight')]).toEqual([CPUWeight, `default ${IOWeight}`])
      return [Number(CPUWeight), Number(IOWeight)]
    }
    const first = [`${64 * MIB}`, `${32 * MIB}`, `${32 * MIB}`]
    expect(await both()).toEqual([
      [...first, '500ms', '20', '0'],
      [...first, '50000 100000', '20', '0'],
    ])
    // 10 to 1000 become 1 to 10,000.
    const less = await weights()
    expect(less).toEqual([expect.any(Number), 2930])
    expect(less[0]).toBeLessThan(100)

    const others = ['-m', '128m', '--memory-swap', '256m', '--memory-reservation', '64m', '--cpus', '1.5']
    const rest = ['--cpu-shares', '4096', '--cpuset-cpus', '0-1', '--pids-limit', '60', '--blkio-weight', '1000']
    await docker.run('update', ...others, ...rest, 'small')
    const second = [`${128 * MIB}`, `${128 * MIB}`, `${64 * MIB}`]
    const expected = [
      [...second, '1.500000s', '60', '0-1'],
      [...second, '150000 100000', '60', '0-1'],
    ]
    expect(await both()).toEqual(expected)
    const most = await weights()
    expect(most).toEqual([expect.any(Number), 10_000])
    expect(most[0]).toBeGreaterThan(20)
    expect(most[0]).toBeGreaterThan(less[0] as number)
    await docker.host.output('systemctl', ['daemon-reload'], { timeout: 60_000 })
    expect([await both(), await weights()]).toEqual([expected, most])
  })

  test('exec is in the cgroup of the container, which sees itself at the top, or where it is', async () => {
    const { unit, cgroup } = await sleeping(docker, 'apart')
    expect(await docker.run('exec', 'apart', 'cat', '/proc/self/cgroup')).toBe('0::/')
    await docker.run('exec', '-d', 'apart', 'sleep', '1234')
    const inside = () => readFileSync(`${cgroup}/cgroup.procs`, 'utf8').trim().split('\n')
    await until('two processes', () => inside().length === 2)
    const listed = (await docker.run('top', 'apart', '-o', 'pid,args')).split('\n').slice(1)
    expect(listed.map((line) => line.trim().split(/\s+/)[0]).sort()).toEqual(inside().sort())
    expect(listed.join('\n')).toMatch(/sleep 1000[\s\S]*sleep 1234/)
    expect(unit).toMatch(/^docker-[0-9a-f]{64}\.scope$/)
    const seen = await sleeping(docker, 'seen', '--cgroupns', 'host')
    expect(await docker.run('exec', 'seen', 'cat', '/proc/self/cgroup')).toBe(`0::/system.slice/${seen.unit}`)
  })

  test('pause freezes it, unpause lets it go on; removed while it is paused', async () => {
    const script = 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.05; done'
    const { pid, cgroup } = await runPlaced(docker, 'clock', 'busybox', 'sh', '-c', script)
    const count = () => Number(docker.host.read(`/proc/${pid}/root/count`).trim() || 'NaN')
    await until('it to count', () => existsSync(`/proc/${pid}/root/count`) && count() > 1)
    await docker.run('pause', 'clock')
    expect(isFrozen(docker.host, pid)).toBe(true)
    const paused = count()
    await docker.run('update', '-m', '64m', '--memory-swap', '64m', 'clock')
    expect([isFrozen(docker.host, pid), limitOf(docker.host, pid, '', 'memory.max'), count()]).toEqual([
      true,
      `${64 * MIB}`,
      paused,
    ])
    await docker.run('unpause', 'clock')
    await until('it to go on', () => count() > paused)
    await docker.run('pause', 'clock')
    await docker.run('rm', '-f', 'clock')
    await untilGone(docker, cgroup)
  })
})
