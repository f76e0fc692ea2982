/** Every field of linux.resources: what the kernel's files say of it, for the controllers that this machine has. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { CpuResources, MemoryResources, Resources } from '../../src/spec/types.gen.ts'
import { type Bundle, bundle, createStart, run, tryCreate } from '../support/bundle.ts'
import { hierarchies, value } from '../support/cgroups.ts'
import { exec } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { command, type Need, requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'

const MB = 1 << 20

const HUGE_PAGES = '/sys/kernel/mm/hugepages'

/** Of devices that nobody uses. */
const SCHEDULERS = ['/sys/block/loop7/queue/scheduler', '/sys/block/loop6/queue/scheduler']

/** A controller on v1, here; no machine has all. */
const onV1 = (name: string): Need => ({
  name: `the v1 controller ${name}`,
  optional: true,
  met: () => hierarchies()[name] !== undefined && name !== '',
})

const has = (name: string, met: boolean): Need => ({ name, optional: true, met: () => met })

const realtime = has('cgroups of realtime', existsSync(`${hierarchies().cpu}/cpu.rt_runtime_us`))
const bfq = has('BFQ', existsSync(`${hierarchies().blkio}/blkio.bfq.io_serviced`))
const scheduler = has(SCHEDULERS.join(' and '), SCHEDULERS.every(existsSync))

/** A whole disk. */
const DISK = /^ *(\d+) +(\d+) +\d+ ([sv]d[a-z]|nvme\d+n\d+)$/m.exec(readFileSync('/proc/partitions', 'utf8'))
const disk = has('a disk', DISK !== null)
/** Another one, where there is one. */
const LOOP = existsSync('/sys/block/loop7') ? [{ major: 7, minor: 7 }] : []

/** Sizes of huge pages that the kernel has, one or several. */
const SIZES = (existsSync(HUGE_PAGES) ? readdirSync(HUGE_PAGES) : [])
  .map((name) => Number(/\d+/.exec(name)?.[0]) * 1024)
  .map((bytes) => ({ bytes, pageSize: bytes < 1024 * MB ? `${bytes / MB}MB` : `${bytes / MB / 1024}GB` }))

const huge: Need = {
  name: 'the v2 controller hugetlb with pages of 2 MB',
  optional: true,
  met: () =>
    existsSync(`${HUGE_PAGES}/hugepages-2048kB`) &&
    (hierarchies()[''] ?? '') !== '' &&
    readFileSync(`${hierarchies()['']}/cgroup.controllers`, 'utf8').includes('hugetlb'),
}

function asking(resources: Resources): Promise<Bundle> {
  return bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    Object.assign(config.linux.resources, resources)
  })
}

/** Starts a container; what these files of it say, each named CONTROLLER:FILE. */
async function files(resources: Resources, ...names: readonly string[]): Promise<string[]> {
  const { pid } = await createStart(await asking(resources))
  return names.map((name) => {
    const [controller = '', file = ''] = name.split(':')
    return value(pid, controller, file)
  })
}

/** What `create` says; it must fail. */
async function refusal(resources: Resources): Promise<string> {
  const { code, stderr } = await tryCreate(await asking(resources))
  expect(code).toBe(1)
  return stderr
}

