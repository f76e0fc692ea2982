/** config-linux.md#namespaces: by path, not listed, and what is in new ones. */
import { existsSync, readFileSync } from 'node:fs'
import type { Config } from '../bundle.ts'
import { Instead, refuses, sees } from '../declare.ts'
import { namespaceOf, pidOf, written } from '../look.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'
import { CLOCKS } from './time_namespaces.ts'
import { USERS } from './user_namespaces.ts'

const NS = 'config-linux.md#namespaces'

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
  crun: { versions: '<1.8.4', why: 'fails to create the container' },
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
    ...(type === 'time'
      ? { deviations: { ...OLD, crun: { seen: '1.21', why: 'fails to create the container' } } }
      : {}),
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
    (seen) => {
      const lines = seen.trim().split('\n')
      // Beside hierarchies of v1 that of v2 has no controllers, and need not be used.
      return lines.every((line) => line.endsWith(':/') || (lines.length > 1 && line.startsWith('0::')))
    },
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

export const NAMESPACES: readonly Case[] = [...PATHS, ...INHERITED, ...NEW, ...WRONG, ...USERS, ...CLOCKS]
