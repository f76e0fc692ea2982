/** Namespaces, new and joined by path, as /proc shows them. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, createStart, outputOf, ownNamespace, run } from '../support/bundle.ts'
import { holdNamespaces } from '../support/holder.ts'
import { namespaceOf, processStatus } from '../support/kernel.ts'
import { kernel, requires } from '../support/requires.ts'

/** Names in config.json and below /proc/PID/ns. */
const TYPES = {
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  mount: 'mnt',
  cgroup: 'cgroup',
  time: 'time',
  user: 'user',
} as const
type Type = keyof typeof TYPES

const sleeper = ['/bin/sleep', '1000']
/** A user namespace with one id knows no group 5. */
const noGroups = (config: Config) => {
  for (const mount of config.mounts) mount.options = (mount.options ?? []).filter((option) => option !== 'gid=5')
}
const whole = { containerID: 0, hostID: 0, size: 4294967295 }

/** The namespaces of config.json; those without a path are new. */
function use(config: Config, list: readonly (Type | readonly [Type, string])[]): void {
  config.linux.namespaces = list.map((entry) =>
    typeof entry === 'string' ? { type: entry } : { type: entry[0], path: entry[1] },
  )
  if (!list.includes('uts')) delete config.hostname
}

/** A running container with these namespaces; its pid. */
async function started(change: (config: Config) => void): Promise<number> {
  const made = await bundle((config) => {
    config.process.args = sleeper
    change(config)
  })
  return (await createStart(made)).pid
}

