/** update: new limits in the kernel's files, all of them or none. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Resources } from '../../src/spec/types.gen.ts'
import { type Bundle, bundle, type Config, containerOutput, create, createStart } from '../support/bundle.ts'
import { directoryOf, onlyCgroups, value } from '../support/cgroups.ts'
import { output } from '../support/exec.ts'
import { processStatus } from '../support/kernel.ts'
import { probePath } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const v1 = requires('root', 'cgroup1')
const MB = 1 << 20

async function started(change: (config: Config) => void = () => {}): Promise<[Bundle, number]> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    change(config)
  })
  return [made, (await createStart(made)).pid]
}

/** `update -r -`. */
const send = (id: string, request: Resources | string) =>
  davit(['update', '--resources', '-', id], { stdin: typeof request === 'string' ? request : JSON.stringify(request) })

async function sent(id: string, request: Resources): Promise<void> {
  expect(await send(id, request)).toMatchObject({ code: 0, stdout: '', stderr: '' })
}

describe.runIf(v1)('update', () => {
  test('sets every limit that a flag names, and no other', async () => {
    const [made, pid] = await started()
    const flags = {
      'memory-reservation': ['32m', 'memory', 'memory.soft_limit_in_bytes', `${32 * MB}`],
      'cpu-share': ['300', 'cpu', 'cpu.shares', '300'],
      'cpu-period': ['50000', 'cpu', 'cpu.cfs_period_us', '50000'],
      'cpu-quota': ['20000', 'cpu', 'cpu.cfs_quota_us', '20000'],
      'cpu-burst': ['1000', 'cpu', 'cpu.cfs_burst_us', '1000'],
      'cpuset-cpus': ['0', 'cpuset', 'cpuset.cpus', '0'],
      'cpuset-mems': ['0', 'cpuset', 'cpuset.mems', '0'],
      'pids-limit': ['20', 'pids', 'pids.max', '20'],
      memory: ['1.5g', 'memory', 'memory.limit_in_bytes', `${1536 * MB}`],
    } as const
    const files = Object.values(flags)
    const before = new Map(files.map(([, controller, file]) => [file, value(pid, controller, file)] as const))
    for (const [flag, [given, controller, file, expected]] of Object.entries(flags)) {
      expect(await must(['update', `--${flag}`, given, made.id])).toBe('')
      expect(value(pid, controller, file), flag).toBe(expected)
      before.set(file, expected)
      for (const [, other, name] of files)
        expect(value(pid, other, name), `${name} after ${flag}`).toBe(before.get(name))
    }
    await must(['update', '--cpu-idle', '1', made.id])
    expect(value(pid, 'cpu', 'cpu.idle')).toBe('1')
    await must(['update', '--memory=-1', '--pids-limit=-1', '--cpu-quota=-1', '--cpu-idle=0', '--cpu-burst=0', made.id])
    expect(Number(value(pid, 'memory', 'memory.limit_in_bytes'))).toBeGreaterThan(2 ** 62)
    expect(value(pid, 'pids', 'pids.max')).toBe('max')
    expect(value(pid, 'cpu', 'cpu.cfs_quota_us')).toBe('-1')
    // Shares come back with idle 0: they are in force still.
    expect([value(pid, 'cpu', 'cpu.idle'), value(pid, 'cpu', 'cpu.shares')]).toEqual(['0', '300'])
    await must(['update', '--pids-limit', '0', made.id])
    expect(value(pid, 'pids', 'pids.max')).toBe('0')
  })

  test('finds the order in which memory and swap can be raised and lowered', async () => {
    const [made, pid] = await started()
    const now = () =>
      ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'].map((file) => Number(value(pid, 'memory', file)) / MB)
    for (const [memory, swap] of [
      [64, 128],
      [256, 512],
      [32, 32],
      [512, 512],
      [300, 400],
    ]) {
      await must(['update', '--memory', `${memory}m`, '--memory-swap', `${swap}M`, made.id])
      expect(now()).toEqual([memory, swap])
    }
    await must(['update', '--memory', '350m', made.id])
    expect(now()).toEqual([350, 400])
    const { code, stderr } = await davit(['update', '--memory', '450m', made.id])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/memory\+swap limit should be >= memory limit/)])
    expect(now()).toEqual([350, 400])
    await must(['update', '--memory', '-1', made.id])
    expect(Math.min(...now())).toBeGreaterThan(2 ** 40)
  })

  test('takes what engines send: zeros leave alone', async () => {
    const [made, pid] = await started((config) => {
      config.linux.resources = { ...config.linux.resources, cpu: { shares: 500 }, memory: { reservation: 16 * MB } }
    })
    await sent(made.id, {
      memory: { limit: 134217728, reservation: 0, swap: 134217728, kernel: 0 },
      cpu: { shares: 0, quota: 100000, period: 100000, cpus: '0' },
      pids: { limit: 60 },
      blockIO: { weight: 0 },
    })
    const files = [
      ['memory', 'memory.limit_in_bytes', '134217728'],
      ['memory', 'memory.memsw.limit_in_bytes', '134217728'],
      ['memory', 'memory.soft_limit_in_bytes', `${16 * MB}`],
      ['cpu', 'cpu.shares', '500'],
      ['cpu', 'cpu.cfs_quota_us', '100000'],
      ['cpuset', 'cpuset.cpus', '0'],
      ['pids', 'pids.max', '60'],
    ] as const
    for (const [controller, file, expected] of files) expect(value(pid, controller, file), file).toBe(expected)
    expect(processStatus(pid).Cpus_allowed_list).toBe('0')
    // From a file, too.
    writeFileSync(`${made.path}/r.json`, '{"pids":{"limit":61}}')
    await must(['update', '-r', 'r.json', made.id], { cwd: made.path })
    expect(value(pid, 'pids', 'pids.max')).toBe('61')
  })

  test('puts everything back when one value is refused', async () => {
    const [made, pid] = await started((config) => {
      config.linux.resources = { ...config.linux.resources, cpu: { shares: 500, cpus: '0' }, pids: { limit: 50 } }
    })
    const files = [
      ['cpuset', 'cpuset.cpus'],
      ['memory', 'memory.limit_in_bytes'],
      ['memory', 'memory.memsw.limit_in_bytes'],
      ['memory', 'memory.oom_control'],
      ['memory', 'memory.swappiness'],
      ['cpu', 'cpu.shares'],
      ['cpu', 'cpu.cfs_quota_us'],
      ['pids', 'pids.max'],
      ['blkio', 'blkio.throttle.read_bps_device'],
    ] as const
    const values = () => files.map(([controller, file]) => `${file} ${value(pid, controller, file)}`)
    const before = values()
    const record = readFileSync(`${stateRoot()}/${made.id}/state.json`, 'utf8')
    const { code, stderr } = await send(made.id, {
      cpu: { cpus: '0-1', shares: 100, quota: 10000 },
      memory: { limit: 64 * MB, swap: 64 * MB, disableOOMKiller: true, swappiness: 3 },
      pids: { limit: 5 },
      // Written last of all, and there is no such device.
      blockIO: {
        throttleReadBpsDevice: [
          { major: 7, minor: 0, rate: 2000 },
          { major: 4000, minor: 1, rate: 1000 },
        ],
      },
    })
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^davit: update failed: set blkio.throttle.read_bps_device to 4000:1 1000 in \S+ \(\/blockIO\/throttleReadBpsDevice\/1\): no such device\n$/,
      ),
    ])
    expect(values()).toEqual(before)
    expect(readFileSync(`${stateRoot()}/${made.id}/state.json`, 'utf8')).toBe(record)
  })

  test('tells how much is used when a limit is below that', async () => {
    const [made, pid] = await started()
    const before = value(pid, 'memory', 'memory.limit_in_bytes')
    const { code, stderr } = await davit(['update', '--memory', '4k', made.id])
    const words = /\(\/memory\/limit\): device or resource busy \(current usage: \d+, peak usage: \d+\)\n$/
    expect([code, stderr]).toEqual([1, expect.stringMatching(words)])
    expect(value(pid, 'memory', 'memory.limit_in_bytes')).toBe(before)
  })

  test('refuses bad input before anything is written', async () => {
    const [made, pid] = await started()
    const before = value(pid, 'pids', 'pids.max')
    for (const [request, words] of [
      ['', /parse standard input: line 1, column 1: unexpected end/],
      ['{"pids":{"limit":5},}', /parse standard input: line 1, column 21/],
      ['{"pids":{"limit":5},"memory":{"limit":"1g"}}', /\/memory\/limit: expected an integer/],
      ['{"pids":{"limit":5},"cpus":{}}', /\/cpus: no such kind of resource/],
      ['{"pids":{"limit":5},"memory":{"swappiness":200}}', /\/memory\/swappiness: expected an integer from 0 to 100/],
      ['{"pids":{"limit":5},"hugepageLimits":[{"pageSize":"../2MB","limit":0}]}', /\/hugepageLimits\/0\/pageSize/],
      ['{"pids":{"limit":5},"unified":{"../x.y":"1"}}', /\/unified\/..~1x.y/],
    ] as const) {
      const { code, stderr } = await send(made.id, request)
      expect([code, stderr]).toEqual([1, expect.stringMatching(words)])
    }
    for (const [flags, words] of [
      [['--memory', '1x'], /invalid value for memory: invalid size: '1x'/],
      [['--cpu-period', '-5'], /invalid value for cpu-period: "-5" is no number/],
      [['--blkio-weight', '70000'], /invalid flags: \/blockIO\/weight: expected an integer from 0 to 65535/],
      [['--l3-cache-schema', 'L3:0=f'], /the container was created without linux.intelRdt/],
      [['--mem-bw-schema', '0=20'], /--mem-bw-schema: expected a line that starts with "MB:"/],
    ] as const) {
      const { code, stderr } = await davit(['update', ...flags, '--pids-limit', '5', made.id])
      expect([code, stderr]).toEqual([1, expect.stringMatching(words)])
    }
    expect(value(pid, 'pids', 'pids.max')).toBe(before)
    const warned = await davit(['update', '--kernel-memory', '5m', '--pids-limit', '7', made.id])
    expect([warned.code, warned.stderr]).toEqual([0, expect.stringMatching(/--kernel-memory is ignored/)])
    expect(value(pid, 'pids', 'pids.max')).toBe('7')
  })

  test('works on a created and on a paused container, not on one that has stopped', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    await create(made)
    const { pid } = await state(made.id)
    await must(['update', '--pids-limit', '30', made.id])
    expect(value(pid, 'pids', 'pids.max')).toBe('30')
    await must(['start', made.id])
    await must(['pause', made.id])
    await must(['update', '--pids-limit', '31', made.id])
    expect(value(pid, 'pids', 'pids.max')).toBe('31')
    expect((await state(made.id)).status).toBe('paused')
    await must(['kill', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
    const { code, stderr } = await davit(['update', '--pids-limit', '32', made.id])
    expect([code, stderr]).toEqual([1, 'davit: update failed: container not running\n'])
    await must(['delete', made.id])
    expect((await davit(['update', made.id])).stderr).toMatch(/container does not exist/)
  })

  test('rates and weights of devices, and huge pages', async () => {
    const [made, pid] = await started()
    await sent(made.id, {
      blockIO: {
        weight: 200,
        throttleReadBpsDevice: [{ major: 7, minor: 0, rate: 1000 }],
        throttleWriteIOPSDevice: [{ major: 7, minor: 0, rate: 50 }],
      },
      hugepageLimits: [{ pageSize: '2MB', limit: 4 * MB }],
    })
    expect(value(pid, 'blkio', 'blkio.throttle.read_bps_device')).toBe('7:0 1000')
    expect(value(pid, 'blkio', 'blkio.throttle.write_iops_device')).toBe('7:0 50')
    const huge = [directoryOf(pid, 'hugetlb'), directoryOf(pid, '')].find((dir) => existsSync(`${dir}/hugetlb.2MB.max`))
    expect(huge && readFileSync(`${huge}/hugetlb.2MB.max`, 'utf8')).toBe(`${4 * MB}\n`)
    await sent(made.id, { blockIO: { throttleReadBpsDevice: [{ major: 7, minor: 0, rate: 0 }] } })
    expect(value(pid, 'blkio', 'blkio.throttle.read_bps_device')).toBe('')
    expect(value(pid, 'blkio', 'blkio.throttle.write_iops_device')).toBe('7:0 50')
  })
})

