/** config-linux.md: namespaces by path, not listed, and what is in new ones; user and time namespaces. */
import { existsSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../bundle.ts'
import { Instead, refuses, sees } from '../declare.ts'
import { namespaceOf, ofProcess, pidOf, written } from '../look.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

const NS = 'config-linux.md#namespaces'
const USER = 'config-linux.md#user-namespace-mappings'
const TIME = 'config-linux.md#offset-for-time-namespace'
/** Types of config.json, and their names below /proc/PID/ns. */
const LINKS: Readonly<Record<string, string>> = {
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  pid: 'pid',
  cgroup: 'cgroup',
  time: 'time',
  user: 'user',
}
const noTime = () => (existsSync('/proc/self/ns/time') ? undefined : 'no time namespaces (CONFIG_TIME_NS)')
const OLD = {
  runc: { versions: '<1.2', why: 'has no time namespaces' },
  crun: { seen: '1.8.1', why: 'fails to create the container' },
}

type Namespaces = { type: string; path?: string }[]
const replace = (config: Config, type: string, path?: string) => {
  const others = (config.linux.namespaces as Namespaces).filter((one) => one.type !== type)
  config.linux.namespaces = [...others, path === undefined ? { type } : { type, path }] as Namespaces
}
const maps = (size = 65_536, hostID = 100_000) => ({
  uidMappings: [{ containerID: 0, hostID, size }],
  gidMappings: [{ containerID: 0, hostID, size }],
})

const PATHS: readonly Case[] = Object.entries(LINKS).map(
  ([type, link]): Case => ({
    id: `namespace-path-${link}`,
    clause: NS,
    asks: `the process MUST be placed in the ${type} namespace at path: here that of another container`,
    covers: ['linux-namespaces-02', 'linux-namespaces-04'],
    ...(type === 'time' ? { deviations: OLD } : {}),
    test(subject) {
      if (type === 'time' && noTime()) throw new HostCannot(noTime() ?? '')
      const holder = subject.bundle('sleep 100', (config) => {
        replace(config, type)
        if (type === 'user') Object.assign(config.linux, maps())
      })
      subject.run(holder)
      const held = pidOf(subject, holder.id)
      const bundle = subject.bundle('sleep 100', (config) => {
        replace(config, type, `/proc/${held}/ns/${link}`)
        // A name of one's own would change that of the other, and sysfs of another network namespace is its owner's.
        if (type === 'user') Object.assign(config.linux, maps())
        if (type === 'uts') delete (config as Partial<Config>).hostname
      })
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      expectSame(namespaceOf(pid, link), namespaceOf(held, link), `${type} namespace`)
      expect(namespaceOf(pid, link) !== namespaceOf('self', link), 'it is that of the runtime')
    },
  }),
)

const INHERITED: readonly Case[] = ['network', 'ipc', 'uts', 'pid', 'cgroup', 'time', 'user'].map((type) =>
  sees(
    [
      `namespace-inherited-${LINKS[type]}`,
      NS,
      `${type} is not listed: the container MUST inherit the runtime’s`,
      'linux-namespaces-07',
    ],
    {
      ...(type === 'uts' ? { hostname: null } : {}),
      linux: {
        namespaces: new Instead(
          ['pid', 'mount', 'ipc', 'uts', 'network'].filter((one) => one !== type).map((one) => ({ type: one })),
        ),
      },
    },
    `readlink /proc/self/ns/${LINKS[type]}`,
    (seen) => seen.trim() === namespaceOf('self', LINKS[type] ?? ''),
    type === 'time' ? { needs: noTime } : {},
  ),
)

const NEW: readonly Case[] = [
  sees(
    ['namespace-new-cgroup', NS, 'in a new cgroup namespace the container’s cgroup is the root'],
    { linux: { namespaces: [{ type: 'cgroup' }] } },
    'cat /proc/self/cgroup',
    (seen) =>
      seen
        .trim()
        .split('\n')
        .every((line) => line.endsWith(':/') || line.startsWith('0::')),
  ),
  sees(
    ['namespace-new-pid-one', NS, 'in a new pid namespace the process is the first, and sees no others'],
    {},
    'echo $$; ls -d /proc/[0-9]*',
    (seen) => /^1\n\/proc\/1\n(\/proc\/\d+\n)?$/.test(seen),
  ),
  sees(
    ['namespace-new-network-empty', NS, 'a new network namespace has no interface of the host'],
    {},
    'cat /proc/net/dev',
    (seen) => {
      const names = [...seen.matchAll(/^ *(\S+):/gm)].map(([, name]) => name)
      const physical = ['eth', 'en', 'wl', 'veth', 'docker', 'br']
      return names.includes('lo') && !names.some((name) => physical.some((kind) => name?.startsWith(kind)))
    },
  ),
  {
    id: 'namespace-uts-host-untouched',
    clause: NS,
    asks: 'what is changed in a new uts namespace is not changed in the runtime’s',
    test(subject) {
      const before = readFileSync('/proc/sys/kernel/hostname', 'utf8')
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      pidOf(subject, bundle.id)
      expectSame(readFileSync('/proc/sys/kernel/hostname', 'utf8'), before, 'host name of the host')
    },
  },
  {
    id: 'namespace-mount-host-untouched',
    clause: NS,
    asks: 'mounts of a new mount namespace are not in the runtime’s',
    test(subject) {
      const before = readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => line.includes('conf-'))
      const bundle = subject.bundle('mount -t tmpfs inside /tmp; sleep 100', (config) => {
        const names = ['CAP_SYS_ADMIN']
        Object.assign(config.process ?? {}, { capabilities: { bounding: names, effective: names, permitted: names } })
      })
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      expect(written(`/proc/${pid}/mountinfo`).includes(' /proc '), 'no /proc in the container')
      const now = readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => line.includes('conf-'))
      expectSame(now.length <= before.length, true, `mounts of the host: ${now}`)
    },
  },
]

