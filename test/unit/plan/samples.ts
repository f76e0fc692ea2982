/** Configurations that between them use every kind of step: for the encoder, the fuzzer's corpus and properties. */
import type { AskedInput } from '../../../src/plan/asked.ts'
import type { PreparedInput } from '../../../src/plan/prepared.ts'
import type { Mount } from '../../../src/spec/types.gen.ts'
import type { inputOf } from './base.ts'

type Patch = Parameters<typeof inputOf>[0]

const MOUNTS: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'relatime', 'ro'] },
  { destination: '/data', type: 'bind', source: '/srv', options: ['rbind', 'ro', 'rslave', 'rnosuid'] },
  { destination: '/ro', type: 'tmpfs', source: 'tmpfs', options: ['ro'] },
  { destination: '/disk', type: 'ext4', source: '/dev/vdz', options: ['ro', 'sync', 'journal=update'] },
]

const hook = (path: string) => ({ path, args: [path, 'x'], env: ['A=b'], timeout: 3 })

const FULL = {
  hostname: 'box',
  domainname: 'example.org',
  root: { path: 'rootfs', readonly: true },
  process: {
    terminal: true,
    consoleSize: { height: 25, width: 80 },
    user: { uid: 1000, gid: 1000, additionalGids: [5, 6], umask: 0o27 },
    args: ['sh', '-c', 'true'],
    cwd: '/work',
    oomScoreAdj: 100,
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 }],
    capabilities: { ambient: ['CAP_KILL'], inheritable: ['CAP_KILL'] },
  },
  mounts: MOUNTS,
  hooks: {
    prestart: [hook('/bin/a')],
    createRuntime: [hook('/bin/b')],
    createContainer: [hook('/bin/c')],
    startContainer: [hook('/bin/d'), { path: '/bin/e' }],
  },
  linux: {
    seccomp: { defaultAction: 'SCMP_ACT_ERRNO' },
    sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '5' },
    rootfsPropagation: 'shared',
    maskedPaths: ['/proc/kcore', '/sys/firmware'],
    readonlyPaths: ['/proc/sys', '/proc/bus'],
    devices: [
      { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o600, uid: 3, gid: 4 },
      { path: '/dev/sub/fifo', type: 'p' },
    ],
  },
}

const types = (...names: readonly string[]) => names.map((type) => ({ type }))
const MAPS = { uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }] }
const USER = { ...MAPS, gidMappings: MAPS.uidMappings }
const ALL = types('pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'user', 'time')

/** Name to patch of base.ts's input. */
export const SAMPLES: Readonly<Record<string, Patch>> = {
  plain: {},
  full: { config: FULL },
  run: {
    config: { process: { terminal: true } },
    request: {
      verb: 'run',
      pidFile: '/run/x.pid',
      pidfdSockets: ['/run/x.sock'],
      notifyFolder: '/s/notify',
      preserveFds: 2,
    },
  },
  user: { config: { ...FULL, linux: { ...FULL.linux, ...USER, namespaces: ALL.slice(0, 7) } } },
  hybrid: { config: FULL, facts: { cgroup: 'hybrid' } },
  'hybrid with a cgroup namespace': {
    config: { ...FULL, linux: { ...FULL.linux, namespaces: ALL.slice(0, 6) } },
    facts: { cgroup: 'hybrid' },
  },
  joined: {
    config: {
      linux: {
        ...USER,
        timeOffsets: { boottime: { secs: 5 }, monotonic: { secs: -7, nanosecs: 3 } },
        namespaces: [
          ...types('pid', 'mount', 'user', 'time', 'cgroup'),
          { type: 'network', path: '/run/netns/x' },
          { type: 'ipc', path: '/proc/7/ns/ipc' },
        ],
      },
    },
  },
  'joined user': {
    config: {
      linux: { namespaces: [...types('pid', 'mount'), { type: 'user', path: '/proc/7/ns/user' }] },
    },
  },
  'no mount namespace': { config: { mounts: null, linux: { namespaces: types('pid') } } },
  filtered: {
    config: { process: { noNewPrivileges: false }, linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } } },
  },
  'filtered by an agent': {
    config: {
      linux: {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          listenerPath: '/run/agent',
          syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
        },
      },
    },
    request: { verb: 'run' },
  },
  'filtered hooks': {
    config: {
      process: { noNewPrivileges: false },
      hooks: { startContainer: [hook('/bin/d')] },
      linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } },
    },
  },
  'no pivot': { request: { noPivot: true, noNewKeyring: true } },
  rootless: {
    config: { linux: { ...USER, namespaces: types('pid', 'ipc', 'uts', 'mount', 'user') } },
    facts: { euid: 1000, egid: 1000, boundingCaps: '0', effectiveCaps: '0', mayMount: false },
  },
}

/** The same, for what is prepared of `kill` and `state`. */
export const ASKED: AskedInput = {
  record: { path: 'state.json', text: '{"format":1,' },
  pid: 77,
  process: 2 ** 33 + 5,
  boot: 'b-o-o-t\n',
  socket: 'start.sock',
  thawed: [
    { path: '/cg/freezer.state', text: 'THAWED\n' },
    { path: '/cg2/cgroup.events', text: 'populated 1\nfrozen 0\n' },
  ],
  created: 'is created',
  running: 'is running',
}

/** An ordinary container, for what is prepared of its start and its end. */
export const PREPARED: PreparedInput = {
  folder: '/run/davit/one',
  files: ['start.sock', 'state.json', 'prepared'],
  record: { path: 'state.json', text: '{"format":1,' },
  socket: 'start.sock',
  go: [1, 0],
  pid: 77,
  mark: 'davit-abc',
  thawed: [{ path: '/cg/freezer.state', text: 'THAWED\n' }],
  cgroups: ['/cg/b', '/cg/a'],
}