const FUSE = { type: 'c', major: 10, minor: 229, access: 'rwm' }

describe.runIf(requires('root'))('update of devices', () => {
  /** Says over and over whether it can open a device that it has made itself. */
  async function opener(): Promise<[Bundle, number]> {
    return started((config) => {
      const loop = 'while :; do if (: </dev/it) 2>/dev/null; then echo yes; else echo no; fi; sleep 0.02; done'
      config.process.args = ['/bin/sh', '-c', `mknod /dev/it c 10 229; ${loop}`]
      config.process.capabilities = {
        bounding: ['CAP_MKNOD'],
        effective: ['CAP_MKNOD'],
        permitted: ['CAP_MKNOD'],
      }
      config.linux.resources = {
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, ...FUSE },
        ],
      }
    })
  }

  async function says(made: Bundle, word: 'yes' | 'no'): Promise<void> {
    const lines = () => containerOutput(made).trim().split('\n')
    const from = lines().length + 1
    await until(word, () => lines().length > from && lines().at(-1) === word)
  }

  test.runIf(v1)('takes one away and gives it back, and leaves alone what others changed (v1)', async () => {
    const [made, pid] = await opener()
    await says(made, 'yes')
    const before = value(pid, 'devices', 'devices.list')
    await sent(made.id, { devices: [{ allow: false, access: 'rwm' }] })
    await says(made, 'no')
    // As drivers of GPUs do.
    writeFileSync(`${directoryOf(pid, 'devices')}/devices.allow`, 'c 195:255 rw')
    await sent(made.id, { devices: [{ allow: false, access: 'rwm' }], pids: { limit: 40 } })
    expect(value(pid, 'devices', 'devices.list')).toContain('c 195:255 rw')
    await sent(made.id, {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, ...FUSE },
      ],
    })
    await says(made, 'yes')
    const lines = (text: string) => text.split('\n').sort()
    expect(lines(value(pid, 'devices', 'devices.list'))).toEqual(lines(`${before}\nc 195:255 rw`))
  })

  test('replaces the program of v2, every time (v2)', async () => {
    const [made, pid] = await opener()
    if (v1) writeFileSync(`${directoryOf(pid, 'devices')}/devices.allow`, 'a')
    onlyCgroups(made.id, 'v2')
    await says(made, 'yes')
    const programs = async () => Number(await output(await probePath(), ['programs', directoryOf(pid, '')]))
    for (let i = 0; i < 3; i++) {
      await sent(made.id, { devices: [{ allow: false, access: 'rwm' }] })
      await says(made, 'no')
      expect(await programs()).toBe(1)
      await sent(made.id, {
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, ...FUSE },
        ],
      })
      await says(made, 'yes')
      expect(await programs()).toBe(1)
    }
    await sent(made.id, { devices: [{ allow: true, access: 'rwm' }] })
    expect(await programs()).toBe(0)
  })
})