const WRONG: readonly Case[] = [
  refuses(['namespace-path-missing', NS, 'a path where nothing is MUST be an error'], {
    linux: { namespaces: [{ type: 'cgroup', path: '/no/such/namespace' }] },
  }),
  refuses(['namespace-path-file', NS, 'a path that is no namespace MUST be an error', 'linux-namespaces-05'], {
    linux: { namespaces: [{ type: 'cgroup', path: '/proc/self/status' }] },
  }),
  refuses(
    [
      'namespace-path-other-type',
      NS,
      'a namespace of another type MUST be an error: uts as network',
      'linux-namespaces-05',
    ],
    {
      linux: { namespaces: new Instead([{ type: 'mount' }, { type: 'network', path: '/proc/self/ns/uts' }]) },
    },
  ),
]

const USERS: readonly Case[] = [
  sees(
    ['user-namespace-mappings', USER, 'several mappings are made as configured'],
    {
      linux: {
        namespaces: [{ type: 'user' }],
        uidMappings: [
          { containerID: 0, hostID: 100_000, size: 1000 },
          { containerID: 1000, hostID: 0, size: 1 },
          { containerID: 2000, hostID: 300_000, size: 5 },
        ],
        gidMappings: [
          { containerID: 0, hostID: 200_000, size: 10 },
          { containerID: 10, hostID: 400_000, size: 7 },
        ],
      },
    },
    'cat /proc/self/uid_map; echo; cat /proc/self/gid_map',
    /^ *0 +100000 +1000\n *1000 +0 +1\n *2000 +300000 +5\n\n *0 +200000 +10\n *10 +400000 +7\n$/,
  ),
  {
    id: 'user-namespace-owner',
    clause: USER,
    asks: 'the process is, outside, the user that its own is mapped to',
    test(subject) {
      const bundle = subject.bundle('exec sleep 100', (config) => {
        Object.assign(config.linux, maps(), { namespaces: [...config.linux.namespaces, { type: 'user' }] })
        Object.assign(config.process?.user ?? {}, { uid: 12, gid: 34 })
      })
      subject.run(bundle)
      const status = ofProcess(pidOf(subject, bundle.id), 'status')
      expect(/^Uid:(\t100012){4}$/m.test(status), `${/^Uid.*$/m.exec(status)}`)
      expect(/^Gid:(\t100034){4}$/m.test(status), `${/^Gid.*$/m.exec(status)}`)
    },
  },
  {
    id: 'user-namespace-rootfs-owner',
    clause: USER,
    asks: 'the runtime SHOULD NOT modify the ownership of referenced filesystems to realize the mapping',
    covers: ['linux-userns-04'],
    test(subject) {
      const bundle = subject.bundle('sleep 100', (config) => {
        Object.assign(config.linux, maps(), { namespaces: [...config.linux.namespaces, { type: 'user' }] })
      })
      writeFileSync(join(bundle.rootfs, 'file'), 'x')
      const owners = () =>
        ['', 'bin', 'bin/busybox', 'file', 'tmp'].map((name) => {
          const { uid, gid } = lstatSync(join(bundle.rootfs, name))
          return [name, uid, gid]
        })
      const before = owners()
      subject.run(bundle)
      pidOf(subject, bundle.id)
      expectSame(owners(), before, 'owners in the rootfs')
    },
  },
  {
    id: 'user-namespace-devices',
    clause: 'config-linux.md#default-devices',
    asks: 'the default devices are there in a user namespace, too',
    covers: ['linux-default-devices-01'],
    test(subject) {
      const bundle = subject.bundle(
        'for d in null zero full random urandom tty; do [ -c /dev/$d ] && echo $d; done >/dev/shm/out; echo >/dev/null && sleep 100',
        (config) => {
          Object.assign(config.linux, maps(), { namespaces: [...config.linux.namespaces, { type: 'user' }] })
          config.mounts.push({ destination: '/dev/shm', type: 'tmpfs', source: 'shm' })
        },
      )
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      for (const [name, number] of [
        ['null', 0x103],
        ['zero', 0x105],
        ['full', 0x107],
        ['random', 0x108],
        ['urandom', 0x109],
      ] as const)
        expectSame(statSync(`/proc/${pid}/root/dev/${name}`).rdev, number, `numbers of /dev/${name}`)
    },
  },
  refuses(['user-namespace-overlap', USER, 'mappings that the kernel refuses are an error'], {
    linux: {
      namespaces: [{ type: 'user' }],
      uidMappings: [
        { containerID: 0, hostID: 100_000, size: 10 },
        { containerID: 5, hostID: 200_000, size: 10 },
      ],
      gidMappings: [{ containerID: 0, hostID: 100_000, size: 10 }],
    },
  }),
]

