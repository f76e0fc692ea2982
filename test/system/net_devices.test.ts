/** linux.netDevices: interfaces of a namespace of the test's own go into containers, and come back from failures. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config } from '../support/bundle.ts'
import { outputIn } from '../support/in_container.ts'
import { createStartIn, type Interface, interfacesOf, type Netns, netns } from '../support/netns.ts'
import { RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

/** A namespace with the pair v0 and v1, of which v0 has what is to be kept, and what is not. */
async function host(): Promise<Netns> {
  const made = await netns()
  await made.ip('link add v0 type veth peer name v1')
  await made.ip('link set v0 mtu 1400 address 02:00:00:00:00:07 up')
  await made.ip('link set v1 up')
  await made.ip('address add 10.7.0.2/24 broadcast 10.7.0.255 dev v0')
  await made.ip('address add 10.8.0.2/32 dev v0 label v0:alias noprefixroute')
  await made.ip('address add 10.9.0.2 peer 10.9.0.3 dev v0')
  await made.ip('address add 169.254.7.7/16 scope link dev v0')
  await made.ip('address add fd07::2/64 dev v0 nodad')
  await made.ip('address add fd08::2/64 dev v0 nodad valid_lft 1000 preferred_lft 500')
  return made
}

const GLOBAL = ['10.7.0.2/24', '10.8.0.2/32', '10.9.0.2/32', 'fd07::2/64']

const sleeper = (devices: Config['linux']['netDevices'], change: (config: Config) => void = () => {}) =>
  bundle((config) => {
    config.process.args = ['/bin/sleep', '100']
    if (devices) config.linux.netDevices = devices
    change(config)
  })

const named = (interfaces: readonly Interface[], name: string): Interface => {
  const found = interfaces.find(({ ifname }) => ifname === name)
  if (!found) throw new Error(`no ${name} among ${interfaces.map(({ ifname }) => ifname).join(' ')}`)
  return found
}
const global = ({ addr_info }: Interface) =>
  addr_info.filter(({ scope }) => scope === 'global').map(({ local, prefixlen }) => `${local}/${prefixlen}`)
const names = (interfaces: readonly Interface[]) => interfaces.map(({ ifname }) => ifname)
const inside = async ({ id }: Bundle) => interfacesOf(`/proc/${(await state(id)).pid}/ns/net`)

/** What is to come back as it was: not what the kernel works out anew. */
const picture = (interfaces: readonly Interface[]) =>
  interfaces
    .toSorted((a, b) => (a.ifname < b.ifname ? -1 : 1))
    .map(({ ifname, mtu, address, flags, addr_info }) => ({
      ifname,
      mtu,
      address,
      up: flags.includes('UP'),
      addresses: addr_info
        .filter(({ local }) => local !== 'fd08::2')
        .map(({ local, prefixlen, scope, label, address: peer, broadcast, noprefixroute }) =>
          JSON.stringify([local, prefixlen, scope, label, peer, broadcast, noprefixroute]),
        )
        .toSorted(),
    }))