describe.runIf(requires('root', onV1('memory')))('memory', () => {
  const one = async (memory: MemoryResources, file: string) => (await files({ memory }, `memory:${file}`))[0]

  test('limit', async () => {
    expect(await one({ limit: 48 * MB }, 'memory.limit_in_bytes')).toBe(`${48 * MB}`)
    expect(Number(await one({ limit: -1 }, 'memory.limit_in_bytes'))).toBeGreaterThan(2 ** 62)
  })
  test('swap: of memory and swap together, unlimited, and without a limit', async () => {
    const both = ['memory:memory.limit_in_bytes', 'memory:memory.memsw.limit_in_bytes'] as const
    expect(await files({ memory: { limit: 48 * MB, swap: 96 * MB } }, ...both)).toEqual([`${48 * MB}`, `${96 * MB}`])
    const [, unlimited] = await files({ memory: { limit: 48 * MB, swap: -1 } }, ...both)
    expect(Number(unlimited)).toBeGreaterThan(2 ** 62)
    expect(await refusal({ memory: { swap: 96 * MB } })).toMatch(
      /\/linux\/resources\/memory\/swap: unable to set swap limit without memory limit/,
    )
    expect(await refusal({ memory: { limit: 96 * MB, swap: 48 * MB } })).toMatch(
      /memory\+swap limit should be >= memory/,
    )
  })
  test('reservation', async () => {
    expect(await one({ reservation: 24 * MB }, 'memory.soft_limit_in_bytes')).toBe(`${24 * MB}`)
  })
  test('swappiness, 0 included', async () => {
    expect(await one({ swappiness: 33 }, 'memory.swappiness')).toBe('33')
    expect(await one({ swappiness: 0 }, 'memory.swappiness')).toBe('0')
  })
  test('disableOOMKiller', async () => {
    expect(await one({ disableOOMKiller: true, limit: 48 * MB }, 'memory.oom_control')).toMatch(/^oom_kill_disable 1/)
    expect(await one({ disableOOMKiller: false }, 'memory.oom_control')).toMatch(/^oom_kill_disable 0/)
  })
  test('kernel memory and a flat hierarchy are ignored, with a warning', async () => {
    const made = await asking({ memory: { kernel: 4 * MB, kernelTCP: 4 * MB, useHierarchy: false } })
    const { stderr } = await tryCreate(made)
    expect(stderr).toMatch(/memory\/kernel: kernel memory settings are ignored/)
    expect(stderr).toMatch(/memory\/kernelTCP: kernel memory settings are ignored/)
    expect(stderr).toMatch(/memory\/useHierarchy: memory is always accounted hierarchically/)
    expect(await one({ useHierarchy: true }, 'memory.use_hierarchy')).toBe('1')
  })
  test('checkBeforeUpdate changes nothing where the kernel refuses by itself', async () => {
    expect(await one({ limit: 48 * MB, checkBeforeUpdate: true }, 'memory.limit_in_bytes')).toBe(`${48 * MB}`)
  })
})

describe.runIf(requires('root', onV1('cpu'), onV1('cpuset')))('cpu', () => {
  const of = (cpu: CpuResources, ...names: readonly string[]) =>
    files({ cpu }, ...names.map((name) => `${name.split('.')[0]}:${name}`))

  test('shares', async () => {
    expect(await of({ shares: 512 }, 'cpu.shares')).toEqual(['512'])
    expect(await refusal({ cpu: { shares: 1 } })).toMatch(/cpu\/shares: the minimum allowed cpu-shares is 2/)
  })
  test('quota, period and burst', async () => {
    const names = ['cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.cfs_burst_us']
    expect(await of({ quota: 30000, period: 60000, burst: 7000 }, ...names)).toEqual(['30000', '60000', '7000'])
    expect(await of({ quota: -1 }, ...names)).toEqual(['-1', '100000', '0'])
    expect(await of({ period: 60000 }, ...names)).toEqual(['-1', '60000', '0'])
    expect(await refusal({ cpu: { quota: 30000, burst: 40000 } })).toMatch(
      /cpu\/burst: the burst 40000 is above the quota 30000/,
    )
  })
  test('idle, which wins over shares', async () => {
    expect(await of({ idle: 1, shares: 512 }, 'cpu.idle')).toEqual(['1'])
    expect(await of({ idle: 0, shares: 512 }, 'cpu.idle', 'cpu.shares')).toEqual(['0', '512'])
  })
  test.runIf(requires(realtime))('realtimeRuntime and realtimePeriod', async () => {
    const names = ['cpu.rt_runtime_us', 'cpu.rt_period_us']
    expect(await of({ realtimeRuntime: 2000, realtimePeriod: 500000 }, ...names)).toEqual(['2000', '500000'])
    expect(await of({ realtimeRuntime: 3000 }, ...names)).toEqual(['3000', '1000000'])
  })
  test('cpus and mems', async () => {
    expect(await of({ cpus: '0', mems: '0' }, 'cpuset.cpus', 'cpuset.mems')).toEqual(['0', '0'])
    expect(await refusal({ cpu: { cpus: '4000' } })).toMatch(
      /set cpuset.cpus to 4000 in .*\(\/linux\/resources\/cpu\/cpus\)/,
    )
    expect(await refusal({ cpu: { mems: '900' } })).toMatch(
      /set cpuset.mems to 900 in .*\(\/linux\/resources\/cpu\/mems\)/,
    )
  })
})

