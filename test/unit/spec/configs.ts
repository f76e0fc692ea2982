/** Configurations for the tests of this folder. */

/** A plain value that a test may change at will. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into unchecked JSON.
export type Json = any

/** About what engines send: valid, with every common block. */
export function plainConfig(): Json {
  return {
    ociVersion: '1.2.0',
    root: { path: 'rootfs', readonly: true },
    hostname: 'box',
    process: {
      terminal: true,
      consoleSize: { height: 25, width: 80 },
      user: { uid: 1, gid: 1, umask: 18, additionalGids: [5, 5] },
      args: ['sh', '-c', 'true'],
      env: ['PATH=/bin', 'EMPTY='],
      cwd: '/',
      capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] },
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 }],
      noNewPrivileges: true,
      oomScoreAdj: -500,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/data', source: '/srv', options: ['rbind', 'ro'] },
    ],
    hooks: { createRuntime: [{ path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 5 }] },
    annotations: { a: 'b', 'c/d': '' },
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'time'].map((type) => ({ type })),
      devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
      netDevices: { eth0: { name: 'net0' } },
      cgroupsPath: '/a/b',
      sysctl: { 'net.ipv4.ip_forward': '1' },
      timeOffsets: { monotonic: { secs: -5, nanosecs: 10 } },
      maskedPaths: ['/proc/kcore'],
      readonlyPaths: ['/proc/sys'],
      rootfsPropagation: 'slave',
      personality: { domain: 'LINUX' },
      memoryPolicy: { mode: 'MPOL_BIND', nodes: '0-1', flags: ['MPOL_F_STATIC_NODES'] },
      intelRdt: { closID: 'group', l3CacheSchema: 'L3:0=ff', memBwSchema: 'MB:0=20', schemata: ['L2:0=f'] },
      resources: {
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
        ],
        memory: { limit: 536870912, swap: -1, swappiness: 60 },
        cpu: { shares: 1024, quota: 100000, period: 50000, cpus: '0-1' },
        pids: { limit: 100 },
        blockIO: {
          weight: 10,
          weightDevice: [{ major: 8, minor: 0, weight: 500 }],
          throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 600 }],
        },
        hugepageLimits: [{ pageSize: '2MB', limit: 1048576 }],
        network: { classID: 1048577, priorities: [{ name: 'eth0', priority: 500 }] },
        rdma: { mlx5_1: { hcaHandles: 3 } },
        unified: { 'io.max': '8:0 rbps=1' },
      },
      seccomp: {
        defaultAction: 'SCMP_ACT_ERRNO',
        defaultErrnoRet: 1,
        architectures: ['SCMP_ARCH_X86_64'],
        flags: ['SECCOMP_FILTER_FLAG_LOG'],
        syscalls: [
          { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
          {
            names: ['personality'],
            action: 'SCMP_ACT_ERRNO',
            errnoRet: 38,
            args: [{ index: 0, value: 8, valueTwo: 1, op: 'SCMP_CMP_MASKED_EQ' }],
          },
        ],
      },
    },
  }
}

/** The plain configuration with a user namespace. */
export function userConfig(): Json {
  const config = plainConfig()
  config.linux.namespaces.push({ type: 'user' })
  config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  return config
}

/** Every place in a JSON value, as tokens, the root first. */
export function places(value: Json, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.keys(value).flatMap((key) => places(value[key], [...path, key]))]
}

/** A copy of the value with the place replaced, or removed when `replacement` is undefined. */
export function withPlace(value: Json, path: readonly string[], replacement: Json): Json {
  const copy = structuredClone({ root: value })
  let parent: Json = copy
  const tokens = ['root', ...path]
  for (const token of tokens.slice(0, -1)) parent = parent[token]
  const last = tokens.at(-1) as string
  if (replacement !== undefined) parent[last] = replacement
  else if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else delete parent[last]
  return copy.root
}

/** What to put in any place: every JSON type, edges of every number range, odd strings. */
export const ODD_VALUES: readonly Json[] = [
  undefined,
  null,
  true,
  false,
  0,
  1,
  -1,
  0.5,
  -0,
  1e30,
  511,
  512,
  65535,
  65536,
  2147483647,
  2147483648,
  -2147483648,
  -2147483649,
  4294967294,
  4294967295,
  4294967296,
  2 ** 53,
  2 ** 63,
  -(2 ** 63),
  2 ** 64,
  2 ** 65,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  -(2n ** 63n),
  -(2n ** 63n) - 1n,
  2n ** 64n - 1n,
  2n ** 64n,
  '',
  'x',
  'a\0b',
  'a\nb',
  'a\x7fb',
  'é\u{1F600}',
  'c',
  'pid',
  'rslave',
  '2MB',
  '0MB',
  'MB:',
  'MB:\n',
  '18446744073709551615',
  [],
  [''],
  [0],
  [null],
  ['a\0'],
  [[]],
  {},
  { path: '/x' },
  { type: 'pid' },
  { 'a\0': 'b' },
  { a: 'b' },
  { a: 1 },
]