describe.runIf(requires('root', command('ip')))('network devices', () => {
  test('go into the container, with their global permanent addresses, and are up', async () => {
    const from = await host()
    await from.ip('link set v0 promisc on')
    const made = await sleeper({ v0: {} })
    await createStartIn(from, made)
    const v0 = named(await inside(made), 'v0')
    expect(global(v0)).toEqual(GLOBAL)
    expect(v0.addr_info.map(({ local }) => local)).not.toContain('169.254.7.7')
    expect(v0).toMatchObject({ mtu: 1400, address: '02:00:00:00:00:07' })
    expect(v0.flags).toEqual(expect.arrayContaining(['UP', 'LOWER_UP', 'PROMISC']))
    expect(v0.addr_info).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ local: '10.7.0.2', broadcast: '10.7.0.255', label: 'v0' }),
        expect.objectContaining({ local: '10.8.0.2', label: 'v0:alias', noprefixroute: true }),
        expect.objectContaining({ local: '10.9.0.2', address: '10.9.0.3' }),
      ]),
    )
    expect(names(await from.interfaces())).toEqual(['v1'])
    // It works: the other end answers.
    await from.ip('address add 10.7.0.1/24 dev v1')
    expect(await from.exec(['busybox', 'ping', '-c', '1', '-W', '5', '10.7.0.2'])).toMatchObject({ code: 0 })
  })

  test('are renamed, their aliases too', async () => {
    const from = await host()
    const made = await sleeper({ v0: { name: 'eth0' } })
    await createStartIn(from, made)
    const interfaces = await inside(made)
    expect(names(interfaces)).toEqual(['eth0'])
    expect(global(named(interfaces, 'eth0'))).toEqual(GLOBAL)
    expect(named(interfaces, 'eth0').addr_info.find(({ local }) => local === '10.8.0.2')?.label).toBe('eth0:alias')
  })

  test('that were down are set up; several, one of them to a name that another had', async () => {
    const from = await host()
    await from.ip('link set v1 down')
    const made = await sleeper({ v0: { name: 'v1' }, v1: { name: 'v0' } })
    await createStartIn(from, made)
    const interfaces = await inside(made)
    expect(named(interfaces, 'v1').address).toBe('02:00:00:00:00:07')
    expect(interfaces.map(({ flags }) => flags.includes('UP'))).toEqual([true, true])
    expect(await from.interfaces()).toEqual([])
  })

  test('get the next free number for %d, in a namespace that is joined', async () => {
    const from = await host()
    const to = await netns()
    await to.ip('link add eth0 type veth peer name eth2')
    const made = await sleeper({ v0: { name: 'eth%d' }, v1: { name: 'eth%d' } }, (config) => {
      config.linux.namespaces = config.linux.namespaces.map((each) =>
        each.type === 'network' ? { type: 'network', path: to.path } : each,
      )
    })
    await createStartIn(from, made)
    const interfaces = await to.interfaces()
    expect(names(interfaces).toSorted()).toEqual(['eth0', 'eth1', 'eth2', 'eth3'])
    expect(named(interfaces, 'eth1').address).toBe('02:00:00:00:00:07')
    // The namespace is not the container's to empty.
    await must(['delete', '--force', made.id])
    expect(names(await to.interfaces())).toHaveLength(4)
  })

  test('are there for hooks and kernel parameters', async () => {
    const from = await host()
    const made = await sleeper({ v0: { name: 'eth0' } }, (config) => {
      config.linux.sysctl = { 'net.ipv4.conf.eth0.forwarding': '1' }
      const out = `${scratch()}/hook`
      config.hooks = {
        createContainer: [{ path: '/bin/sh', args: ['sh', '-c', `ip -o address show dev eth0 > ${out}`] }],
      }
    })
    await createStartIn(from, made)
    expect(readFileSync(`${scratch()}/hook`, 'utf8')).toContain('10.7.0.2/24')
    expect(await outputIn(made.id, 'cat /proc/sys/net/ipv4/conf/eth0/forwarding')).toBe('1\n')
  })

  test('go into a container with a user namespace', async () => {
    const from = await host()
    const made = await sleeper({ v0: { name: 'eth0' } }, (config) => {
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
    })
    await createStartIn(from, made)
    expect(global(named(await inside(made), 'eth0'))).toEqual(GLOBAL)
  })

  test('that are virtual end with the namespace', async () => {
    const from = await host()
    const made = await sleeper({ v0: {} })
    await createStartIn(from, made)
    await must(['delete', '--force', made.id])
    // And with the one end the other.
    await expect.poll(() => from.interfaces()).toEqual([])
  })
})

/** The container is refused; the interfaces are as they were. */
async function refusedIn(from: Netns, made: Bundle, flags: readonly string[] = []): Promise<string> {
  const before = picture(await from.interfaces())
  const { code, stderr } = await from.davit(['run', '--bundle', made.path, ...flags, made.id])
  expect(code).toBe(1)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(picture(await from.interfaces())).toEqual(before)
  expect(existsSync(`${stateRoot()}/${made.id}`)).toBe(false)
  return stderr.trim().replace('davit: run failed: ', '')
}

