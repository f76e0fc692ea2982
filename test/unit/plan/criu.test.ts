/** What criu is told because of a configuration and of flags. */
import { describe, expect, test } from 'vitest'
import { ATTR } from '../../../src/kernel/mount.ts'
import { commonOptions, parsePageServer } from '../../../src/plan/criu/flags.ts'
import {
  checkReadable,
  externalMounts,
  type HostMountsInput,
  hostMounts,
  mountPoints,
} from '../../../src/plan/criu/mounts.ts'
import { externalNamespaces, joinedByPath, namespaceWord } from '../../../src/plan/criu/namespaces.ts'
import { streamExternals, streamFds, streamKey, streamsText } from '../../../src/plan/criu/streams.ts'
import type { Spec } from '../../../src/spec/types.gen.ts'

const V2: HostMountsInput['facts'] = {
  cgroup: { mode: 'unified', v1: [], v2: { mount: '/sys/fs/cgroup', own: '/me', controllers: [] } },
  initialUserns: true,
}

const spec = (part: Partial<Spec>): Spec => ({ ociVersion: '1.2.0', ...part })

const mountsOf = (part: Partial<Spec>, facts = V2) =>
  hostMounts({ spec: spec(part), bundle: '/b', facts, cgroup: undefined })

describe("the host's mounts", () => {
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/data', type: 'bind', source: 'data', options: ['rbind', 'ro', 'nosuid'] },
    { destination: 'data/../etc/hosts', source: '/h', options: ['bind'] },
    { destination: '/link', source: '/l', options: ['bind', 'copy-symlink'] },
  ]

  test('are called by their destination in the configuration', () => {
    expect(mountsOf({ mounts })).toEqual([
      { name: 'davit-mount-/data', target: '/data', source: '/b/data', attributes: 3, config: '/mounts/1' },
      { name: 'davit-mount-/etc/hosts', target: '/etc/hosts', source: '/h', attributes: 0, config: '/mounts/2' },
    ])
    expect(externalMounts(mountsOf({ mounts }))).toEqual([
      { key: 'davit-mount-/data', val: '/b/data' },
      { key: 'davit-mount-/etc/hosts', val: '/h' },
    ])
  })

  test('have the same names in another order, a name for each, and in it nothing that criu would read', () => {
    const namesOf = (list: NonNullable<Spec['mounts']>) =>
      new Map(mountsOf({ mounts: list }).map(({ source, name }) => [source, name]))
    expect(namesOf([...mounts].reverse())).toEqual(namesOf(mounts))
    const odd = ['/a]:b', '/a', '/a/', '/a%5d;%3a;b', '/\ud800'].map((destination, index) => ({
      ...{ destination, source: `/${index}`, options: ['bind'] },
    }))
    const names = [...namesOf(odd).values()]
    expect(names.slice(0, 3)).toEqual(['davit-mount-/a%5d;%3a;b', 'davit-mount-/a', 'davit-mount-/a+1'])
    expect(new Set(names).size).toBe(odd.length)
    expect(names.join('')).not.toMatch(/[[\]:\n]/)
  })

  test('are masked files, too, under one name', () => {
    const masked = mountsOf({ linux: { maskedPaths: ['/proc/keys', '/proc/keys/', '/proc/kcore'] } })
    expect(masked.map(({ target }) => target)).toEqual(['/proc/keys', '/proc/kcore'])
    expect(externalMounts(masked)).toEqual([{ key: 'davit-null', val: '/dev/null' }])
  })

  describe('are devices in a user namespace', () => {
    const linux: NonNullable<Spec['linux']> = {
      namespaces: [{ type: 'user' }],
      devices: [
        { path: '/dev/tty', type: 'c', major: 5, minor: 0 },
        { path: '/dev/disk', type: 'b', major: 7, minor: 1 },
        { path: '/dev/fifo', type: 'p' },
      ],
    }
    const user = { linux }
    const devices = mountsOf(user)

    test('by their paths, with what they are, and only those that can be no nodes of its own', () => {
      expect(devices.map(({ name }) => name)).toEqual(
        ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'disk'].map((name) => `davit-device-/dev/${name}`),
      )
      expect(devices.at(-1)).toEqual({
        name: 'davit-device-/dev/disk',
        target: '/dev/disk',
        source: '/dev/disk',
        attributes: ATTR.nosuid | ATTR.noexec,
        device: { block: [7, 1] },
        config: '/linux/devices/1',
      })
      expect(mountsOf({ linux: { ...linux, namespaces: [] } })).toEqual([])
    })

    test('also where davit is in one, and not where /dev is bound', () => {
      expect(mountsOf({}, { ...V2, initialUserns: false })).toHaveLength(6)
      const bound = { ...user, mounts: [{ destination: '/dev', source: '/dev', options: ['rbind'] }] }
      expect(mountsOf(bound).map(({ target }) => target)).toEqual(['/dev'])
    })

    test('with files to be mounted on where /dev is the directory of the rootfs', () => {
      const points = (mounts: NonNullable<Spec['mounts']>) => mountPoints(spec({ ...user, mounts }), '/r', devices)
      expect(points([])).toHaveLength(devices.length)
      expect(points([])[0]).toEqual({
        base: '/r',
        path: '/dev/null',
        source: '/dev/null',
        config: 'default device "/dev/null"',
      })
      const own = points([{ destination: '/dev', type: 'tmpfs' }])
      expect(own).toEqual([{ base: '/r', path: '/dev', config: '/mounts/0' }])
    })
  })

  test('are the hierarchies of cgroup v1, each in its place', () => {
    const v1 = [{ mount: '/sys/fs/cgroup/cpu,cpuacct', controllers: ['cpu', 'cpuacct'], own: '/me' }]
    const cgroups = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] }]
    expect(mountsOf({ mounts: cgroups })).toEqual([])
    expect(mountsOf({ mounts: cgroups }, { ...V2, cgroup: { mode: 'legacy', v1 } })).toEqual([
      {
        name: 'davit-cgroup-/sys/fs/cgroup/cpu%2c;cpuacct',
        target: '/sys/fs/cgroup/cpu,cpuacct',
        source: '/sys/fs/cgroup/cpu,cpuacct/me',
        attributes: 1,
        config: '/mounts/0',
      },
    ])
  })

  test.each(['/a]:b', '/a]', '/a\nb'])('cannot be on %j', (path) => {
    expect(() => checkReadable(path, { config: '/mounts/3' })).toThrow(/criu cannot handle .* from \/mounts\/3$/)
  })

  test('may be on a path with a colon', () => {
    expect(() => checkReadable('/a:b[', { config: '' })).not.toThrow()
  })

  test('get their mount points in the rootfs and in what may be written, never where it is read-only', () => {
    const below = [
      ...mounts,
      { destination: '/data/sub', source: '/s', options: ['bind'] },
      { destination: '/rw', source: '/w', options: ['bind'] },
      { destination: '/rw/x/y', source: '/s', options: ['bind'] },
      { destination: '/proc/z', source: '/s', options: ['bind'] },
    ]
    const points = mountPoints(spec({ mounts: below }), '/r', mountsOf({ mounts: below }))
    expect(points.map(({ base, path }) => [base, path])).toEqual([
      ['/r', '/proc'],
      ['/r', '/data'],
      ['/r', '/etc/hosts'],
      ['/r', '/link'],
      ['/r', '/rw'],
      ['/w', '/x/y'],
    ])
  })
})

