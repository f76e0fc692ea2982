/**
 * The steps of a plan: plain data. Child steps run in the container's processes by the C executor (src/wire lowers
 * them to records, src/plan/print puts them into words), host steps run in the parent by src/lifecycle. An fd slot is a
 * number; the steps that open something name the slot it goes to, later steps name the slot. Slot 0 is the socket to the
 * parent. Control flow goes forward only: a step that fails with an errno it tolerates skips the next `skip` steps (0:
 * just goes on).
 */
import type { CapabilityBits } from '../kernel/capability_bits.ts'
import type { PERSONALITIES } from '../kernel/scheduling.ts'
import type { SyscallName } from '../kernel/syscalls.ts'
import type { RdtHostStep } from './rdt_model.ts'
import type { IoPriorityOperands, MemoryPolicyOperands, SchedulerOperands } from './scheduling_operands.ts'
import type { SeccompListener } from './seccomp/model.ts'
import type { Tag } from './tags.ts'

export type Slot = number
/** A directory fd: a slot, or the working directory / host root, for absolute paths. */
export type Dir = Slot | 'cwd'

/** Where a step comes from; kept in TypeScript and indexed by step, so that a failure finds its words. */
export interface Origin {
  /** JSON pointer into config.json. */
  readonly config?: string
  /** What is being done, as the start of an error message: `mount "proc" on "/proc" (nosuid)`. */
  readonly doing?: string
}

/** An argument of a raw system call step. */
export type CallArg = number | bigint | string | { readonly slot: Slot } | { readonly bytes: readonly number[] }

interface Common {
  readonly origin?: Origin
  readonly tolerate?: readonly string[]
  readonly skip?: number
  /** Skip silently when the step's own slot is empty. */
  readonly ifOpen?: boolean
}

type Step<K extends string, Operands> = Common & { readonly kind: K } & Readonly<Operands>

/** openat2 with how it may resolve: in the root given by `dir`, without magic links, and without any link at all if asked. */
export type OpenStep = Step<
  'open',
  { out: Slot; dir: Dir; path: string; flags: number; inRoot?: boolean; noLinks?: boolean }
>
export type FileStep =
  | OpenStep
  | Step<'close', { slot: Slot }>
  | Step<'makePath', { out: Slot; root: Slot; path: string; type: 'directory' | 'file' | { like: Slot }; mode: number }>
  | Step<'write', { dir: Dir; path: string; data: string }>
  | Step<'writeSlot', { slot: Slot; data: string }>
  | Step<
      'verify',
      {
        slot: Slot
        is:
          | ('directory' | 'fifo')
          | ({ link: string } | { filesystem: number } | { inode: number })
          | ({ char: readonly [number, number] } | { block: readonly [number, number] })
      }
    >
  /** A file begins with `data` or, with `is: false`, does not. */
  | Step<'expect', { dir: Dir; path: string; data: string; is: boolean }>
  | Step<'mkdir', { dir: Dir; path: string; mode: number }>
  | Step<'mknod', { dir: Dir; path: string; mode: number; device: readonly [number, number] }>
  | Step<'symlink', { dir: Dir; path: string; target: string }>
  | Step<'unlink', { dir: Dir; path: string }>
  | Step<'chown', { dir: Dir; path: string; uid: number; gid: number }>
  | Step<'chmod', { dir: Dir; path: string; mode: number }>
  | Step<'chdir', { path: string }>
  | Step<'chownStream', { fd: number; type: number; uid: number }>
  | Step<'umask', { mask: number }>
  /** fsetxattr(2) of security.selinux. */
  | Step<'label', { slot: Slot; label: string }>

/** Attributes of mount_setattr(2) by MOUNT_ATTR_* bits. */
export interface MountAttributes {
  readonly set: number
  readonly clear: number
  /** MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE; 0: leave alone. */
  readonly propagation?: number
}

export type MountStep =
  | Step<
      'fsmount',
      { out: Slot; type: string; source?: string; options: readonly string[]; attributes: number; modeLike?: Slot }
    >
  | Step<'cloneTree', { out: Slot; dir: Dir; path: string; recursive: boolean; noFollow?: boolean }>
  | Step<'setAttributes', { slot: Slot; recursive: boolean } & MountAttributes>
  /** What is in the directory `from` is copied into the empty directory `to`, with owners and modes; `proc` is a procfs. */
  | Step<'copyTree', { from: Slot; to: Slot; proc: Slot }>
  /** Attaches to an open target and closes both; `keep` leaves the mount's slot open. */
  | Step<'attach', { mount: Slot; to: Slot; keep?: boolean }>
  /** Resolves the target in-root, makes what is missing, attaches, closes. */
  | Step<
      'place',
      { mount: Slot; root: Slot; path: string; type: 'directory' | 'file' | 'like'; noLinks?: boolean; keep?: boolean }
    >
  | Step<'maskPath', { root: Slot; path: string; nullDevice: Slot; emptyTmpfs: Slot; options: readonly string[] }>
  | Step<'readonlyPath', { root: Slot; path: string }>
  | Step<'attachAt', { mount: Slot; path: string }>
  | Step<'propagation', { path: string; flags: number }>
  | Step<'pivotRoot', { root: Slot }>
  | Step<'moveRoot', { root: Slot }>
  | Step<'chroot', { root: Slot }>
  | Step<'unmount', { path: string; flags: number }>
  /** Fails with EINVAL unless the slot is the root of a mount. */
  | Step<'verifyMount', { slot: Slot }>
  /** Takes off the mount of the slot, with all below it, whatever is over it; `proc` is a procfs that shows us. */
  | Step<'unmountSlot', { slot: Slot; proc: Slot }>

