/** What every planner gets, and the allocation of fd slots. */
import { RuntimeError } from '../base/errors.ts'
import type { NamespaceType } from '../kernel/namespaces.ts'
import type { Spec } from '../spec/types.gen.ts'
import type { CgroupPlan } from './cgroup/model.ts'
import type { Facts, ProcessFacts } from './facts.ts'
import type { CompiledSeccomp } from './seccomp/model.ts'
import type { HostStep, Preset, Slot } from './step.ts'

/** What the caller asked for that concerns a process of a container, its first or another. */
export interface ProcessRequest {
  readonly id: string
  readonly noNewKeyring: boolean
  /** What the process is called while it has a seccomp filter and has executed nothing; at most 15 bytes. */
  readonly mark?: string
  /** fds from 3 on that the process gets. */
  readonly preserveFds: number
  /** Absolute. */
  readonly pidFile?: string
  /** What symbolic links say that are sources of mounts, by source as configured; see copied_link.ts. */
  readonly links?: Readonly<Record<string, string>>
  /** Folder on the host for the container's notify socket, absolute. */
  readonly notifyFolder?: string
  /** Absolute paths of the sockets that get a pidfd of the process. */
  readonly pidfdSockets?: readonly string[]
}

/** What the caller of `create` or `run` asked for, made absolute. */
export interface CreateRequest extends ProcessRequest {
  /** Absolute path of the bundle. */
  readonly bundle: string
  /** create waits for a later `start`; run goes on to exec by itself. */
  readonly verb: 'create' | 'run'
  readonly noPivot: boolean
}

/** A child process of the plan starts with these slots; the rest is allocated from FIRST_FREE on. */
export const SLOT = {
  /** Socket to the parent. */
  peer: 0,
  /** The container's root: the mount of the rootfs. */
  root: 1,
  /** A private procfs, attached nowhere: all that davit writes below /proc goes through it. */
  proc: 2,
  /** The host's /proc, opened before anything of the image is touched. */
  hostProc: 3,
  /** Listening socket that `davit start` connects to. */
  start: 4,
  /** The host's /dev/null. */
  nullDevice: 5,
  /** The tmpfs that masks directories; empty until the first is masked. */
  emptyTmpfs: 6,
  /** The container's /dev, in-root. */
  dev: 7,
  /** The working directory, if root could enter it. */
  cwd: 8,
} as const

const FIRST_FREE = 16

/** As many slots as the executor has (WIRE.slots). */
const MAX_SLOTS = 512

/** What the planners get that work for any process of a container. */
export interface ProcessContext {
  readonly spec: Spec
  readonly facts: ProcessFacts
  readonly request: ProcessRequest
  /** linux.seccomp compiled, for a configuration that has one. */
  readonly seccomp?: CompiledSeccomp
  readonly presets: Preset[]
  readonly warnings: string[]
  /** What the parent does for the mounts while the child makes them, in its order. */
  readonly hostSteps: HostStep[]
  /** The next free slot; none is ever given out twice, planners share short-lived ones with `scratch`. */
  slot(): Slot
  /** A slot for something that is closed within the same planner. */
  scratch(n: number): Slot
}

/** What the planners get that make a container. */
export interface PlanContext extends ProcessContext {
  readonly facts: Facts
  readonly request: CreateRequest
  readonly cgroup: CgroupPlan | undefined
  /** Absolute path of the rootfs on the host. */
  readonly rootfs: string
}

/** A context with fresh slots. */
export function planContext<I extends Pick<ProcessContext, 'spec' | 'facts' | 'request'>>(
  input: I,
): I & Pick<ProcessContext, 'presets' | 'warnings' | 'hostSteps' | 'slot' | 'scratch'> {
  let next: Slot = FIRST_FREE
  const slot = () => {
    if (next < MAX_SLOTS) return next++
    const many = `more than ${MAX_SLOTS - FIRST_FREE} mounts, hooks and namespaces that are open at the same time`
    throw new RuntimeError('unsupported', `unsupported config.json: ${many}`)
  }
  return { ...input, presets: [], warnings: [], hostSteps: [], slot, scratch: (n) => SLOT.cwd + 1 + n }
}

/** How a container has a namespace: its own, joined by path, or the runtime's (undefined). */
export function namespace(
  spec: Spec,
  type: NamespaceType,
): 'new' | { readonly path: string; readonly index: number } | undefined {
  const index = spec.linux?.namespaces?.findIndex((entry) => entry.type === type) ?? -1
  const found = spec.linux?.namespaces?.[index]
  if (!found) return undefined
  return found.path ? { path: found.path, index } : 'new'
}

/** Whether the container has a user namespace of its own or joins one. */
export function hasUserNamespace(spec: Spec): boolean {
  return namespace(spec, 'user') !== undefined
}