describe('streams', () => {
  const file = { link: '/dev/null', outside: { mount: 26, inode: 255 } }
  const terminal = { device: [136, 300], filesystem: [0, 24] } as const

  test('are called as criu does', () => {
    const keys = [
      { link: 'pipe:[12]' },
      { link: 'socket:[13]' },
      file,
      { link: '/inside' },
      { link: '/dev/pts/0', terminal },
      { link: '/dev/pts/300', terminal, outside: { mount: 1, inode: 2 } },
    ].map(streamKey)
    // stat -c %r prints 1083436 of such a device.
    expect(keys).toEqual(['pipe:[12]', 'socket:[13]', 'file[1a:ff]', undefined, undefined, 'tty[10882c:18]'])
    expect(streamExternals(keys)).toEqual(['unix[13]', 'file[1a:ff]', 'tty[10882c:18]'])
    expect(streamsText(keys)).toBe('["pipe:[12]","socket:[13]","file[1a:ff]","","","tty[10882c:18]"]')
  })

  test('come back under the same names, each once', () => {
    expect(streamFds('["pipe:[1]","pipe:[2]","pipe:[2]","pipe:[9]"]')).toEqual([
      { key: 'pipe:[1]', fd: 0 },
      { key: 'pipe:[2]', fd: 1 },
    ])
  })

  test('are terminals, too', () => {
    expect(streamFds('["tty[8801:18]","tty[8801:18]","tty[x]"]')).toEqual([{ key: 'tty[8801:18]', fd: 0 }])
  })

  test.each(['', 'x', '{}', '[1, null]', '["/dev/null", "pipe:[1]x", "fd[3]:pipe:[1]"]', '[{"toString":1}]'])(
    '%j says nothing',
    (text) => {
      expect(streamFds(text)).toEqual([])
    },
  )
})

