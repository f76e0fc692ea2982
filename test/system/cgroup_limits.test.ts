/** Limits of containers: in the files of their cgroups, and in force. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, createStart, outputOf, run } from '../support/bundle.ts'
import { value } from '../support/cgroups.ts'
import { exec } from '../support/exec.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { RUNTIME } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'

const v1 = requires('root', 'cgroup1')
const v2 = requires('root', 'cgroup2')

async function started(change: (config: Config) => void): Promise<number> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    change(config)
  })
  return (await createStart(made)).pid
}

describe.runIf(v1)('limits on cgroup v1', () => {
  test('are in the files', async () => {
    const pid = await started((config) => {
      config.linux.resources = {
        ...config.linux.resources,
        pids: { limit: 33 },
        memory: { limit: 64 << 20, reservation: 32 << 20, swappiness: 7, disableOOMKiller: false },
        cpu: { shares: 777, quota: 20000, period: 50000, cpus: '0', mems: '0' },
      }
    })
    expect(value(pid, 'pids', 'pids.max')).toBe('33')
    expect(value(pid, 'memory', 'memory.limit_in_bytes')).toBe(`${64 << 20}`)
    expect(value(pid, 'memory', 'memory.soft_limit_in_bytes')).toBe(`${32 << 20}`)
    expect(value(pid, 'memory', 'memory.swappiness')).toBe('7')
    expect(value(pid, 'memory', 'memory.oom_control')).toMatch(/^oom_kill_disable 0/)
    expect(value(pid, 'cpu', 'cpu.shares')).toBe('777')
    expect(value(pid, 'cpu', 'cpu.cfs_quota_us')).toBe('20000')
    expect(value(pid, 'cpu', 'cpu.cfs_period_us')).toBe('50000')
    expect(value(pid, 'cpuset', 'cpuset.cpus')).toBe('0')
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Cpus_allowed_list:\t0$/m)
  })

  test('that are not given leave the kernel’s, and the OOM killer on', async () => {
    const pid = await started(() => {})
    expect(value(pid, 'pids', 'pids.max')).toBe('max')
    expect(value(pid, 'memory', 'memory.oom_control')).toMatch(/^oom_kill_disable 0/)
    expect(value(pid, 'cpu', 'cpu.shares')).toBe('1024')
  })

  test('that the kernel refuses are errors that name the field', async () => {
    const made = await bundle((config) => {
      config.linux.resources.cpu = { cpus: '4000' }
    })
    const { code, stderr } = await run(made)
    expect(code).toBe(1)
    expect(stderr).toMatch(/linux\/resources\/cpu/)
    expect(cgroupsNamed(made.id)).toEqual([])
  })
})

describe.runIf(v2)('limits on cgroup v2', () => {
  test('are in the files', async () => {
    const pid = await started((config) => {
      config.linux.resources = {
        ...config.linux.resources,
        pids: { limit: 33 },
        memory: { limit: 64 << 20, reservation: 32 << 20 },
        cpu: { shares: 1024, quota: 20000, period: 50000 },
      }
    })
    expect(value(pid, '', 'pids.max')).toBe('33')
    expect(value(pid, '', 'memory.max')).toBe(`${64 << 20}`)
    expect(value(pid, '', 'memory.low')).toBe(`${32 << 20}`)
    expect(value(pid, '', 'cpu.weight')).toBe('100')
    expect(value(pid, '', 'cpu.max')).toBe('20000 50000')
  })
})

describe.runIf(v1 || v2)('limits', () => {
  test('of processes are in force', async () => {
    const made = await bundle((config) => {
      config.linux.resources.pids = { limit: 5 }
      config.process.args = ['/bin/sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; echo all']
    })
    const { stdout, stderr } = await run(made)
    expect(stdout).not.toContain('all')
    expect(stderr).toMatch(/fork/)
  })

  test('of memory are in force: the one who takes too much is killed', async () => {
    const limits = (config: Config) => {
      config.linux.resources.memory = { limit: 32 << 20, swap: 32 << 20 }
    }
    expect(await outputOf('probe dirty 8', limits)).toBe('used\n')
    const made = await bundle((config) => {
      limits(config)
      config.process.args = ['/bin/probe', 'dirty', '200']
    })
    expect((await run(made)).code).toBe(137)
  })

  test('may be as low as 256 KiB of memory', async () => {
    const made = await bundle((config) => {
      config.linux.resources.memory = { limit: 256 << 10 }
      config.process.args = ['/bin/true']
    })
    // In memory on our account: pages that had to be read again would be on the container's.
    readFileSync(`${made.rootfs}/bin/busybox`)
    expect(await run(made)).toMatchObject({ code: 0, stderr: '' })
  })

  test('cannot be changed from inside: the hierarchy is read-only', async () => {
    const made = await bundle('find /sys/fs/cgroup -name pids.max -exec sh -c "echo 5 >{}" \\; 2>&1; true')
    expect((await run(made)).stdout).toMatch(/^(sh: .*Read-only file system\n)*$/)
  })

  test('of the caller’s affinity do not stick', async () => {
    const made = await bundle(['/bin/grep', 'Cpus_allowed_list', '/proc/self/status'])
    const free = await outputOf('grep Cpus_allowed_list /proc/self/status')
    const line = ['0', RUNTIME, '--root', stateRoot(), 'run', '-b', made.path, made.id]
    expect((await exec('taskset', ['--cpu-list', ...line])).stdout).toBe(free)
  })
})