describe.runIf(requires('root', kernel('5.6')))('namespaces', () => {
  test('all eight are new when all are asked for', async () => {
    const pid = await started((config) => {
      use(config, Object.keys(TYPES) as Type[])
      config.linux.uidMappings = [whole]
      config.linux.gidMappings = [whole]
    })
    for (const type of Object.values(TYPES)) expect(namespaceOf(pid, type), type).not.toBe(namespaceOf('self', type))
  })

  test('what is not listed stays the caller’s', async () => {
    const pid = await started((config) => use(config, ['mount', 'pid']))
    for (const type of ['net', 'ipc', 'uts', 'cgroup', 'time', 'user']) {
      expect(namespaceOf(pid, type), type).toBe(namespaceOf('self', type))
    }
  })

  test.each([
    ['network', ['--net']],
    ['ipc', ['--ipc']],
    ['uts', ['--uts']],
    ['cgroup', ['--cgroup']],
    ['pid', ['--pid', '--fork']],
    ['time', ['--time', '--fork']],
  ] as const)('a %s namespace is joined by its path', async (type, flags) => {
    const holder = await holdNamespaces(flags, TYPES[type])
    const path = `/proc/${holder}/ns/${TYPES[type]}`
    const others = (['pid', 'network', 'ipc', 'uts', 'mount'] as const).filter((name) => name !== type)
    const pid = await started((config) => use(config, [...others, [type, path]]))
    expect(namespaceOf(pid, TYPES[type])).toBe(namespaceOf(holder, TYPES[type]))
    for (const other of others) expect(namespaceOf(pid, TYPES[other])).not.toBe(namespaceOf('self', TYPES[other]))
  })

  test('a process in a joined pid namespace is not its first', async () => {
    const holder = await holdNamespaces(['--pid', '--fork'], 'pid')
    const pid = await started((config) => use(config, ['mount', ['pid', `/proc/${holder}/ns/pid`]]))
    const [, inside] = (processStatus(pid).NSpid ?? '').split(' ')
    expect(Number(inside)).toBeGreaterThan(1)
  })

  test('a user namespace is joined, with its id map, and the process is its root', async () => {
    const holder = await holdNamespaces(['--user', '--map-root-user'], 'user')
    const pid = await started((config) => {
      use(config, ['mount', 'pid', 'ipc', 'network', ['user', `/proc/${holder}/ns/user`]])
      noGroups(config)
    })
    expect(namespaceOf(pid, 'user')).toBe(namespaceOf(holder, 'user'))
    expect(readFileSync(`/proc/${pid}/uid_map`, 'utf8')).toBe(readFileSync(`/proc/${holder}/uid_map`, 'utf8'))
  })

  test('a user namespace is joined together with the network that it owns', async () => {
    const holder = await holdNamespaces(['--user', '--map-root-user', '--net'], 'net')
    const pid = await started((config) => {
      use(config, ['mount', 'pid', 'ipc', ['network', `/proc/${holder}/ns/net`], ['user', `/proc/${holder}/ns/user`]])
      noGroups(config)
    })
    expect(namespaceOf(pid, 'net')).toBe(namespaceOf(holder, 'net'))
    expect(namespaceOf(pid, 'user')).toBe(namespaceOf(holder, 'user'))
  })

  test('a new user namespace goes with a network, ipc and uts namespace that it does not own', async () => {
    const holder = await holdNamespaces(['--net', '--ipc', '--uts'], 'net')
    const pid = await started((config) => {
      const path = (name: string) => `/proc/${holder}/ns/${name}`
      use(config, ['mount', 'pid', 'user', ['network', path('net')], ['ipc', path('ipc')], ['uts', path('uts')]])
      // Their names and limits belong to the other user namespace's root.
      delete config.hostname
      config.linux.uidMappings = [whole]
      config.linux.gidMappings = [whole]
      config.mounts = config.mounts.filter(({ type }) => type !== 'mqueue')
    })
    expect(namespaceOf(pid, 'net')).toBe(namespaceOf(holder, 'net'))
    expect(namespaceOf(pid, 'ipc')).toBe(namespaceOf(holder, 'ipc'))
    expect(namespaceOf(pid, 'user')).not.toBe(namespaceOf('self', 'user'))
  })

  test('a mount namespace is joined by its path', async () => {
    const holder = await holdNamespaces(['--mount'], 'mnt')
    const pid = await started((config) => {
      use(config, ['pid', ['mount', `/proc/${holder}/ns/mnt`]])
    })
    expect(namespaceOf(pid, 'mnt')).toBe(namespaceOf(holder, 'mnt'))
  })

  test('without a mount namespace the host’s mounts stay as they are', async () => {
    const before = readFileSync('/proc/self/mountinfo', 'utf8')
    const made = await bundle((config) => {
      use(config, ['uts'])
      config.mounts = []
      config.root.readonly = false
      delete config.linux.maskedPaths
      delete config.linux.readonlyPaths
      config.process.user.umask = 0o27
      config.process.args = ['/bin/sh', '-c', 'ls -d /bin/probe; umask']
    })
    const result = await run(made)
    expect(result).toMatchObject({ code: 0, stdout: '/bin/probe\n0027\n' })
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(before)
  })

  test('a new time namespace gets its offsets', async () => {
    const clocks = (text: string) =>
      Object.fromEntries(text.split('\n').flatMap((line) => (line ? [line.split(' ')] : []))) as Record<string, string>
    const host = clocks(await outputOf('probe clocks'))
    const inside = clocks(
      await outputOf('probe clocks; cat /proc/self/timens_offsets >&2', (config) => {
        config.linux.namespaces.push({ type: 'time' })
        config.linux.timeOffsets = { monotonic: { secs: 5000, nanosecs: 1 }, boottime: { secs: 90000 } }
      }),
    )
    const difference = (clock: string) => Number(inside[clock]) - Number(host[clock])
    expect(difference('monotonic')).toBeGreaterThanOrEqual(5000)
    expect(difference('monotonic')).toBeLessThan(5020)
    expect(difference('boottime')).toBeGreaterThanOrEqual(90000)
    expect(difference('boottime')).toBeLessThan(90020)
  })

  test('a new cgroup namespace has the container’s cgroup as its root', async () => {
    const text = await outputOf('cat /proc/self/cgroup', (config) => ownNamespace(config, 'cgroup'))
    const joined = text.split('\n').filter((line) => line !== '' && !/^\d+:(rdma|misc|name=(?!systemd))/.test(line))
    expect(joined.length).toBeGreaterThan(0)
    for (const line of joined) expect(line).toMatch(/:\/$/)
  })

  test('a new network namespace has lo, and it is up', async () => {
    expect(
      await outputOf(
        'ip -o link; cat /sys/class/net/lo/flags; ping -c1 -w2 127.0.0.1 >/dev/null && echo alive',
        (config) => {
          config.process.capabilities = {
            bounding: ['CAP_NET_RAW'],
            effective: ['CAP_NET_RAW'],
            permitted: ['CAP_NET_RAW'],
          }
        },
      ),
    ).toMatch(/^1: lo: <LOOPBACK,UP,LOWER_UP>[^\n]*\n0x9\nalive\n$/)
  })
})
