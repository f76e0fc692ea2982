/** Namespaces of other processes, together and in any order, and clocks that differ. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, createStart } from '../support/bundle.ts'
import { holdNamespaces } from '../support/holder.ts'
import { outputIn } from '../support/in_container.ts'
import { namespaceOf, processStatus } from '../support/kernel.ts'
import { refused } from '../support/refusal.ts'
import { kernel, requires } from '../support/requires.ts'
import { scratch } from '../support/scratch.ts'

type Entry = Config['linux']['namespaces'][number]

const FILES = {
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  mount: 'mnt',
  cgroup: 'cgroup',
  time: 'time',
  user: 'user',
} as const
type Type = keyof typeof FILES

/** A sleeping container with exactly these namespaces, which owns none of the names of others. */
async function sleeper(namespaces: readonly Entry[], change: (config: Config) => void = () => {}): Promise<Bundle> {
  return bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    config.linux.namespaces = [...namespaces]
    delete config.hostname
    // A user namespace with one id knows no group 5.
    for (const mount of config.mounts) mount.options = (mount.options ?? []).filter((option) => option !== 'gid=5')
    change(config)
  })
}

const join = (holder: number, ...types: readonly Type[]): Entry[] =>
  types.map((type) => ({ type, path: `/proc/${holder}/ns/${FILES[type]}` }))
const fresh = (...types: readonly Type[]): Entry[] => types.map((type) => ({ type }))

/** What the container shares with the holder; all else must be its own. */
async function shares(made: Bundle, holder: number, shared: readonly Type[], own: readonly Type[]): Promise<void> {
  const { pid } = await createStart(made)
  for (const type of shared) expect(namespaceOf(pid, FILES[type]), type).toBe(namespaceOf(holder, FILES[type]))
  for (const type of own) {
    for (const other of [holder, 'self'] as const)
      expect(namespaceOf(pid, FILES[type]), type).not.toBe(namespaceOf(other, FILES[type]))
  }
}

const USER = ['--user', '--map-root-user']

