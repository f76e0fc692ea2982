/** What davit remembers of a container: state.json in its state directory. */
import type { CgroupRecord } from '../plan/cgroup/model.ts'
import type { RdtRecord } from '../plan/rdt_model.ts'
import type { SeccompListener } from '../plan/seccomp/model.ts'
import type { ChildStep, HookCall } from '../plan/step.ts'
import type { Resources } from '../spec/types.gen.ts'

export interface ContainerRecord {
  /** Version of this format. */
  readonly format: 1
  readonly ociVersion: string
  readonly id: string
  /** Absolute path of the bundle. */
  readonly bundle: string
  readonly rootfs: string
  /** RFC 3339. */
  readonly created: string
  readonly annotations?: Readonly<Record<string, string>>
  /** uid of who created it. */
  readonly owner: number
  /** Host pid of init and its start time; 0 until it is born. */
  readonly pid: number
  readonly startTime: number
  /** creating until `create` has finished. */
  readonly phase: 'creating' | 'created'
  readonly cgroup?: CgroupRecord
  /** The systemd unit that the cgroup belongs to. The inode of its cgroup tells it from a later one of the same name. */
  readonly unit?: { readonly name: string; readonly manager: 'system' | 'user'; readonly inode?: number }
  /** Cgroups that it is in but others were before: not to be killed or removed with it. */
  readonly sharedCgroup?: CgroupRecord
  /** Its processes stay in the caller's session keyring. */
  readonly noNewKeyring?: true
  /** Whether the container has a pid namespace of its own: then nothing of it outlives its init. */
  readonly privatePid: boolean
  /** Hooks that run after create, kept since config.json may change. */
  readonly poststart: readonly RecordedHook[]
  readonly poststop: readonly RecordedHook[]
  /** linux.resources in force, once `update` has changed them; before that those of config.json are. */
  readonly resources?: Resources
  readonly intelRdt?: RdtRecord
  /** Init loads a seccomp filter before it executes, under the name `mark`; who starts it hands the listener over. */
  readonly seccomp?: { readonly mark: string; readonly listener?: SeccompListener }
  /** {@link sumOf} the configuration that is kept beside it. */
  readonly configSum?: string
  /** What init still has to do at `start`, so that a failure there finds its words. Without arguments and environment. */
  readonly late?: readonly LateStep[]
}

/** What state.json begins with: native code reads no further. src/lifecycle/new_record.ts keeps to the order. */
export function recordStart(phase: ContainerRecord['phase']): string {
  return `{"format":1,"phase":"${phase}",`
}

/** A step of init and the number of its record. */
export interface LateStep {
  readonly record: number
  readonly step: Extract<ChildStep, { kind: 'hook' | 'exec' | 'filter' }>
}

export interface RecordedHook {
  readonly call: HookCall
  readonly config: string
  readonly doing: string
}

/** SPEC: runtime.md#state, and paused, which runc adds. */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped'
