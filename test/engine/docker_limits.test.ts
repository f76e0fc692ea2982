/** Docker: limits as the kernel has them, and what happens to who exceeds one. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { cgroupOf, limitOf } from './support/container.ts'
import { inspect, post } from './support/docker.ts'
import { dockerSuite } from './support/docker_suite.ts'

const MIB = 2 ** 20

dockerSuite('Docker, limits', {}, (docker) => {
  const pidOf = async (name: string) => (await inspect(docker, name)).State.Pid
  const memory = (pid: number) => limitOf(docker.host, pid, 'memory', 'memory.limit_in_bytes', 'memory.max')
  const quota = (pid: number) => limitOf(docker.host, pid, 'cpu', 'cpu.cfs_quota_us', 'cpu.max')
  const processes = (pid: number) => limitOf(docker.host, pid, 'pids', 'pids.max')
  const cpus = (pid: number) => limitOf(docker.host, pid, 'cpuset', 'cpuset.cpus')

  test('-m, --cpus, --cpuset-cpus, --pids-limit; update changes them while it runs', async () => {
    const limits = ['-m', '64m', '--cpus', '0.5', '--cpuset-cpus', '0', '--pids-limit', '20']
    await docker.run('run', '-d', '--name', 'small', ...limits, 'busybox', 'sleep', '1000')
    const pid = await pidOf('small')
    expect(memory(pid)).toBe(String(64 * MIB))
    expect(quota(pid)).toMatch(/^50000( 100000)?$/)
    expect(cpus(pid)).toBe('0')
    expect(processes(pid)).toBe('20')

    const more = ['-m', '128m', '--memory-swap', '256m', '--cpus', '1.5', '--cpuset-cpus', '0-1', '--pids-limit', '60']
    expect(await docker.run('update', ...more, 'small')).toBe('small')
    expect(memory(pid)).toBe(String(128 * MIB))
    expect(quota(pid)).toMatch(/^150000( 100000)?$/)
    expect(cpus(pid)).toBe('0-1')
    expect(processes(pid)).toBe('60')

    // What an update does not name stays as it is.
    await docker.run('update', '--cpu-shares', '512', 'small')
    expect(limitOf(docker.host, pid, 'cpu', 'cpu.shares', 'cpu.weight')).toMatch(/^(512|\d\d)$/)
    expect(memory(pid)).toBe(String(128 * MIB))
    expect(processes(pid)).toBe('60')
  })

  test('more processes than --pids-limit are refused by the kernel', async () => {
    const script = 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo not reached'
    const { code, stdout, stderr } = await docker.exec(['run', '--pids-limit', '4', 'busybox', 'sh', '-c', script])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain("can't fork: Resource temporarily unavailable")
  })

  test('a container out of memory ends with 137 and is said to be OOM-killed; its neighbour is not', async () => {
    const limits = ['-m', '32m', '--memory-swap', '32m']
    await docker.run('run', '-d', '--name', 'thrifty', ...limits, 'busybox', 'sleep', '1000')
    const events = docker.start([
      'events',
      // What happens before the client listens is told, too.
      '--since',
      String(Math.floor(Date.now() / 1000)),
      '--filter',
      'event=oom',
      '--format',
      '{{.Action}} {{.Actor.Attributes.name}}',
    ])
    const greedy = await docker.exec([
      'run',
      '--name',
      'greedy',
      ...limits,
      'busybox',
      'sh',
      '-c',
      'tail /dev/zero; exit $?',
    ])
    expect(greedy.code).toBe(137)
    expect((await inspect(docker, 'greedy')).State).toMatchObject({ OOMKilled: true, ExitCode: 137 })
    expect((await inspect(docker, 'thrifty')).State).toMatchObject({ OOMKilled: false, Running: true })
    await until('the event', () => events.stdout().includes('oom greedy\n'))
    events.child.kill()
  })

  test('--oom-kill-disable and --oom-score-adj reach the kernel', async () => {
    const flags = ['-m', '32m', '--oom-score-adj', '500']
    await docker.run('run', '-d', '--name', 'adjusted', ...flags, 'busybox', 'sleep', '1000')
    const pid = await pidOf('adjusted')
    expect(docker.host.read(`/proc/${pid}/oom_score_adj`)).toBe('500\n')
    const control = `${cgroupOf(docker.host, pid, 'memory')}/memory.oom_control`
    const text = () => readFileSync(control, 'utf8')
    if (!control.includes('/memory/')) return // v2 has no such switch
    expect(text()).toContain('oom_kill_disable 0\n')
    await docker.run('run', '-d', '--name', 'stubborn', ...flags, '--oom-kill-disable', 'busybox', 'sleep', '1000')
    const stubborn = cgroupOf(docker.host, await pidOf('stubborn'), 'memory')
    expect(readFileSync(`${stubborn}/memory.oom_control`, 'utf8')).toContain('oom_kill_disable 1\n')
  })

  test('--ulimit is a limit of every process, exec included', async () => {
    const flags = ['--ulimit', 'nofile=99:100', '--ulimit', 'core=0']
    await docker.run('run', '-d', '--name', 'limited', ...flags, 'busybox', 'sleep', '1000')
    const limits = docker.host.read(`/proc/${await pidOf('limited')}/limits`)
    expect(limits).toMatch(/^Max open files +99 +100 /m)
    expect(limits).toMatch(/^Max core file size +0 +0 /m)
    const said = await docker.run('exec', 'limited', 'sh', '-c', 'ulimit -n; ulimit -Hn; ulimit -c')
    expect(said).toBe('99\n100\n0')
  })

  test("--device-read-bps is the kernel's limit of the disk", async () => {
    const disk = (await docker.host.output('findmnt', ['-no', 'SOURCE', '--target', docker.host.directory])).trim()
    // Asked of the daemon: the command line of 25.0.0 to 27.1.1 loses the flag (docker/cli#5321).
    const HostConfig = { BlkioDeviceReadBps: [{ Path: disk, Rate: MIB }] }
    const container = { Image: 'busybox', Cmd: ['sleep', '1000'], HostConfig }
    expect(await post(docker, '/containers/create?name=slow', container)).toMatchObject({ status: 201 })
    expect(await docker.run('start', 'slow')).toBe('slow')
    const limit = limitOf(docker.host, await pidOf('slow'), 'blkio', 'blkio.throttle.read_bps_device', 'io.max')
    expect(limit).toMatch(/^\d+:\d+ (rbps=)?1048576\b/)
  })

  test('--shm-size and --tmpfs are as large as said', async () => {
    const flags = ['--shm-size', '8m', '--tmpfs', '/cache:size=4m,mode=700']
    const said = await docker.run(
      'run',
      '--rm',
      ...flags,
      'busybox',
      'sh',
      '-c',
      'df -k /dev/shm /cache; stat -c %a /cache',
    )
    expect(said).toMatch(/^shm +8192 .*\/dev\/shm\ntmpfs +4096 .*\/cache\n700$/m)
  })
})
