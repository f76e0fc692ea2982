/** Bundles for every field that davit and older peers know, as they are compared between runtimes. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import type { Config } from './bundle.ts'

export interface Case {
  readonly change?: (config: Config, rootfs: string) => void
  /** Flags of `run`. */
  readonly flags?: readonly string[]
  /** Started with signals ignored and blocked, an odd umask and open fds. */
  readonly hostile?: true
  /** What this machine has only for that one. */
  readonly only?: 'runc'
  /** Flags of an `exec` that is looked at, too. */
  readonly exec?: readonly string[]
}

const MB = 1 << 20
const caps = (...names: string[]) => ({ bounding: names, effective: names, permitted: names })
const tmpfs = (destination: string, ...options: string[]) => ({ destination, type: 'tmpfs', source: 'tmpfs', options })
const bind = (destination: string, source: string, ...options: string[]) => ({
  destination,
  type: 'bind',
  source,
  options,
})
const without = (config: Config, ...types: string[]) => {
  config.linux.namespaces = config.linux.namespaces.filter(({ type }) => !types.includes(type))
}
const resources = (change: Config['linux']['resources']): Case => ({
  change: ({ linux }) => void Object.assign(linux.resources, change),
})
const process_ = (change: object): Case => ({ change: (config) => void Object.assign(config.process, change) })
const linux = (change: object): Case => ({ change: (config) => void Object.assign(config.linux, change) })
/** All is allowed but one system call. */
const filter = (name: string) => ({
  defaultAction: 'SCMP_ACT_ALLOW' as const,
  syscalls: [{ names: [name], action: 'SCMP_ACT_ERRNO' as const }],
})
const mounted = (...mounts: Config['mounts']): Case => ({ change: (config) => void config.mounts.push(...mounts) })

