// Generated from spec/*.json by spec/build.ts. Do not edit; run: bun spec/build.ts

/**
 * A container's config.json, OCI runtime specification 1.3, Linux platform.
 */
export interface Spec {
  /**
   * Version of the specification the bundle was written for (SemVer).
   */
  readonly ociVersion: string
  readonly root?: Root
  /**
   * Mounted in this order on top of the root file system.
   */
  readonly mounts?: readonly Mount[]
  readonly process?: Process
  /**
   * Host name in the container's UTS namespace.
   */
  readonly hostname?: string
  /**
   * NIS domain name in the container's UTS namespace.
   */
  readonly domainname?: string
  readonly hooks?: Hooks
  /**
   * Free-form labels.
   */
  readonly annotations?: {
    readonly [k: string]: string
  }
  readonly linux?: Linux
  /**
   * Other platform, ignored.
   */
  readonly solaris?: object
  /**
   * Other platform, ignored.
   */
  readonly windows?: object
  /**
   * Virtual machines, ignored.
   */
  readonly vm?: object
  /**
   * Other platform, ignored.
   */
  readonly zos?: object
  /**
   * Other platform, ignored.
   */
  readonly freebsd?: object
}
/**
 * The container's root file system.
 */
export interface Root {
  /**
   * Directory, absolute or relative to the bundle.
   */
  readonly path: string
  /**
   * Read-only inside the container; false when absent.
   */
  readonly readonly?: boolean
}
/**
 * One entry of mounts. A bind mount is one with bind or rbind among its options, whatever its type.
 */
export interface Mount {
  /**
   * Path in the container; a relative one counts from / (deprecated).
   */
  readonly destination: string
  /**
   * Device, dummy name or, for a bind mount, a path (relative to the bundle).
   */
  readonly source?: string
  /**
   * File system type; a dummy for bind mounts.
   */
  readonly type?: string
  /**
   * As in fstab; what is not known goes to the file system.
   */
  readonly options?: readonly string[]
  /**
   * Idmapped mount: user ids.
   */
  readonly uidMappings?: readonly IdMapping[]
  /**
   * Idmapped mount: group ids.
   */
  readonly gidMappings?: readonly IdMapping[]
}
/**
 * One range of ids: as many as size from containerID on stand for those from hostID on.
 */
export interface IdMapping {
  /**
   * First id inside.
   */
  readonly containerID: number
  /**
   * First id outside.
   */
  readonly hostID: number
  /**
   * How many ids.
   */
  readonly size: number
}
/**
 * The program that the container runs.
 */
export interface Process {
  /**
   * Give it a pseudoterminal; false when absent.
   */
  readonly terminal?: boolean
  readonly consoleSize?: ConsoleSize
  readonly user?: User
  /**
   * Working directory, absolute.
   */
  readonly cwd: string
  /**
   * argv; the first is looked up as execvp does.
   */
  readonly args?: readonly string[]
  /**
   * Windows only, ignored.
   */
  readonly commandLine?: string
  /**
   * NAME=value, passed as given.
   */
  readonly env?: readonly string[]
  readonly capabilities?: Capabilities
  readonly rlimits?: readonly Rlimit[]
  /**
   * Sets no_new_privs.
   */
  readonly noNewPrivileges?: boolean
  /**
   * AppArmor profile to change to on exec.
   */
  readonly apparmorProfile?: string
  /**
   * SELinux label to exec under.
   */
  readonly selinuxLabel?: string
  /**
   * Written to oom_score_adj when set.
   */
  readonly oomScoreAdj?: number
  readonly scheduler?: Scheduler
  readonly ioPriority?: IoPriority
  readonly execCPUAffinity?: CpuAffinity
}
/**
 * Size of the terminal in characters; ignored without terminal.
 */
export interface ConsoleSize {
  /**
   * Rows.
   */
  readonly height: number | bigint
  /**
   * Columns.
   */
  readonly width: number | bigint
}
/**
 * Who the process runs as. Absent ids are 0, as in the Go bindings.
 */
