/** What the cgroup planners produce: plain data, run by src/host/cgroup/make.ts in the order given. */
import type { BpfInstruction } from '../../kernel/bpf.ts'
import type { UnitPlan } from './unit.ts'

/** One directory the container has: one for each hierarchy that it joins. */
export interface CgroupDir {
  /** 'v2', or the v1 controllers joined by commas ("cpu,cpuacct", "name=systemd"). */
  readonly hierarchy: string
  /** The container's own directory, absolute. */
  readonly path: string
  /** The directories between the mount point and `path`, outermost first; they may exist, and they outlive the container. */
  readonly parents: readonly string[]
  /** Mount point of the hierarchy. */
  readonly mount: string
  /** No permission to make it is no error: the container does without (rootless, no cgroupsPath asked). */
  readonly optional?: true
}

/** Writes `value` with one write(2). */
export interface CgroupWrite {
  readonly kind: 'write'
  readonly path: string
  readonly value: string
  /** JSON pointer to what asked for it; '' when davit itself did. */
  readonly config: string
  /** Errno names that are no failure. */
  readonly tolerate?: readonly string[]
  /** Errno names on which the write is tried again after later ones: two values that constrain each other. */
  readonly postpone?: readonly string[]
  /** Written instead when `path` does not exist: an older or newer name of the same thing. */
  readonly ifAbsent?: { readonly path: string; readonly value: string }
}

/** Copies a cpuset file from the parent directory when it is empty, never overwriting (v1). */
export interface CgroupInherit {
  readonly kind: 'inherit'
  readonly dir: string
  readonly parent: string
  /** Names of the file, the first that exists counts: KERNEL: cpuset can be mounted noprefix, as on Android. */
  readonly files: readonly string[]
}

/** Lets the children of a v2 directory use controllers, as many of them as it can. */
export interface CgroupEnable {
  readonly kind: 'enable'
  readonly dir: string
  readonly controllers: readonly string[]
}

/** Refuses a limit that is not above what the cgroup uses already. */
export interface CgroupCheck {
  readonly kind: 'check'
  /** File with the present usage; an unreadable one is no failure. */
  readonly path: string
  /** In decimal: 64 bits. */
  readonly limit: string
  readonly what: string
  readonly config: string
}

/** Gives a v2 directory, and those of its files that the kernel says are for delegation, to a user. */
export interface CgroupGive {
  readonly kind: 'give'
  readonly dir: string
  /** The host's. */
  readonly uid: number
  /** No permission is no error (rootless). */
  readonly optional?: true
}

export type CgroupStep = CgroupWrite | CgroupInherit | CgroupEnable | CgroupCheck | CgroupGive

/** An eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE and where it goes. */
export interface DeviceProgram {
  /** v2 directory that it is attached to. */
  readonly dir: string
  readonly instructions: readonly BpfInstruction[]
  /** No permission to load it is no error (rootless, or all devices are allowed). */
  readonly optional?: true
}

export interface CgroupPlan {
  readonly dirs: readonly CgroupDir[]
  /** Run once the directories exist and before any process joins. */
  readonly steps: readonly CgroupStep[]
  /** Run when the container's set-up processes are there and before the user's process starts. */
  readonly late: readonly CgroupStep[]
  /** v1 `tasks` files: the container's first process writes "0" to each. */
  readonly tasks: readonly string[]
  /** v2 directory for CLONE_INTO_CGROUP. */
  readonly into?: string
  /** Below the v2 directory, whose limits hold for it: for the container to rule (crun's run.oci.delegate-cgroup). */
  readonly inner?: string
  /** Where a process that systemd has put into its unit goes on to, which is below that. */
  readonly onward?: string
  readonly devices?: DeviceProgram
  /** The systemd unit whose cgroup it is: systemd makes it, around a process that is there already. */
  readonly unit?: UnitPlan
  readonly warnings: readonly string[]
}

/** What state.json keeps of a container's cgroups: absolute paths of its own directories. */
export interface CgroupRecord {
  readonly v2?: string
  readonly v1: readonly string[]
  /** Where the processes are, if that is below the v2 directory: that takes none. */
  readonly inner?: string
}

/** Where a controller is to be configured. */
export interface Place {
  readonly version: 1 | 2
  readonly dir: string
}

/** What the planners of the single controllers fill; it never leaves src/plan/cgroup. */
export interface Draft {
  /** The directory where `controller` can be configured; undefined when no mounted hierarchy has it. */
  readonly place: (controller: string) => Place | undefined
  /** JSON pointer of the resources object. */
  readonly at: string
  readonly steps: CgroupStep[]
  readonly late: CgroupStep[]
  readonly warnings: string[]
}
