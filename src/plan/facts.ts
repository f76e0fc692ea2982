/**
 * What the planners know of the machine: gathered once by src/host/facts.ts, written by hand in tests.
 * Plain readonly JSON values; nothing in src/plan looks at the machine itself.
 */

/** What concerns any process of a container. */
export interface ProcessFacts {
  readonly arch: 'x64' | 'arm64'
  /** Kernel release as [major, minor], for example [6, 18]. */
  readonly kernel: readonly [major: number, minor: number]
  /** Effective ids of the runtime itself. */
  readonly euid: number
  readonly egid: number
  /** Whether the runtime runs in the initial user namespace (by the inode of /proc/self/ns/user). */
  readonly initialUserns: boolean
  /** Number of the kernel's last capability (/proc/sys/kernel/cap_last_cap). */
  readonly lastCap: number
  /** The runtime's own bounding set: what a container can be given at the most. Hexadecimal as in /proc/self/status. */
  readonly boundingCaps: string
  /** The runtime's own effective set: what it may do in its user namespace. In the same form. */
  readonly effectiveCaps: string
  /** Whether setgroups(2) is allowed in the runtime's user namespace (/proc/PID/setgroups, user_namespaces(7)). */
  readonly setgroups: boolean
  /** The caller's limit of open files, soft and hard, where the runtime's engine has changed it. */
  readonly nofile?: readonly [soft: string, hard: string]
  /** Whether the kernel's AppArmor, where it is asked for, and SELinux are in force. */
  readonly apparmor: boolean
  readonly selinux: boolean
  /** Names of the loaded AppArmor profiles, where the process asks for one and they can be told. */
  readonly profiles?: readonly string[]
  /** Labels of the configuration that the loaded SELinux policy does not know, where it tells. */
  readonly unknownLabels?: readonly string[]
}

/** And what making a container takes. */
export interface Facts extends ProcessFacts {
  /** Whether the runtime may make mounts where it is: its mount namespace belongs to its user namespace. */
  readonly mayMount: boolean
  readonly cgroup: CgroupFacts
  /** Where resctrl is mounted, if it is and the configuration asks for it. */
  readonly resctrl?: string
}

/** One mounted v1 hierarchy. */
export interface CgroupV1Hierarchy {
  /** Mount point, for example /sys/fs/cgroup/cpu,cpuacct. */
  readonly mount: string
  /** Controllers of this hierarchy, ["name=systemd"] for a named one. */
  readonly controllers: readonly string[]
  /** The runtime's own cgroup in it, relative to the mount point, starting with "/". */
  readonly own: string
}

/** The mounted v2 hierarchy. */
export interface CgroupV2Hierarchy {
  readonly mount: string
  readonly own: string
  /** What cgroup.controllers at the mount point lists. */
  readonly controllers: readonly string[]
}

export interface CgroupFacts {
  /** unified: only v2. hybrid: v1 controllers and a v2 mount. legacy: only v1. none: no cgroup file system. */
  readonly mode: 'unified' | 'hybrid' | 'legacy' | 'none'
  readonly v2?: CgroupV2Hierarchy
  readonly v1: readonly CgroupV1Hierarchy[]
}

/** Whether the kernel is at least major.minor. */
export function kernelAtLeast(facts: Pick<Facts, 'kernel'>, major: number, minor: number): boolean {
  const [haveMajor, haveMinor] = facts.kernel
  return haveMajor > major || (haveMajor === major && haveMinor >= minor)
}