export interface User {
  /**
   * User id in the container.
   */
  readonly uid?: number
  /**
   * Group id in the container.
   */
  readonly gid?: number
  /**
   * umask; the caller's when absent.
   */
  readonly umask?: number
  /**
   * Supplementary groups, duplicates allowed.
   */
  readonly additionalGids?: readonly number[]
  /**
   * Windows only, ignored.
   */
  readonly username?: string
}
/**
 * The five capability sets; an absent one is empty. Unknown names are warned about, not refused.
 */
export interface Capabilities {
  readonly bounding?: readonly string[]
  readonly effective?: readonly string[]
  readonly inheritable?: readonly string[]
  readonly permitted?: readonly string[]
  readonly ambient?: readonly string[]
}
/**
 * One resource limit. 2^64-1 is unlimited.
 */
export interface Rlimit {
  /**
   * RLIMIT_NOFILE and so on, getrlimit(2).
   */
  readonly type: string
  /**
   * The limit in force.
   */
  readonly soft: number | bigint
  /**
   * The ceiling of soft.
   */
  readonly hard: number | bigint
}
/**
 * sched_setattr(2).
 */
export interface Scheduler {
  /**
   * Scheduling policy.
   */
  readonly policy: 'SCHED_OTHER' | 'SCHED_FIFO' | 'SCHED_RR' | 'SCHED_BATCH' | 'SCHED_ISO' | 'SCHED_IDLE' | 'SCHED_DEADLINE'
  /**
   * -20 to 19; 0 when absent.
   */
  readonly nice?: number
  /**
   * For FIFO and RR; 0 when absent.
   */
  readonly priority?: number
  readonly flags?: readonly (
    | 'SCHED_FLAG_RESET_ON_FORK'
    | 'SCHED_FLAG_RECLAIM'
    | 'SCHED_FLAG_DL_OVERRUN'
    | 'SCHED_FLAG_KEEP_POLICY'
    | 'SCHED_FLAG_KEEP_PARAMS'
    | 'SCHED_FLAG_UTIL_CLAMP_MIN'
    | 'SCHED_FLAG_UTIL_CLAMP_MAX'
  )[]
  /**
   * Nanoseconds, for DEADLINE.
   */
  readonly runtime?: number | bigint
  /**
   * Nanoseconds, for DEADLINE.
   */
  readonly deadline?: number | bigint
  /**
   * Nanoseconds, for DEADLINE.
   */
  readonly period?: number | bigint
}
/**
 * ioprio_set(2).
 */
export interface IoPriority {
  readonly class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE'
  /**
   * 0 (highest, when absent) to 7.
   */
  readonly priority?: number
}
/**
 * CPUs for exec: before and after the process enters the container's cgroup.
 */
export interface CpuAffinity {
  /**
   * Such as 0-3,7.
   */
  readonly initial?: string
  /**
   * Such as 0-3,7.
   */
  readonly final?: string
}
/**
 * Hooks by kind, each list run in order.
 */
export interface Hooks {
  /**
   * Deprecated; runtime namespace, before createRuntime.
   */
  readonly prestart?: readonly Hook[]
  /**
   * Runtime namespace, before pivot_root.
   */
  readonly createRuntime?: readonly Hook[]
  /**
   * Container namespace, before pivot_root.
   */
  readonly createContainer?: readonly Hook[]
  /**
   * Container namespace, just before the user's program.
   */
  readonly startContainer?: readonly Hook[]
  /**
   * Runtime namespace, after the user's program was started.
   */
  readonly poststart?: readonly Hook[]
  /**
   * Runtime namespace, after the container was deleted.
   */
  readonly poststop?: readonly Hook[]
}
/**
 * A program to run at a point of the container's life; it gets the state on stdin.
 */