const CLOCKS: readonly Case[] = [
  sees(
    ['time-namespace-offsets', TIME, 'both clocks have the offsets configured, nanoseconds too'],
    {
      ociVersion: '1.1.0',
      linux: {
        namespaces: [{ type: 'time' }],
        timeOffsets: { boottime: { secs: 777, nanosecs: 5 }, monotonic: { secs: 888, nanosecs: 999_999_999 } },
      },
    },
    'cat /proc/self/timens_offsets',
    /^monotonic +888 +999999999\nboottime +777 +5\n$/,
    { needs: noTime, deviations: OLD },
  ),
  sees(
    ['time-namespace-uptime', TIME, 'the container’s own clock has the offset'],
    { ociVersion: '1.1.0', linux: { namespaces: [{ type: 'time' }], timeOffsets: { boottime: { secs: 10_000_000 } } } },
    'cat /proc/uptime',
    (seen) => Number(seen.split(' ')[0]) > 10_000_000,
    { needs: noTime, deviations: OLD },
  ),
  sees(
    ['time-namespace-none', TIME, 'a new time namespace without offsets has none'],
    { ociVersion: '1.1.0', linux: { namespaces: [{ type: 'time' }] } },
    'readlink /proc/self/ns/time; cat /proc/self/timens_offsets',
    (seen) => /monotonic +0 +0\nboottime +0 +0\n$/.test(seen) && !seen.startsWith(namespaceOf('self', 'time')),
    { needs: noTime, deviations: OLD },
  ),
  refuses(
    ['time-namespace-clock-unknown', TIME, 'a clock that the kernel has no offset for is an error'],
    { ociVersion: '1.1.0', linux: { namespaces: [{ type: 'time' }], timeOffsets: { realtime: { secs: 1 } } } },
    { needs: noTime },
  ),
]

export const NAMESPACES: readonly Case[] = [...PATHS, ...INHERITED, ...NEW, ...WRONG, ...USERS, ...CLOCKS]