describe.runIf(requires('root', onV1('pids')))('pids.limit', () => {
  test.each([
    [77, '77'],
    [0, '0'],
    [-1, 'max'],
  ])('%s', async (limit, expected) => {
    expect(await files({ pids: { limit } }, 'pids:pids.max')).toEqual([expected])
  })
})

describe.runIf(requires('root', onV1('blkio')))('blockIO', () => {
  const [major, minor] = [Number(DISK?.[1]), Number(DISK?.[2])]

  test.runIf(requires(bfq))('weight', async () => {
    expect((await files({ blockIO: { weight: 123 } }, 'blkio:blkio.bfq.weight'))[0]).toMatch(/\b123$/m)
  })
  test.runIf(requires(bfq, scheduler))('weightDevice', async () => {
    // KERNEL: a device takes a weight only while it is scheduled by BFQ.
    for (const file of SCHEDULERS) {
      const before = /\[(.*)\]/.exec(readFileSync(file, 'utf8'))?.[1] as string
      atEnd(() => writeFileSync(file, before))
      writeFileSync(file, 'bfq')
    }
    const weightDevice = [7, 6].map((minor) => ({ major: 7, minor, weight: 314 + minor }))
    const [text] = await files({ blockIO: { weightDevice } }, 'blkio:blkio.bfq.weight_device')
    for (const { minor, weight } of weightDevice) expect(text).toContain(`7:${minor} ${weight}`)
  })
  test.runIf(requires(disk))('the four throttles, of which 0 is none', async () => {
    const on = (rate: number) => [{ major, minor, rate }]
    const both = (rate: number) => [...on(rate), ...LOOP.map((device) => ({ ...device, rate: rate + 1000 }))]
    const keys = ['read_bps', 'write_bps', 'read_iops', 'write_iops'].map(
      (name) => `blkio:blkio.throttle.${name}_device`,
    )
    const blockIO = {
      throttleReadBpsDevice: both(1001),
      throttleWriteBpsDevice: both(1002),
      throttleReadIOPSDevice: both(1003),
      throttleWriteIOPSDevice: both(1004),
    }
    const lines = (text: string) => text.split('\n').sort()
    expect((await files({ blockIO }, ...keys)).map(lines)).toEqual(
      [1001, 1002, 1003, 1004].map((rate) =>
        both(rate)
          .map((device) => `${device.major}:${device.minor} ${device.rate}`)
          .sort(),
      ),
    )
    expect(await files({ blockIO: { throttleReadBpsDevice: on(0) } }, keys[0] as string)).toEqual([''])
  })
  test('what the kernel does not have any more is an error that names the field', async () => {
    expect(await refusal({ blockIO: { leafWeight: 100 } })).toMatch(
      /set blkio.leaf_weight to 100 in .*\(\/linux\/resources\/blockIO\/leafWeight\)/,
    )
    expect(await refusal({ blockIO: { weightDevice: [{ major: 7, minor: 7, leafWeight: 100 }] } })).toMatch(
      /set blkio.leaf_weight_device to 7:7 100 in .*\(\/linux\/resources\/blockIO\/weightDevice\/0\)/,
    )
  })
})