describe.runIf(requires('root', command('ip')))('network devices come back', () => {
  test('where the name is taken, with those that had gone before', async () => {
    const from = await host()
    const to = await netns()
    await to.ip('link add taken type veth peer name other')
    const made = await sleeper({ v0: { name: 'eth0' }, v1: { name: 'taken' } }, (config) => {
      config.linux.namespaces = config.linux.namespaces.map((each) =>
        each.type === 'network' ? { type: 'network', path: to.path } : each,
      )
    })
    expect(await refusedIn(from, made)).toMatch(
      /^move network device "v1" as "taken", from \/linux\/netDevices\/v1: rtnetlink: move "v1" .* as "taken": file exists/,
    )
    expect(names(await to.interfaces()).toSorted()).toEqual(['other', 'taken'])
  })

  test('where another is not there', async () => {
    const from = await host()
    expect(await refusedIn(from, await sleeper({ v0: { name: 'eth0' }, v9: {} }))).toMatch(
      /move network device "v9", from \/linux\/netDevices\/v9: rtnetlink: find "v9": no such device$/,
    )
  })

  test.each([
    ['eth0', 'eth0'],
    ['', 'dev0'],
  ])('under another name where another has taken theirs meanwhile (there: "%s")', async (name, back) => {
    const from = await host()
    const made = await sleeper({ v0: name === '' ? {} : { name } }, (config) => {
      const script = 'ip link add v0 type veth peer name w0 && exit 7'
      config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script] }] }
    })
    const address = named(await from.interfaces(), 'v0').address
    const { code, stderr } = await from.davit(['run', '--bundle', made.path, made.id])
    expect(code).toBe(1)
    expect(stderr).toContain(`network device "v0" is back as "${back}": another has taken its name`)
    const after = await from.interfaces()
    expect(names(after).toSorted()).toEqual([back, 'v0', 'v1', 'w0'].toSorted())
    expect(named(after, back).address).toBe(address)
    expect(global(named(after, back)).length).toBe(GLOBAL.length)
    expect(named(after, back).flags).toContain('UP')
  })

  test.each(['createRuntime', 'createContainer'] as const)('where a %s hook fails', async (kind) => {
    const from = await host()
    await from.ip('link set v1 down')
    const made = await sleeper({ v0: { name: 'eth0' }, v1: {} }, (config) => {
      config.hooks = { [kind]: [{ path: '/bin/sh', args: ['sh', '-c', 'exit 7'] }] }
    })
    expect(await refusedIn(from, made)).toContain('exit status 7')
  })

  test('from a run that is told to end while a hook waits', async () => {
    const from = await host()
    const started = `${scratch()}/hook`
    const made = await sleeper({ v0: { name: 'eth0' } }, (config) => {
      const script = `touch ${started}; exec sleep 100`
      config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script] }] }
    })
    const before = picture(await from.interfaces())
    const running = from.startDavit(['run', '--bundle', made.path, made.id])
    await until('the hook', () => existsSync(started))
    expect(names(await from.interfaces())).toEqual(['v1'])
    running.child.kill('SIGTERM')
    expect(await running.done).toMatchObject({ code: 143 })
    expect(picture(await from.interfaces())).toEqual(before)
  })

  test('but not once programs of the image may have run', async () => {
    const from = await host()
    const made = await sleeper({ v0: { name: 'eth0' } }, (config) => {
      config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'exit 7'] }] }
    })
    const { stderr } = await from.davit(['run', '--bundle', made.path, made.id])
    expect(stderr).toContain('exit status 7')
    await expect.poll(() => from.interfaces()).toEqual([])
  })

  test('where the pid file cannot be written', async () => {
    const from = await host()
    const made = await sleeper({ v0: { name: 'eth0' } })
    expect(await refusedIn(from, made, ['--pid-file', '/proc/nowhere'])).toContain('write pid file')
  })

  test('where the program is not there', async () => {
    const from = await host()
    const made = await sleeper({ v0: { name: 'eth0' } }, (config) => {
      config.process.args = ['/nowhere']
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
    })
    expect(await refusedIn(from, made)).toContain('/nowhere')
  })

  test('from a hook that has renamed them', async () => {
    const from = await host()
    const made = await sleeper({ v0: { name: 'eth0' } }, (config) => {
      const script = 'ip link set eth0 down; ip link set eth0 name changed; exit 7'
      config.hooks = { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', script] }] }
    })
    expect(await refusedIn(from, made)).toContain('exit status 7')
  })
})

describe.runIf(requires('root', command('ip')))('network devices are refused', () => {
  test.each<[Config['linux']['netDevices'], string]>([
    [{ 'a/b': {} }, '/linux/netDevices/a~1b: invalid network device name "a/b"'],
    [{ sixteencharacter: {} }, '/linux/netDevices/sixteencharacter: invalid network device name'],
    [{ v0: { name: 'a b' } }, '/linux/netDevices/v0/name: invalid network device name "a b"'],
    [{ v0: { name: '..' } }, '/linux/netDevices/v0/name: invalid network device name ".."'],
    [{ v0: { name: 'e%s' } }, '/linux/netDevices/v0/name: invalid network device name "e%s"'],
    [{ v0: { name: 'x' }, v1: { name: 'x' } }, '/linux/netDevices/v1: two network devices would be called "x"'],
    [{ lo: { name: 'x' } }, '/linux/netDevices/lo: the loopback interface cannot be moved'],
    [{ v0: { name: 'lo' } }, '/linux/netDevices/v0/name: the container has a loopback interface already'],
  ])('%o', async (devices, message) => {
    expect(await refusedIn(await host(), await sleeper(devices))).toContain(message)
  })

  test('without a network namespace', async () => {
    const made = await sleeper({ v0: {} }, (config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network')
    })
    expect(await refusedIn(await host(), made)).toContain('unable to move network devices without a NET namespace')
  })

  test('into the namespace that they are in', async () => {
    const from = await host()
    const made = await sleeper({ v0: { name: 'x' } }, (config) => {
      config.linux.namespaces = config.linux.namespaces.map((each) =>
        each.type === 'network' ? { type: 'network', path: from.path } : each,
      )
    })
    expect(await refusedIn(from, made)).toContain(
      "the container's network namespace is the one that its devices are in",
    )
  })

  test('without the capability that it takes', async () => {
    const from = await host()
    const made = await sleeper({ v0: {} })
    const line = ['run', '--bundle', made.path, made.id]
    const { stderr } = await from.exec([
      'setpriv',
      '--bounding-set',
      '-net_admin',
      RUNTIME,
      '--root',
      stateRoot(),
      ...line,
    ])
    expect(stderr).toContain('/linux/netDevices: unable to move network devices without CAP_NET_ADMIN')
  })
})