export interface Hook {
  /**
   * Absolute path of the program.
   */
  readonly path: string
  /**
   * argv including argv[0].
   */
  readonly args?: readonly string[]
  /**
   * NAME=value.
   */
  readonly env?: readonly string[]
  /**
   * Seconds.
   */
  readonly timeout?: number
}
/**
 * Linux-specific configuration.
 */
export interface Linux {
  readonly namespaces?: readonly Namespace[]
  /**
   * User ids of the new user namespace.
   */
  readonly uidMappings?: readonly IdMapping[]
  /**
   * Group ids of the new user namespace.
   */
  readonly gidMappings?: readonly IdMapping[]
  readonly timeOffsets?: TimeOffsets
  /**
   * Device nodes to supply besides the default ones.
   */
  readonly devices?: readonly Device[]
  /**
   * Network interfaces to move into the container, by their name on the host.
   */
  readonly netDevices?: {
    readonly [k: string]: NetDevice
  }
  /**
   * Where the container's cgroup goes.
   */
  readonly cgroupsPath?: string
  readonly resources?: Resources
  readonly intelRdt?: IntelRdt
  readonly memoryPolicy?: MemoryPolicy
  /**
   * Kernel parameters of the container's namespaces.
   */
  readonly sysctl?: {
    readonly [k: string]: string
  }
  readonly seccomp?: Seccomp
  /**
   * Mount propagation of the root file system.
   */
  readonly rootfsPropagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave' | 'unbindable' | 'runbindable'
  /**
   * Absolute paths made unreadable.
   */
  readonly maskedPaths?: readonly string[]
  /**
   * Absolute paths made read-only.
   */
  readonly readonlyPaths?: readonly string[]
  /**
   * SELinux context of the mounts.
   */
  readonly mountLabel?: string
  readonly personality?: Personality
}
/**
 * A namespace to create or, with a path, to join.
 */
export interface Namespace {
  readonly type: 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time'
  /**
   * Absolute path of a namespace file; empty counts as absent.
   */
  readonly path?: string
}
/**
 * Clock offsets of a new time namespace.
 */
export interface TimeOffsets {
  readonly monotonic?: TimeOffset
  readonly boottime?: TimeOffset
}
/**
 * One clock's offset.
 */
export interface TimeOffset {
  /**
   * Seconds.
   */
  readonly secs?: number | bigint
  /**
   * Nanoseconds.
   */
  readonly nanosecs?: number
}
/**
 * A device node in the container.
 */
export interface Device {
  /**
   * u is c; p is a FIFO.
   */
  readonly type: 'c' | 'b' | 'u' | 'p'
  /**
   * Absolute path in the container.
   */
  readonly path: string
  readonly major?: number | bigint
  readonly minor?: number | bigint
  /**
   * Mode as a decimal number; file type bits may be set and mean nothing.
   */
  readonly fileMode?: number
  /**
   * Owner in the container.
   */
  readonly uid?: number
  /**
   * Group in the container.
   */
  readonly gid?: number
}
/**
 * How a network interface appears in the container.
 */
export interface NetDevice {
  /**
   * New name; %d asks the kernel for a number.
   */
  readonly name?: string
}
/**
 * cgroup limits and device access.
 */
export interface Resources {
  /**
   * Applied in order.
   */
  readonly devices?: readonly DeviceRule[]
  readonly memory?: MemoryResources
  readonly cpu?: CpuResources
  readonly pids?: PidsResources
  readonly blockIO?: BlockIoResources
  readonly hugepageLimits?: readonly HugepageLimit[]
  readonly network?: NetworkResources
  /**
   * RDMA limits by device name.
   */
  readonly rdma?: {
    readonly [k: string]: RdmaLimit
  }
  /**
   * cgroup v2 files and what to write into them.
   */
  readonly unified?: {
    readonly [k: string]: string
  }
}
/**
 * One rule of the device access list; an absent type or number means all.
 */