describe.runIf(requires('root', huge))('on the v2 side', () => {
  test('hugepageLimits: usage and reservations, of each size', async () => {
    const hugepageLimits = SIZES.map(({ pageSize, bytes }, i) => ({ pageSize, limit: bytes * (3 + i) }))
    const names = SIZES.flatMap(({ pageSize }) => [`:hugetlb.${pageSize}.max`, `:hugetlb.${pageSize}.rsvd.max`])
    expect(await files({ hugepageLimits }, ...names)).toEqual(
      hugepageLimits.flatMap(({ limit }) => [`${limit}`, `${limit}`]),
    )
    expect(await refusal({ hugepageLimits: [{ pageSize: '3MB', limit: 1 }] })).toMatch(
      /set hugetlb.3MB.max to 1 in .*\(\/linux\/resources\/hugepageLimits\/0\/limit\)/,
    )
  })
  test('unified: a file each, and last', async () => {
    const unified = { 'hugetlb.2MB.max': `${8 * MB}`, 'cgroup.max.depth': '3' }
    const hugepageLimits = [{ pageSize: '2MB', limit: 6 * MB }]
    expect(await files({ unified, hugepageLimits }, ':hugetlb.2MB.max', ':cgroup.max.depth')).toEqual([
      `${8 * MB}`,
      '3',
    ])
  })
  test('unified: names that are none, controllers and files that are not there', async () => {
    const said = (file: string) => refusal({ unified: { [file]: '1' } })
    expect(await said('../hugetlb.2MB.max')).toMatch(/"\.\.\/hugetlb.2MB.max\\?" must be a file name \(no slashes\)/)
    expect(await said('hugetlb')).toMatch(/must be in the form CONTROLLER.PARAMETER/)
    expect(await said('none.max')).toMatch(/"none.max\\?" can't be set: controller \\?"none\\?" not available/)
    expect(await said('hugetlb.none')).toMatch(
      /set hugetlb.none to 1 in .*\(\/linux\/resources\/unified\/hugetlb.none\)/,
    )
    expect(await said('cgroup.freeze')).toMatch(/unified\/cgroup.freeze: a container cannot be made in a frozen cgroup/)
  })
})

/** Hierarchies that the machine does not use, mounted for one davit only: nothing else of the machine sees them. */
const free = ['net_cls', 'net_prio'].filter((name) =>
  new RegExp(`^${name}\\t0\\t\\d+\\t1$`, 'm').test(readFileSync('/proc/cgroups', 'utf8')),
)
const unused = has(
  'net_cls and net_prio that nobody uses, beside others on v1',
  free.length === 2 && hierarchies().memory !== undefined,
)

describe.runIf(requires('root', command('unshare'), unused))('network', () => {
  async function beside(resources: Resources): Promise<string> {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
      Object.assign(config.linux.resources, resources)
    })
    const script = `
      mount -t tmpfs net /mnt && mkdir /mnt/net && mount -t cgroup -o net_cls,net_prio net /mnt/net
      "$1" --root "$2" run --detach --bundle "$3" "$4" >/dev/null </dev/null || exit 1
      cat /mnt/net/$4/net_cls.classid /mnt/net/$4/net_prio.ifpriomap
      "$1" --root "$2" delete --force "$4"
      find /mnt/net -mindepth 1 -type d
      # KERNEL: the hierarchy goes with its last mount only when the removed cgroup is quite gone.
      is() { grep -q "^net_cls[[:space:]]$1[[:space:]]" /proc/cgroups; }
      for i in $(seq 100); do
        if is "[0-9]*[[:space:]]1"; then
          umount /mnt/net; sleep 0.1
          is 0 && exit
          mount -t cgroup -o net_cls,net_prio net /mnt/net
        fi
        sleep 0.1
      done
      exit 1`
    const args = ['--mount', 'sh', '-c', script, 'sh', RUNTIME, stateRoot(), made.path, made.id]
    const { code, stdout, stderr } = await exec('unshare', args, { output: `${made.path}/out` })
    expect([code, stdout, stderr]).toEqual([0, '', ''])
    return readFileSync(`${made.path}/out`, 'utf8')
  }

  test('classID and priorities', async () => {
    const priorities = readdirSync('/sys/class/net')
      .filter((name) => existsSync(`/sys/class/net/${name}/ifindex`))
      .map((name, i) => ({ name, priority: 9 + i }))
    const text = await beside({ network: { classID: 1048577, priorities } })
    expect(text).toMatch(/^1048577\n/)
    for (const { name, priority } of priorities) expect(text.split('\n')).toContain(`${name} ${priority}`)
    expect(text).not.toMatch(/\/mnt\/net/)
  })

  test('is refused where no hierarchy has it', async () => {
    expect(await refusal({ network: { classID: 5 } })).toMatch(/network\/classID: cannot set net_cls limit/)
  })
})

const noRdma = has('a machine without the controller rdma', !/^rdma\t/m.test(readFileSync('/proc/cgroups', 'utf8')))

test.runIf(requires('root', noRdma))('rdma is refused where no hierarchy has it', async () => {
  const made = await asking({ rdma: { mlx5_0: { hcaHandles: 3 } } })
  const { code, stderr } = await run(made)
  expect([code, stderr]).toEqual([1, expect.stringMatching(/\/linux\/resources\/rdma\/mlx5_0: cannot set rdma limit/)])
})