describe.runIf(requires('root', kernel('5.6')))('namespaces are joined', () => {
  test.each<readonly Type[]>([
    ['user', 'network', 'ipc', 'uts'],
    ['network', 'user', 'uts', 'ipc'],
    ['uts', 'ipc', 'network', 'user'],
  ])('in the order %s, %s, %s, %s: those that a user namespace owns', async (...order) => {
    const holder = await holdNamespaces([...USER, '--net', '--ipc', '--uts'], 'uts')
    const made = await sleeper([...join(holder, ...order), ...fresh('mount', 'pid')])
    await shares(made, holder, order, ['mount', 'pid'])
    expect(await outputIn(made.id, 'id -u')).toBe('0\n')
  })

  test.each<readonly Type[]>([
    ['user', 'network'],
    ['network', 'user'],
  ])('in the order %s, %s: a network that the user namespace does not own', async (...order) => {
    const network = await holdNamespaces(['--net'], 'net')
    const user = await holdNamespaces(USER, 'user')
    const entries = order.flatMap((type) => join(type === 'network' ? network : user, type))
    const made = await sleeper([...entries, ...fresh('mount', 'pid', 'ipc')], (config) => {
      // KERNEL: a sysfs shows a network, and only its owner may mount one.
      config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs')
    })
    const { pid } = await createStart(made)
    expect(namespaceOf(pid, 'net')).toBe(namespaceOf(network, 'net'))
    expect(namespaceOf(pid, 'user')).toBe(namespaceOf(user, 'user'))
  })

  test('of a pid and a user namespace together', async () => {
    const holder = await holdNamespaces([...USER, '--pid', '--fork'], 'pid')
    const made = await sleeper([...join(holder, 'pid', 'user'), ...fresh('mount', 'ipc', 'network')])
    await shares(made, holder, ['pid', 'user'], ['mount', 'ipc', 'network'])
    // Its procfs is that of the namespace, in which it is not the first process.
    expect(await outputIn(made.id, 'cat /proc/1/comm')).toBe('sleep\n')
  })

  test('all at once', async () => {
    const flags = [...USER, '--net', '--ipc', '--uts', '--cgroup', '--time', '--mount', '--pid', '--fork']
    const holder = await holdNamespaces(flags, 'pid')
    const all = Object.keys(FILES) as Type[]
    const made = await sleeper(join(holder, ...all), (config) => {
      config.mounts = []
      delete config.linux.maskedPaths
      delete config.linux.readonlyPaths
      config.root.readonly = false
    })
    await shares(made, holder, all, [])
    expect(await outputIn(made.id, 'echo in')).toBe('in\n')
  })

  test('and left alone: a process in the host’s pid namespace', async () => {
    const made = await sleeper(fresh('mount', 'uts'))
    const { pid } = await createStart(made)
    expect(namespaceOf(pid, 'pid')).toBe(namespaceOf('self', 'pid'))
    expect(processStatus(pid).NSpid).toBe(`${pid}`)
    expect(await outputIn(made.id, `test -d /proc/${process.pid} && echo seen`)).toBe('seen\n')
  })

  test('and a new cgroup namespace goes with them', async () => {
    const holder = await holdNamespaces(['--net', '--uts'], 'uts')
    const made = await sleeper([...join(holder, 'network', 'uts'), ...fresh('cgroup', 'mount', 'pid', 'ipc')])
    await shares(made, holder, ['network', 'uts'], ['cgroup', 'mount', 'pid', 'ipc'])
    expect(await outputIn(made.id, 'grep :pids: /proc/self/cgroup | grep -c "/\\.\\." || true')).toBe('0\n')
  })

  test.each([
    ['a file that is none', (path: string) => writeFileSync(path, ''), 'invalid argument'],
    ['a file that is not there', () => {}, 'no such file or directory'],
  ])('not by %s', async (_what, make, message) => {
    const path = `${scratch()}/namespace`
    make(path)
    const made = await sleeper([...fresh('mount', 'pid'), { type: 'network', path }])
    expect(await refused(made)).toMatch(
      new RegExp(`join network namespace ".*/namespace", from /linux/namespaces/2/path: .*: ${message}$`),
    )
  })

  test('not by one of another type', async () => {
    const holder = await holdNamespaces(['--uts'], 'uts')
    const made = await sleeper([...fresh('mount'), { type: 'ipc', path: `/proc/${holder}/ns/uts` }])
    expect(await refused(made)).toMatch(
      /join ipc namespace ".*", from \/linux\/namespaces\/1\/path: .*invalid argument$/,
    )
  })

  test('not where neither user may: a network of a third user namespace', async () => {
    const third = await holdNamespaces([...USER, '--net'], 'net')
    const user = await holdNamespaces(USER, 'user')
    // As root of the host it is entered before the user namespace, so this works.
    const made = await sleeper(
      [...join(third, 'network'), ...join(user, 'user'), ...fresh('mount', 'pid', 'ipc')],
      (config) => {
        config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs')
      },
    )
    const { pid } = await createStart(made)
    expect(namespaceOf(pid, 'net')).toBe(namespaceOf(third, 'net'))
  })
})

type Offsets = NonNullable<Config['linux']['timeOffsets']>

const shifted = (timeOffsets: Offsets, change: (config: Config) => void = () => {}) =>
  sleeper(fresh('mount', 'pid', 'ipc', 'time'), (config) => {
    config.linux.timeOffsets = timeOffsets
    change(config)
  })

/** /proc/PID/timens_offsets as numbers. */
const offsets = (text: string) =>
  Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .map(([clock, secs, nanosecs]) => [clock, [Number(secs), Number(nanosecs)]]),
  )

/** The clocks in nanoseconds: of the probe, in a container or here. */
const nanoseconds = (text: string) =>
  Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([clock, value]) => [clock, BigInt(value ?? '')]),
  ) as Record<'monotonic' | 'boottime', bigint>