export type NamespaceStep =
  | Step<'unshare', { flags: number; names: readonly string[] }>
  | Step<'join', { slot: Slot; flag: number; path: string }>
  /** setns(2) into several namespaces of the process of a pidfd at once. */
  | Step<'joinProcess', { slot: Slot; flags: number; names: readonly string[] }>
  | Step<'fork', { flags: number }>
  | Step<'hostname', { name: string }>
  | Step<'domainname', { name: string }>
  | Step<'netlink', { message: readonly number[]; what: string }>

export type IdentityStep =
  | Step<'prctl', { name: string; option: number; args: readonly number[] }>
  /** sched_setaffinity(2) to every CPU. */
  | Step<'anyCpu', object>
  /** sched_setaffinity(2) to a list as cpuset(7) writes it. */
  | Step<'affinity', { cpus: string }>
  | Step<'scheduler', SchedulerOperands>
  | Step<'ioPriority', IoPriorityOperands>
  | Step<'personality', { domain: keyof typeof PERSONALITIES }>
  | Step<'memoryPolicy', MemoryPolicyOperands>
  | Step<'setsid', object>
  | Step<'keyring', { name: string }>
  | Step<'rlimit', { name: string; resource: number; soft: string; hard: string }>
  | Step<'setgroups', { gids: readonly number[] }>
  | Step<'setgid', { gid: number }>
  | Step<'setuid', { uid: number }>
  | Step<'boundingDrop', { capabilities: CapabilityBits }>
  /** `keep`: effective and permitted until exec, which computes both anew, for a filter that is loaded before. */
  | Step<
      'capset',
      { effective: CapabilityBits; permitted: CapabilityBits; inheritable: CapabilityBits; keep?: CapabilityBits }
    >
  | Step<'ambient', { capabilities: CapabilityBits }>

/** A seccomp filter: an array of struct sock_filter and SECCOMP_FILTER_FLAG_* bits. */
export interface Filter {
  readonly program: Uint8Array
  readonly flags: number
  /** Path of the socket of whoever gets the listener that the flags ask for. */
  readonly agent?: string
  /** Pointer of what the program comes from, where it is not /linux/seccomp. */
  readonly source?: string
}

export type ProcessStep =
  | Step<'jump', object>
  | Step<'sync', { tag: Tag; wait: boolean }>
  | Step<'sendFd', { tag: Tag; slot: Slot }>
  | Step<'take', { tag: Tag; out: Slot }>
  | Step<
      'ioctl',
      { out?: Slot; slot: Slot; name: string; request: number; value: number | { readonly bytes: readonly number[] } }
    >
  | Step<'duplicate', { slot: Slot; to: number }>
  | Step<'hook', HookCall & { stdin: Slot; output: Slot; errors: Slot }>
  | Step<'findExecutable', { name: string; candidates: readonly string[] }>
  | Step<'waitForStart', { slot: Slot }>
  /** Waits until a socket is closed from the other side; a word from there is a failure, and stays to be read. */
  | Step<'hearEnd', { slot: Slot }>
  /** Loads a seccomp filter; all that follows is subject to it. Its listener goes to `out` when it was handed over. */
  | Step<'filter', Filter & { out?: Slot }>
  /** A filter is loaded when nothing but execve itself is left to do. */
  | Step<'exec', { args: readonly string[]; env: readonly string[]; keepFds: number; filter?: Filter }>
  | Step<'call', { name: SyscallName; args: readonly CallArg[]; out?: Slot }>

/** A step of the stage or of init. */
export type ChildStep = FileStep | MountStep | NamespaceStep | IdentityStep | ProcessStep

/** A mount that the parent makes: of a tree of the host's, or a file system as {@link MountStep} fsmount makes it. */
export type HostMount =
  | {
      readonly kind: 'tree'
      readonly path: string
      readonly recursive: boolean
      readonly noFollow: boolean
      /** Where the parent has no access the child is told so, and tries by itself. */
      readonly orElse?: 'child'
    }
  | {
      readonly kind: 'filesystem'
      readonly type: string
      readonly source?: string
      readonly options: readonly string[]
      readonly attributes: number
    }

