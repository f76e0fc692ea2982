/**
 * Which namespaces are made by clone, which by a stage process in between, and the steps of that stage.
 *
 * A container with only new namespaces needs no stage: clone makes them all at once. A stage is needed to join a
 * namespace by path (a process joins, then forks), for a new time namespace (its offsets are written after unshare and
 * before the first process is in it) and for a new user namespace: what clone puts into one is nobody there until the
 * maps are written, and the exec of init takes the capabilities of whoever is not root.
 */
import { O_WRONLY } from '../kernel/files.ts'
import { NAMESPACES, type NamespaceType } from '../kernel/namespaces.ts'
import { namespace, type PlanContext, SLOT } from './context.ts'
import { dumpable } from './protection.ts'
import type { ChildStep, Slot } from './step.ts'
import { mapsNeedDumpable, userNamespaceSteps } from './user_namespace.ts'

/** Join order as nsenter(1): mount last, so that paths keep their meaning; user is handled apart. */
const JOIN_ORDER: readonly NamespaceType[] = ['cgroup', 'ipc', 'uts', 'network', 'pid', 'time', 'mount']

export interface NamespacePlan {
  /** Flags for clone in the parent, and their names. */
  readonly cloneFlags: number
  readonly cloneNames: readonly string[]
  readonly stage: readonly ChildStep[]
  /** First steps of init concerning namespaces. */
  readonly init: readonly ChildStep[]
}

function newTypes(ctx: PlanContext, except: readonly NamespaceType[]): NamespaceType[] {
  const types = Object.keys(NAMESPACES) as NamespaceType[]
  return types.filter((type) => namespace(ctx.spec, type) === 'new' && !except.includes(type))
}

function flagsOf(types: readonly NamespaceType[]): number {
  let flags = 0
  for (const type of types) flags |= NAMESPACES[type].flag
  return flags >>> 0
}

/** Whether some process must prepare namespaces before init is born. */
export function needsStage(ctx: PlanContext): boolean {
  const joined = ctx.spec.linux?.namespaces?.some((entry) => entry.path) ?? false
  return joined || namespace(ctx.spec, 'time') === 'new' || namespace(ctx.spec, 'user') === 'new'
}

/**
 * ORDER: the cgroup namespace is always made by init itself: its root is the cgroup of the process that calls, and
 * clone's caller is still the parent in the parent's cgroup.
 */
function cgroupNamespace(ctx: PlanContext): ChildStep[] {
  if (namespace(ctx.spec, 'cgroup') !== 'new') return []
  return [{ kind: 'unshare', flags: NAMESPACES.cgroup.flag, names: ['cgroup'] }]
}

export function planNamespaces(ctx: PlanContext): NamespacePlan {
  if (needsStage(ctx)) return staged(ctx)
  const types = newTypes(ctx, ['cgroup', 'time'])
  return {
    cloneFlags: flagsOf(types),
    cloneNames: types,
    stage: [],
    init: cgroupNamespace(ctx),
  }
}

function openNamespace(
  ctx: PlanContext,
  type: NamespaceType,
): { slot: Slot; path: string; config: string } | undefined {
  const found = namespace(ctx.spec, type)
  if (found === undefined || found === 'new') return undefined
  const slot = ctx.slot()
  const config = `/linux/namespaces/${found.index}/path`
  const origin = { config, doing: `join ${type} namespace "${found.path}"` }
  // Opened by the parent with the host's view: after joining another, the path may mean something else.
  ctx.presets.push({ kind: 'open', slot, path: found.path, flags: 0, origin })
  return { slot, path: found.path, config }
}

function staged(ctx: PlanContext): NamespacePlan {
  const userJoin = openNamespace(ctx, 'user')
  const userNew = namespace(ctx.spec, 'user') === 'new'
  const user = userNew || userJoin !== undefined
  const joins = JOIN_ORDER.flatMap((type) => {
    const opened = openNamespace(ctx, type)
    return opened ? [{ type, ...opened }] : []
  })
  const join = ({ type, slot, path, config }: (typeof joins)[number]): ChildStep => ({
    kind: 'join',
    slot,
    flag: NAMESPACES[type].flag,
    path,
    origin: { config, doing: `join ${type} namespace "${path}"` },
  })

  const offsets = timeOffsets(ctx)
  const stage: ChildStep[] = [...offsets.open]
  // As nsenter: with the privileges at hand first; what refuses is tried again with those of the user namespace.
  for (const entry of joins) {
    if (!user) stage.push(join(entry), { kind: 'close', slot: entry.slot })
    else stage.push({ ...join(entry), tolerate: ['EPERM'], skip: 1 }, { kind: 'close', slot: entry.slot })
  }
  if (userJoin) {
    const origin = { config: userJoin.config, doing: `join user namespace "${userJoin.path}"` }
    stage.push({ kind: 'join', slot: userJoin.slot, flag: NAMESPACES.user.flag, path: userJoin.path, origin })
    stage.push({ kind: 'close', slot: userJoin.slot })
  }
  if (userNew) stage.push({ kind: 'unshare', flags: NAMESPACES.user.flag, names: ['user'] })
  stage.push(...userNamespaceSteps(ctx))
  if (user) {
    for (const entry of joins) stage.push({ ...join(entry), ifOpen: true }, { kind: 'close', slot: entry.slot })
  }

  const made = newTypes(ctx, ['cgroup', 'user', 'pid'])
  if (made.length > 0) stage.push({ kind: 'unshare', flags: flagsOf(made), names: made })
  stage.push(...offsets.write)
  // ORDER: the last moment in which nobody else is in the user namespace; joined ones are entered by the fork only.
  if (mapsNeedDumpable(ctx)) stage.push(dumpable(false))
  stage.push({ kind: 'fork', flags: namespace(ctx.spec, 'pid') === 'new' ? NAMESPACES.pid.flag : 0 })
  return { cloneFlags: 0, cloneNames: [], stage, init: cgroupNamespace(ctx) }
}

/**
 * time_namespaces(7): written after unshare, before a process is in the namespace; only for a new one.
 * KERNEL: the files of a process that is not dumpable belong to the host's root, who we are no more in a user namespace;
 * what counts is who has opened the file.
 */
function timeOffsets(ctx: PlanContext): { readonly open: readonly ChildStep[]; readonly write: readonly ChildStep[] } {
  const offsets = ctx.spec.linux?.timeOffsets ?? {}
  const clocks = (['monotonic', 'boottime'] as const).filter((clock) => offsets[clock])
  if (clocks.length === 0 || namespace(ctx.spec, 'time') !== 'new') return { open: [], write: [] }
  const slot = ctx.slot()
  const origin = { config: '/linux/timeOffsets', doing: "open the file of the clocks' offsets" }
  const write = clocks.map((clock): ChildStep => {
    const { secs = 0, nanosecs = 0 } = offsets[clock] ?? {}
    const place = { config: `/linux/timeOffsets/${clock}`, doing: `set the ${clock} clock's offset` }
    return { kind: 'writeSlot', slot, data: `${clock} ${secs} ${nanosecs}\n`, origin: place }
  })
  return {
    open: [{ kind: 'open', out: slot, dir: SLOT.hostProc, path: 'self/timens_offsets', flags: O_WRONLY, origin }],
    write: [...write, { kind: 'close', slot }],
  }
}