describe.runIf(requires('root', kernel('5.6')))('clocks', () => {
  test.each<[Offsets, object]>([
    [{ monotonic: { secs: 5000, nanosecs: 999_999_999 } }, { monotonic: [5000, 999_999_999], boottime: [0, 0] }],
    [{ boottime: { secs: 7 } }, { monotonic: [0, 0], boottime: [7, 0] }],
    [{ boottime: { nanosecs: 1 } }, { monotonic: [0, 0], boottime: [0, 1] }],
    [
      { monotonic: { secs: -2, nanosecs: 5 }, boottime: { secs: -3 } },
      { monotonic: [-2, 5], boottime: [-3, 0] },
    ],
    [{}, { monotonic: [0, 0], boottime: [0, 0] }],
  ])('%o', async (given, expected) => {
    const { pid, id } = await createStart(await shifted(given))
    expect(offsets(readFileSync(`/proc/${pid}/timens_offsets`, 'utf8'))).toEqual(expected)
    // Whoever enters has the same clocks.
    const inside = nanoseconds(await outputIn(id, 'probe nanoseconds'))
    const now = process.hrtime.bigint()
    const { monotonic: [secs, nanosecs] = [0, 0] } = expected as Record<string, [number, number]>
    const difference = now + BigInt(secs) * 1_000_000_000n + BigInt(nanosecs) - inside.monotonic
    expect(difference).toBeGreaterThanOrEqual(0n)
    expect(difference).toBeLessThan(10_000_000_000n)
  })

  test('in a user namespace', async () => {
    const made = await shifted({ boottime: { secs: 9 } }, (config) => {
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 1 }]
    })
    const { pid } = await createStart(made)
    expect(offsets(readFileSync(`/proc/${pid}/timens_offsets`, 'utf8'))).toMatchObject({ boottime: [9, 0] })
    expect(readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/)).toEqual(['0', '100000', '1'])
    expect(await outputIn(made.id, 'id -u')).toBe('0\n')
  })

  test('in a user namespace that is joined, whose root is nobody here', async () => {
    const map = [{ containerID: 0, hostID: 100_000, size: 1000 }]
    const owner = await sleeper(fresh('mount', 'pid', 'ipc', 'network', 'user'), (config) => {
      config.linux.uidMappings = map
      config.linux.gidMappings = map
    })
    const { pid: holder } = await createStart(owner)
    const made = await sleeper(
      [...fresh('mount', 'pid', 'ipc', 'network', 'time'), ...join(holder, 'user')],
      (config) => {
        config.linux.timeOffsets = { monotonic: { secs: 3, nanosecs: 4 } }
      },
    )
    const { pid } = await createStart(made)
    expect(offsets(readFileSync(`/proc/${pid}/timens_offsets`, 'utf8'))).toMatchObject({ monotonic: [3, 4] })
    expect(namespaceOf(pid, 'user')).toBe(namespaceOf(holder, 'user'))
    expect(await outputIn(made.id, 'id -u')).toBe('0\n')
  })

  test.each<[Offsets, string]>([
    [{ monotonic: { nanosecs: 1_000_000_000 } }, '/linux/timeOffsets/monotonic/nanosecs: expected less than a second'],
    [{ realtime: { secs: 1 } } as Offsets, '/linux/timeOffsets/realtime: '],
    // KERNEL: no clock begins before zero, or ends before 146 years have passed.
    [{ boottime: { secs: -1_000_000_000 } }, "set the boottime clock's offset, from /linux/timeOffsets/boottime: "],
    [{ monotonic: { secs: 5_000_000_000 } }, "set the monotonic clock's offset, from /linux/timeOffsets/monotonic: "],
  ])('not %o', async (given, message) => {
    expect(await refused(await shifted(given))).toContain(message)
  })

  test('not without a time namespace of their own', async () => {
    const holder = await holdNamespaces(['--time', '--fork'], 'time')
    for (const time of [[], join(holder, 'time')]) {
      const made = await sleeper([...fresh('mount'), ...time], (config) => {
        config.linux.timeOffsets = { monotonic: { secs: 1 } }
      })
      expect(await refused(made)).toMatch(/\/linux\/timeOffsets: time namespace/)
    }
  })
})
