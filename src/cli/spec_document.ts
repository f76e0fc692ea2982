/**
 * The config.json that `davit spec` writes: a document to start from, the same as runc's (its
 * libcontainer/specconv/example.go, 1.5). Pure; {@link specText} is the file's text.
 */
import { SPEC_VERSION } from './version.ts'

/** What the document depends on. */
export interface SpecInputs {
  /** For a container of an unprivileged user. */
  readonly rootless: boolean
  /** Who will run it; the rootless mappings need them. */
  readonly euid: number
  readonly egid: number
  /** Whether /sys/fs/cgroup is cgroup v2 alone; then the container gets a cgroup namespace, as with runc. */
  readonly cgroup2: boolean
}

interface MountEntry {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options?: readonly string[]
}

const CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']

const MOUNTS: readonly MountEntry[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
  },
]

const MASKED_PATHS = [
  '/proc/acpi',
  '/proc/asound',
  // in the defaults of moby, podman and containerd: a side channel on what else the machine does
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  // CVE-2020-8694: power readings reveal what other processes compute
  '/sys/devices/virtual/powercap',
  '/sys/devices/virtual/tpm',
]

const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** The document, its keys in runc's order. */
export function specDocument(inputs: SpecInputs): object {
  return {
    ociVersion: SPEC_VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      // CVE-2022-29162: no inheritable set; and no ambient one, of which a program that is not root would have use
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'davit',
    mounts: inputs.rootless ? MOUNTS.map(rootlessMount) : MOUNTS,
    linux: linuxSection(inputs),
  }
}

/** What is said instead of overwriting a file; engines and scripts know runc's words. */
export function specExistsMessage(fileName: string): string {
  return `file ${fileName} exists. Remove it first`
}

/** The file's text: indented with tabs, no newline at its end, as runc writes it. */
export function specText(inputs: SpecInputs): string {
  return JSON.stringify(specDocument(inputs), null, '\t')
}

function linuxSection({ rootless, euid, egid, cgroup2 }: SpecInputs): object {
  const types = ['pid', ...(rootless ? [] : ['network']), 'ipc', 'uts', 'mount']
  if (cgroup2) types.push('cgroup')
  if (rootless) types.push('user')
  return {
    ...(rootless
      ? {
          uidMappings: [{ containerID: 0, hostID: euid, size: 1 }],
          gidMappings: [{ containerID: 0, hostID: egid, size: 1 }],
        }
      : { resources: { devices: [{ allow: false, access: 'rwm' }] } }),
    namespaces: types.map((type) => ({ type })),
    maskedPaths: MASKED_PATHS,
    readonlyPaths: READONLY_PATHS,
  }
}

/**
 * KERNEL: without a network namespace of its own a user namespace may not mount sysfs, so /sys is bound; and a group
 * that has no mapping cannot be named in mount options.
 */
function rootlessMount(mount: MountEntry): MountEntry {
  if (mount.destination === '/sys') {
    return {
      destination: '/sys',
      type: 'none',
      source: '/sys',
      options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
    }
  }
  if (mount.options === undefined) return mount
  return { ...mount, options: mount.options.filter((option) => !/^[ug]id=/.test(option)) }
}