/** Ids of an idmapped mount: as texts of uid_map and gid_map, or those of a user namespace that is there. */
export type MountMap = { readonly uidMap: string; readonly gidMap: string } | { readonly namespace: string }

/** One step of the parent. `await` and `hear` let the child come to a sync, `answer` lets it go on. */
export type HostStep =
  | { readonly kind: 'makeCgroup'; readonly origin?: Origin }
  /** Has systemd put the process into the container's cgroup, where we may not do so ourselves. */
  | { readonly kind: 'enterUnit'; readonly origin?: Origin }
  | { readonly kind: 'lateCgroup'; readonly origin?: Origin }
  | {
      readonly kind: 'launch'
      readonly flags: number
      readonly names: readonly string[]
      readonly intoCgroup: boolean
      readonly origin?: Origin
    }
  | { readonly kind: 'reapStage'; readonly origin?: Origin }
  | { readonly kind: 'await'; readonly tag: Tag; readonly origin?: Origin }
  | { readonly kind: 'answer'; readonly tag: Tag; readonly origin?: Origin }
  | { readonly kind: 'hear'; readonly tag: Tag; readonly origin?: Origin }
  | {
      readonly kind: 'idMaps'
      readonly uidMap: string
      readonly gidMap: string
      /** The runtime itself, or newuidmap(1) and newgidmap(1). */
      readonly uidWriter: 'runtime' | 'helper'
      readonly gidWriter: 'runtime' | 'helper'
      readonly setgroups: 'allow' | 'deny'
      readonly origin?: Origin
    }
  | {
      readonly kind: 'hook'
      readonly hook: HookCall
      readonly status: 'creating' | 'created' | 'running'
      readonly origin: Origin
    }
  | { readonly kind: 'console'; readonly origin?: Origin }
  /** Moves a network interface into the container; `name` is empty for its own, or may have "%d" in it. */
  | { readonly kind: 'netDevice'; readonly device: string; readonly name: string; readonly origin: Origin }
  | RdtHostStep
  /** From here on they are not given back. */
  | { readonly kind: 'leaveNetDevices'; readonly origin?: Origin }
  | { readonly kind: 'keepMount'; readonly origin?: Origin }
  /** Makes a mount, attached nowhere, when the child asks for it. */
  | { readonly kind: 'give'; readonly mount: HostMount; readonly origin: Origin }
  /** Takes a mount and maps its ids; `recursive`: also of all mounts below it. */
  | { readonly kind: 'idmap'; readonly map: MountMap; readonly recursive: boolean; readonly origin: Origin }
  /** Takes the listener of the seccomp filter and hands it to the agent. */
  | { readonly kind: 'listener'; readonly listener: SeccompListener; readonly origin: Origin }
  | { readonly kind: 'recordPid'; readonly origin?: Origin }
  | { readonly kind: 'pidFile'; readonly path: string; readonly origin?: Origin }
  | { readonly kind: 'markCreated'; readonly origin?: Origin }
  | {
      readonly kind: 'sendPidfd'
      readonly path: string
      /** runc's: "standard" for a container's first process, "setns" for one of exec. */
      readonly text: 'standard' | 'setns'
      readonly origin?: Origin
    }

/** A hook as the specification has it, with defaults filled in; timeout in ms, 0 for none. */
export interface HookCall {
  readonly path: string
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly timeout: number
}

/** Something the parent opens before launch and the child finds in a slot. */
export type Preset =
  | { readonly slot: Slot; readonly kind: 'socket' } // the child's end of the pair
  | {
      readonly slot: Slot
      readonly kind: 'open'
      readonly path: string
      readonly flags: number
      readonly origin?: Origin
    }
  | { readonly slot: Slot; readonly kind: 'cgroupTasks'; readonly path: string }
  /** pidfd of the container's init. */
  | { readonly slot: Slot; readonly kind: 'pidfd' }
  /** The root of the container's init, looked at again after it was opened: it must still be the same process. */
  | { readonly slot: Slot; readonly kind: 'initRoot'; readonly path: string }
  /** One of the mounts that keepMount has kept. */
  | { readonly slot: Slot; readonly kind: 'mount'; readonly index: number }
  | { readonly slot: Slot; readonly kind: 'startSocket' }
  | { readonly slot: Slot; readonly kind: 'hookState'; readonly status: 'creating' | 'created' | 'running' }
  | { readonly slot: Slot; readonly kind: 'hookOutput' } // in memory
  | { readonly slot: Slot; readonly kind: 'hookFile'; readonly stream: 'stdout' | 'stderr' }

export interface Plan {
  readonly parent: readonly HostStep[]
  readonly presets: readonly Preset[]
  readonly stage: readonly ChildStep[]
  readonly init: readonly ChildStep[]
  /** fds from 3 on that belong to the container's process. */
  readonly keepFds: number
  readonly warnings: readonly string[]
}