describe('namespaces joined by path', () => {
  const joined = (...types: string[]) =>
    spec({ linux: { namespaces: types.map((type) => ({ type, path: `/ns/${type}` })) } } as Partial<Spec>)

  test('are external, or joined again', () => {
    const both = joined('network', 'pid', 'ipc', 'uts')
    expect(externalNamespaces(both).map((entry) => namespaceWord(entry, 7))).toEqual([
      'net[7]:extRootNetNS',
      'pid[7]:extRootPidNS',
    ])
    expect(joinedByPath(both)).toEqual({
      joinNs: [
        { ns: 'ipc', nsFile: '/ns/ipc' },
        { ns: 'uts', nsFile: '/ns/uts' },
      ],
    })
  })

  test.each(['mount', 'user', 'cgroup'])('%s: refused with its place', (type) => {
    expect(() => externalNamespaces(joined('network', type))).toThrow(
      `a ${type} namespace cannot be checkpointed or restored, from /linux/namespaces/1/path`,
    )
  })
})

describe('flags', () => {
  const none = {
    tcpEstablished: false,
    extUnixSk: false,
    shellJob: false,
    fileLocks: false,
    autoDedup: false,
    lazyPages: false,
    emptyNs: [],
  }

  test('say nothing of what is not asked for', () => {
    expect(Object.keys(commonOptions(none, 'x.log'))).toEqual([
      'logLevel',
      'logFile',
      'notifyScripts',
      'evasiveDevices',
      'forceIrmap',
      'orphanPtsMaster',
      'manageCgroups',
    ])
    expect(
      commonOptions({ ...none, cgroupsMode: 'ignore', networkLock: 'skip', emptyNs: ['network'] }, 'x'),
    ).toMatchObject({
      manageCgroupsMode: 0,
      networkLock: 3,
      emptyNs: 0x40000000,
    })
    expect(() => commonOptions({ ...none, emptyNs: ['ipc'] }, 'x')).toThrow('"ipc" is not supported by --empty-ns')
  })

  test('--page-server has an address and a port', () => {
    expect(parsePageServer('10.0.0.1:27')).toEqual({ address: '10.0.0.1', port: 27 })
    expect(parsePageServer('[::1]:65535')).toEqual({ address: '::1', port: 65535 })
    for (const text of ['', '1.2.3.4', ':1', 'a:0', 'a:65536', 'a:b'])
      expect(() => parsePageServer(text)).toThrow('ADDRESS:PORT')
  })
})