const PROCESS: Readonly<Record<string, Case>> = {
  default: { exec: [] },
  user: {
    ...process_({ user: { uid: 1000, gid: 1001, additionalGids: [5, 7, 7], umask: 0o27 } }),
    exec: ['--user', '33:34'],
  },
  'exec flags': { exec: ['--cwd', '/tmp', '--env', 'NEW=1', '--cap', 'CAP_NET_RAW', '--additional-gids', '8'] },
  'no capabilities': { ...process_({ capabilities: {} }), exec: ['--no-new-privs'] },
  'ambient capabilities': process_({
    user: { uid: 1000, gid: 1000 },
    capabilities: { ...caps('CAP_KILL', 'CAP_CHOWN'), inheritable: ['CAP_KILL'], ambient: ['CAP_KILL'] },
  }),
  'privileges may grow': process_({ noNewPrivileges: false }),
  limits: {
    ...process_({
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
        { type: 'RLIMIT_MEMLOCK', soft: 65536, hard: 65536 },
        { type: 'RLIMIT_NPROC', soft: 500, hard: 600 },
      ],
    }),
    exec: [],
  },
  'oom score': { ...process_({ oomScoreAdj: 333 }), exec: [] },
  'environment and directory': {
    change: (config, rootfs) => {
      config.process.env = ['A=1', 'A=2', 'PATH=/bin', 'EMPTY=', 'HOME=/elsewhere']
      config.process.cwd = '/made/by/us'
      config.process.args = ['view']
      writeFileSync(`${rootfs}/etc/passwd`, 'root:x:0:0:root:/home/of/root:/bin/sh\n')
    },
    exec: [],
  },
  'home of the user': {
    change: (config, rootfs) => {
      config.process.env = ['PATH=/bin']
      config.process.user = { uid: 12, gid: 12 }
      writeFileSync(`${rootfs}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\nit:x:12:12:it:/home/it:/bin/sh\n')
    },
    exec: [],
  },
  seccomp: { ...linux({ seccomp: filter('mkdirat') }), exec: [] },
  'seccomp and new privileges': {
    change: (config) => {
      config.process.noNewPrivileges = false
      config.linux.seccomp = filter('mkdirat')
    },
  },
  'careless caller': { hostile: true, exec: [] },
  'no new keyring': { flags: ['--no-new-keyring'], exec: [] },
  'preserved descriptors': { flags: ['--preserve-fds', '2'] },
  terminal: process_({ terminal: true }),
  'terminal of a user': process_({
    terminal: true,
    user: { uid: 1000, gid: 1000 },
    consoleSize: { height: 33, width: 77 },
  }),
}

const NAMESPACES: Readonly<Record<string, Case>> = {
  'host namespaces': {
    change: (config) => {
      without(config, 'pid', 'network', 'ipc', 'uts')
      delete config.hostname
    },
    exec: [],
  },
  'no cgroup namespace': { change: (config) => without(config, 'cgroup'), exec: [] },
  'user namespace': {
    change: (config) => {
      config.linux.namespaces.push({ type: 'user' })
      const map = [{ containerID: 0, hostID: 100000, size: 65536 }]
      Object.assign(config.linux, { uidMappings: map, gidMappings: map })
    },
    exec: [],
  },
  'user namespace of pieces': {
    change: (config) => {
      config.linux.namespaces.push({ type: 'user' })
      const map = [
        { containerID: 0, hostID: 100000, size: 10 },
        { containerID: 10, hostID: 0, size: 1 },
        { containerID: 100, hostID: 200000, size: 1000 },
      ]
      Object.assign(config.linux, { uidMappings: map, gidMappings: map })
      config.process.user = { uid: 100, gid: 100 }
    },
  },
  'names of the host': {
    change: (config) => {
      config.hostname = 'box'
      config.domainname = 'example.net'
    },
  },
  sysctl: linux({
    sysctl: {
      'kernel.msgmax': '4096',
      'net.ipv4.ip_forward': '1',
      'net.ipv4.ping_group_range': '0 5',
      'fs.mqueue.queues_max': '77',
    },
  }),
}

const MOUNTS: Readonly<Record<string, Case>> = {
  'read-only root': { change: (config) => void Object.assign(config.root, { readonly: true }) },
  'writable root': { change: (config) => void Object.assign(config.root, { readonly: false }), exec: [] },
  'tmpfs options': mounted(
    tmpfs('/run/a', 'size=1m', 'mode=1700', 'nr_inodes=77'),
    tmpfs('/run/b', 'nosuid', 'noexec', 'nodev', 'ro'),
    tmpfs('/run/c', 'noatime', 'sync', 'dirsync'),
    tmpfs('/run/d', 'nodiratime', 'strictatime', 'mode=755', 'uid=5', 'gid=6'),
  ),
  'tmpfs over what is there': {
    change: (config, rootfs) => {
      mkdirSync(`${rootfs}/data/full`, { recursive: true, mode: 0o1777 })
      writeFileSync(`${rootfs}/data/full/file`, 'x')
      config.mounts.push(tmpfs('/data/full'), tmpfs('/data/copied', 'tmpcopyup'), tmpfs('/data/full/inner'))
    },
  },
  'bind mounts': {
    change: (config, rootfs) => {
      const source = `${rootfs}/../source`
      mkdirSync(source, { recursive: true })
      config.mounts.push(
        bind('/data/etc', '/etc', 'rbind', 'ro'),
        bind('/data/writable', source, 'bind', 'rw', 'nosuid', 'nodev', 'noexec'),
        bind('/data/file', '/etc/hostname', 'bind', 'ro'),
        bind('/data/null', '/dev/null', 'bind'),
        bind('/other/sys', '/sys', 'rbind', 'rslave', 'ro'),
        bind('/other/proc', '/proc', 'bind', 'private'),
        bind('/data/shared', source, 'bind', 'shared'),
        bind('/data/unbindable', source, 'bind', 'unbindable'),
        bind('/data/time', source, 'bind', 'noatime', 'relatime'),
      )
    },
  },
  'targets that are links': {
    change: (config, rootfs) => {
      mkdirSync(`${rootfs}/data/real`, { recursive: true })
      symlinkSync('real', `${rootfs}/data/link`)
      symlinkSync('/../../data/real/deep', `${rootfs}/data/up`)
      config.mounts.push(tmpfs('/data/link/x'), tmpfs('/data/up'), tmpfs('/data/../data/dots'))
    },
  },
  'no mounts but proc': {
    change: (config) => {
      config.mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }]
    },
  },
  'cgroups writable': {
    change: (config) => {
      const found = config.mounts.find(({ type }) => type === 'cgroup')
      if (found) found.options = ['nosuid', 'noexec', 'nodev', 'relatime']
    },
  },
  'masked and read-only paths': {
    change: (config, rootfs) => {
      mkdirSync(`${rootfs}/data/dir`, { recursive: true })
      writeFileSync(`${rootfs}/data/file`, 'x')
      config.linux.maskedPaths = ['/data/dir', '/data/file', '/data/none', '/proc/kcore', '/proc/acpi']
      config.linux.readonlyPaths = ['/data', '/tmp', '/none', '/proc/sys']
    },
  },
  ...Object.fromEntries(
    ['private', 'shared', 'slave', 'unbindable', 'rprivate', 'rshared', 'rslave'].map((rootfsPropagation) => [
      `root ${rootfsPropagation}`,
      linux({ rootfsPropagation }),
    ]),
  ),
  devices: {
    change: (config) => {
      config.linux.devices = [
        { path: '/dev/one', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 5, gid: 6 },
        { path: '/dev/deep/two', type: 'b', major: 7, minor: 0 },
        { path: '/dev/pipe', type: 'p', fileMode: 0o600 },
        { path: '/dev/u', type: 'u', major: 1, minor: 5 },
        { path: '/data/zero', type: 'c', major: 1, minor: 5, fileMode: 0o666 },
      ]
      config.linux.resources.devices = [{ allow: true, access: 'rwm' }]
    },
  },
}

/** What is about cgroups. */
export const RESOURCES: Readonly<Record<string, Case>> = {
  memory: resources({ memory: { limit: 64 * MB, swap: 128 * MB, reservation: 32 * MB, swappiness: 9 } }),
  'memory unlimited': resources({ memory: { limit: -1, disableOOMKiller: true } }),
  cpu: resources({ cpu: { shares: 333, quota: 30000, period: 60000, cpus: '0', mems: '0' } }),
  'cpu quota none': resources({ cpu: { quota: -1, shares: 2 } }),
  'cpu burst and idle': resources({ cpu: { quota: 30000, burst: 5000 } }),
  'cpu idle': resources({ cpu: { idle: 1 } }),
  realtime: resources({ cpu: { realtimeRuntime: 1000, realtimePeriod: 500000 } }),
  'block io': resources({
    blockIO: {
      weight: 222,
      throttleReadBpsDevice: [{ major: 7, minor: 0, rate: 4096 }],
      throttleWriteIOPSDevice: [{ major: 7, minor: 0, rate: 7 }],
    },
  }),
  pids: { ...resources({ pids: { limit: 12 } }), exec: [] },
  'pids none': resources({ pids: { limit: 0 } }),
  'pids unlimited': resources({ pids: { limit: -1 } }),
  'huge pages': { ...resources({ hugepageLimits: [{ pageSize: '2MB', limit: 4 * MB }] }), only: 'runc' },
  'device rules': resources({
    devices: [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
      { allow: true, type: 'b', major: 7, access: 'rwm' },
      { allow: true, type: 'c', major: 4, minor: 1, access: 'r' },
      { allow: false, type: 'c', major: 4, minor: 1, access: 'r' },
      { allow: true, type: 'c', major: 5, minor: 1, access: 'w' },
      { allow: true, type: 'c', major: 5, minor: 1, access: 'r' },
    ],
  }),
  'all devices': resources({ devices: [{ allow: true, access: 'rwm' }] }),
}

/** In v2's own words, and what only v2 can do. */
export const UNIFIED: Readonly<Record<string, Case>> = {
  'unified memory': resources({
    unified: {
      'memory.min': `${4 * MB}`,
      'memory.low': `${8 * MB}`,
      'memory.high': `${48 * MB}`,
      'memory.max': `${64 * MB}`,
      'memory.swap.max': 'max',
      'memory.oom.group': '1',
    },
  }),
  'unified cpu': resources({
    unified: { 'cpu.weight': '77', 'cpu.max': '30000 60000', 'cpuset.cpus': '0', 'cpuset.mems': '0' },
  }),
  'unified idle': resources({ unified: { 'cpu.idle': '1' } }),
  'unified pids': resources({ unified: { 'pids.max': '33' } }),
  'unified over fields': resources({ pids: { limit: 9 }, unified: { 'pids.max': 'max' } }),
  'unified unknown': resources({ unified: { 'memory.nothing': '1' } }),
  'memory swap alone': resources({ memory: { swap: 64 * MB } }),
  'memory swap below': resources({ memory: { limit: 64 * MB, swap: 32 * MB } }),
}

export const CASES: Readonly<Record<string, Case>> = { ...PROCESS, ...NAMESPACES, ...MOUNTS, ...RESOURCES }
