/** For fields.test.ts: configurations that between them have every field, and the fields that no plan shows. */
import { type Json, plainConfig } from '../spec/configs.ts'

/** Fields, with all below them, whose change no plan shows, and why. */
export const SILENT: readonly (readonly [place: string, why: string])[] = [
  ['/ociVersion', 'kept in the state, decides nothing'],
  ['/annotations', 'kept in the state'],
  ['/solaris', 'another platform'],
  ['/windows', 'another platform'],
  ['/vm', 'another platform'],
  ['/zos', 'another platform'],
  ['/freebsd', 'another platform'],
  ['/process/commandLine', 'Windows only'],
  ['/process/user/username', 'Windows only'],
  ['/process/execCPUAffinity', 'for processes of exec, not for the first one'],
  ['/linux/seccomp', 'compiled by libseccomp to the filter that the last step loads'],
  ['/linux/resources/memory/kernel', 'ignored with a warning: kernels have dropped it'],
  ['/linux/resources/memory/kernelTCP', 'ignored with a warning: kernels have dropped it'],
  ['/linux/resources/memory/checkBeforeUpdate', 'for update: a new cgroup uses nothing yet'],
  ['/linux/personality/flags', 'none is defined, and any is refused by a rule'],
  ['/linux/resources/memory/useHierarchy', 'kernels always account hierarchically'],
]

/** Fields whose effect is told with the place of another, which the same step is for. */
export const ELSEWHERE: readonly (readonly [field: RegExp, place: RegExp])[] = [
  [/^\/process\/(args|env)\//, /^\/process\/args\/0$/],
  [/^\/linux\/gidMappings\//, /^\/linux\/uidMappings$/],
  [/^\/linux\/mountLabel$/, /^\/mounts\/\d+$/],
  [/^\/mounts\/\d+\/gidMappings\//, /^\/mounts\/\d+\/uidMappings$/],
]

/** Values for fields in which the next number or a letter more would not do. */
export const OTHER_VALUES: readonly (readonly [field: RegExp, value: Json])[] = [
  [/^\/process\/rlimits\/\*\/type$/, 'RLIMIT_CORE'],
  [/^\/process\/capabilities\/\w+\/\*$/, 'CAP_CHOWN'],
  [/^\/linux\/sysctl\/\*$/, '0'],
]

function full(): Json {
  const config = plainConfig()
  const hook = { path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 5 }
  const all = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']
  Object.assign(config, { domainname: 'd', hooks: Object.fromEntries(all.map((kind) => [kind, [hook]])) })
  const sets = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient']
  Object.assign(config.process, {
    capabilities: Object.fromEntries(sets.map((set) => [set, ['CAP_KILL', 'CAP_FOWNER']])),
    scheduler: {
      policy: 'SCHED_OTHER',
      nice: 1,
      priority: 0,
      flags: ['SCHED_FLAG_RECLAIM'],
      runtime: 1,
      deadline: 1,
      period: 1,
    },
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 3 },
    apparmorProfile: 'a',
    selinuxLabel: 's',
  })
  delete config.linux.intelRdt
  config.mounts[1].options = ['rbind', 'ro']
  config.mounts.push({ destination: '/t', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] })
  config.linux.timeOffsets.boottime = { secs: 1, nanosecs: 1 }
  config.linux.mountLabel = 'l'
  config.linux.resources.devices.push({ allow: true, type: 'c', major: 7, minor: 7, access: 'r' })
  Object.assign(config.linux.resources.memory, {
    reservation: 1 << 20,
    limit: 1 << 24,
    swap: 1 << 25,
    disableOOMKiller: true,
    checkBeforeUpdate: true,
  })
  Object.assign(config.linux.resources.cpu, { burst: 10, realtimeRuntime: 10, realtimePeriod: 100, mems: '0', idle: 0 })
  const throttle = [{ major: 8, minor: 0, rate: 600 }]
  config.linux.resources.blockIO = {
    weight: 10,
    leafWeight: 10,
    weightDevice: [{ major: 8, minor: 0, weight: 500, leafWeight: 300 }],
    throttleReadBpsDevice: throttle,
    throttleWriteBpsDevice: throttle,
    throttleReadIOPSDevice: throttle,
    throttleWriteIOPSDevice: throttle,
  }
  config.linux.resources.rdma.mlx5_1.hcaObjects = 5
  return config
}

function withUser(config: Json): Json {
  config.linux.namespaces.push({ type: 'user' })
  const map = [{ containerID: 0, hostID: 100000, size: 65536 }]
  Object.assign(config.linux, { uidMappings: map, gidMappings: map })
  return config
}

function joining(config: Json): Json {
  config.linux.namespaces = [{ type: 'mount' }, { type: 'uts' }, { type: 'network', path: '/proc/9/ns/net' }]
  for (const key of ['timeOffsets', 'netDevices', 'sysctl']) delete config.linux[key]
  return config
}

function idmapped(): Json {
  const config = full()
  const map = [{ containerID: 0, hostID: 1, size: 1 }]
  const options = ['bind', 'idmap']
  config.mounts = [{ destination: '/data', source: '/srv', options, uidMappings: map, gidMappings: map }]
  return config
}

function withoutResources(patch: object, config = full()): Json {
  delete config.linux.resources
  Object.assign(config.linux, patch)
  return config
}

function onV2(config: Json): Json {
  const { memory, cpu, blockIO, ...others } = config.linux.resources
  const without = (object: object, ...keys: string[]) =>
    Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
  config.linux.resources = {
    ...without(others, 'network'),
    memory: without(memory, 'swappiness', 'disableOOMKiller'),
    cpu: without(cpu, 'realtimeRuntime', 'realtimePeriod'),
    blockIO: { ...without(blockIO, 'leafWeight'), weightDevice: [without(blockIO.weightDevice[0], 'leafWeight')] },
  }
  return config
}

function onV1(config: Json): Json {
  delete config.linux.resources.unified
  return config
}

/** Every field is in one of these at least. */
export const BASES: readonly { readonly config: Json; readonly cgroup: 'unified' | 'legacy' }[] = [
  { config: onV2(full()), cgroup: 'unified' },
  { config: onV1(full()), cgroup: 'legacy' },
  { config: withUser(onV2(full())), cgroup: 'unified' },
  { config: joining(onV2(full())), cgroup: 'unified' },
  { config: withoutResources({}, idmapped()), cgroup: 'unified' },
  {
    config: withoutResources({
      intelRdt: {
        closID: 'c',
        l3CacheSchema: 'L3:0=f',
        memBwSchema: 'MB:0=1',
        schemata: ['L2:0=f'],
        enableMonitoring: true,
      },
    }),
    cgroup: 'unified',
  },
]
