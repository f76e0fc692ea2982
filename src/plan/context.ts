/** What every planner gets, and the allocation of fd slots. */
import { RuntimeError } from '../base/errors.ts'
import type { NamespaceType } from '../kernel/namespaces.ts'
import type { Spec } from '../spec/types.gen.ts'
import type { CgroupPlan } from './cgroup/model.ts'
import type { Facts } from './facts.ts'
import type { Preset, Slot } from './step.ts'

/** What the caller of `create` or `run` asked for, made absolute. */
export interface CreateRequest {
  readonly id: string
  /** Absolute path of the bundle. */
  readonly bundle: string
  /** create waits for a later `start`; run goes on to exec by itself. */
  readonly verb: 'create' | 'run'
  readonly noPivot: boolean
  readonly noNewKeyring: boolean
  /** fds from 3 on that the container's process gets. */
  readonly preserveFds: number
  readonly pidFile?: string
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

export interface PlanContext {
  readonly spec: Spec
  readonly facts: Facts
  readonly request: CreateRequest
  readonly cgroup: CgroupPlan | undefined
  /** Absolute path of the rootfs on the host. */
  readonly rootfs: string
  readonly presets: Preset[]
  readonly warnings: string[]
  /** The next free slot; none is ever given out twice, planners share short-lived ones with `scratch`. */
  slot(): Slot
  /** A slot for something that is closed within the same planner. */
  scratch(n: number): Slot
}

/** A context with fresh slots. */
export function planContext(input: Pick<PlanContext, 'spec' | 'facts' | 'request' | 'cgroup' | 'rootfs'>): PlanContext {
  let next: Slot = FIRST_FREE
  const slot = () => {
    if (next < MAX_SLOTS) return next++
    const many = `more than ${MAX_SLOTS - FIRST_FREE} mounts, hooks and namespaces that are open at the same time`
    throw new RuntimeError('unsupported', `unsupported config.json: ${many}`)
  }
  return { ...input, presets: [], warnings: [], slot, scratch: (n) => SLOT.cwd + 1 + n }
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