export interface DeviceRule {
  readonly allow: boolean
  /**
   * a, b or c; absent or empty is a.
   */
  readonly type?: string
  readonly major?: number | bigint
  readonly minor?: number | bigint
  /**
   * Some of r, w and m.
   */
  readonly access?: string
}
/**
 * Memory limits in bytes, -1 is unlimited.
 */
export interface MemoryResources {
  readonly limit?: number | bigint
  /**
   * Soft limit.
   */
  readonly reservation?: number | bigint
  /**
   * Limit of memory and swap together.
   */
  readonly swap?: number | bigint
  /**
   * Obsolete, ignored by kernels since 5.16.
   */
  readonly kernel?: number | bigint
  /**
   * Obsolete.
   */
  readonly kernelTCP?: number | bigint
  /**
   * 0 to 100.
   */
  readonly swappiness?: number | bigint
  readonly disableOOMKiller?: boolean
  readonly useHierarchy?: boolean
  /**
   * Refuse a new limit below the present usage.
   */
  readonly checkBeforeUpdate?: boolean
}
/**
 * CPU bandwidth and CPU sets; times in microseconds.
 */
export interface CpuResources {
  readonly shares?: number | bigint
  readonly quota?: number | bigint
  readonly burst?: number | bigint
  readonly period?: number | bigint
  readonly realtimeRuntime?: number | bigint
  readonly realtimePeriod?: number | bigint
  /**
   * Such as 0-3,7.
   */
  readonly cpus?: string
  /**
   * Such as 0-1.
   */
  readonly mems?: string
  /**
   * 1 is SCHED_IDLE.
   */
  readonly idle?: number | bigint
}
/**
 * Number of tasks.
 */
export interface PidsResources {
  /**
   * -1 is unlimited, 0 is a limit.
   */
  readonly limit?: number | bigint
}
/**
 * Block IO weights and rates.
 */
export interface BlockIoResources {
  readonly weight?: number
  readonly leafWeight?: number
  readonly weightDevice?: readonly DeviceWeight[]
  readonly throttleReadBpsDevice?: readonly Throttle[]
  readonly throttleWriteBpsDevice?: readonly Throttle[]
  readonly throttleReadIOPSDevice?: readonly Throttle[]
  readonly throttleWriteIOPSDevice?: readonly Throttle[]
}
/**
 * IO weight of one block device.
 */
export interface DeviceWeight {
  readonly major: number | bigint
  readonly minor: number | bigint
  readonly weight?: number
  readonly leafWeight?: number
}
/**
 * IO rate of one block device, per second.
 */
export interface Throttle {
  readonly major: number | bigint
  readonly minor: number | bigint
  readonly rate: number | bigint
}
/**
 * Limit of one size of huge pages, in bytes.
 */
export interface HugepageLimit {
  /**
   * Such as 2MB.
   */
  readonly pageSize: string
  readonly limit: number | bigint
}
/**
 * net_cls and net_prio of cgroup v1.
 */
export interface NetworkResources {
  readonly classID?: number
  readonly priorities?: readonly InterfacePriority[]
}
/**
 * Traffic priority on one interface.
 */
export interface InterfacePriority {
  readonly name: string
  readonly priority: number
}
/**
 * RDMA limits of one device.
 */
export interface RdmaLimit {
  readonly hcaHandles?: number
  readonly hcaObjects?: number
}
/**
 * Resource Director Technology (resctrl).
 */
export interface IntelRdt {
  /**
   * Class of service; / is the default one; absent means the container's id.
   */
  readonly closID?: string
  readonly l3CacheSchema?: string
  readonly memBwSchema?: string
  readonly schemata?: readonly string[]
  readonly enableMonitoring?: boolean
}
/**
 * set_mempolicy(2).
 */
export interface MemoryPolicy {
  readonly mode:
    | 'MPOL_DEFAULT'
    | 'MPOL_BIND'
    | 'MPOL_INTERLEAVE'
    | 'MPOL_WEIGHTED_INTERLEAVE'
    | 'MPOL_PREFERRED'
    | 'MPOL_PREFERRED_MANY'
    | 'MPOL_LOCAL'
  /**
   * Such as 0-3,7; empty is none.
   */
  readonly nodes?: string
  readonly flags?: readonly ('MPOL_F_NUMA_BALANCING' | 'MPOL_F_RELATIVE_NODES' | 'MPOL_F_STATIC_NODES')[]
}
/**
 * System call filter.
 */
export interface Seccomp {
  readonly defaultAction:
    | 'SCMP_ACT_KILL'
    | 'SCMP_ACT_KILL_PROCESS'
    | 'SCMP_ACT_KILL_THREAD'
    | 'SCMP_ACT_TRAP'
    | 'SCMP_ACT_ERRNO'
    | 'SCMP_ACT_TRACE'
    | 'SCMP_ACT_ALLOW'
    | 'SCMP_ACT_LOG'
    | 'SCMP_ACT_NOTIFY'
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly (
    | 'SCMP_ARCH_X86'
    | 'SCMP_ARCH_X86_64'
    | 'SCMP_ARCH_X32'
    | 'SCMP_ARCH_ARM'
    | 'SCMP_ARCH_AARCH64'
    | 'SCMP_ARCH_MIPS'
    | 'SCMP_ARCH_MIPS64'
    | 'SCMP_ARCH_MIPS64N32'
    | 'SCMP_ARCH_MIPSEL'
    | 'SCMP_ARCH_MIPSEL64'
    | 'SCMP_ARCH_MIPSEL64N32'
    | 'SCMP_ARCH_PPC'
    | 'SCMP_ARCH_PPC64'
    | 'SCMP_ARCH_PPC64LE'
    | 'SCMP_ARCH_S390'
    | 'SCMP_ARCH_S390X'
    | 'SCMP_ARCH_PARISC'
    | 'SCMP_ARCH_PARISC64'
    | 'SCMP_ARCH_RISCV64'
    | 'SCMP_ARCH_LOONGARCH64'
    | 'SCMP_ARCH_M68K'
    | 'SCMP_ARCH_SH'
    | 'SCMP_ARCH_SHEB'
  )[]
  readonly flags?: readonly (
    | 'SECCOMP_FILTER_FLAG_TSYNC'
    | 'SECCOMP_FILTER_FLAG_LOG'
    | 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'
    | 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'
  )[]
  /**
   * Socket that gets the notification fd.
   */
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls?: readonly SeccompRule[]
}
/**
 * What to do for some system calls.
 */
export interface SeccompRule {
  /**
   * @minItems 1
   */
  readonly names: readonly string[]
  readonly action:
    | 'SCMP_ACT_KILL'
    | 'SCMP_ACT_KILL_PROCESS'
    | 'SCMP_ACT_KILL_THREAD'
    | 'SCMP_ACT_TRAP'
    | 'SCMP_ACT_ERRNO'
    | 'SCMP_ACT_TRACE'
    | 'SCMP_ACT_ALLOW'
    | 'SCMP_ACT_LOG'
    | 'SCMP_ACT_NOTIFY'
  readonly errnoRet?: number
  readonly args?: readonly SeccompArg[]
}
/**
 * A condition on one argument.
 */
export interface SeccompArg {
  readonly index: number
  readonly value: number | bigint
  readonly valueTwo?: number | bigint
  readonly op:
    'SCMP_CMP_NE' | 'SCMP_CMP_LT' | 'SCMP_CMP_LE' | 'SCMP_CMP_EQ' | 'SCMP_CMP_GE' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ'
}
/**
 * personality(2).
 */
export interface Personality {
  readonly domain: 'LINUX' | 'LINUX32'
  /**
   * None is defined.
   */
  readonly flags?: readonly string[]
}
