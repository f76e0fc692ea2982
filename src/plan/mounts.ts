/**
 * The mounts of config.json. Each is made detached, attributes and all, and then attached by fd to a target that was
 * resolved inside the root: no path of the image is looked up twice.
 */
import { cleanPath, isWithin, parentPath } from '../base/path.ts'
import { ATTR } from '../kernel/mount.ts'
import { parseMountOptions } from '../kernel/mount_options.ts'
import type { Mount } from '../spec/types.gen.ts'
import { NOTIFY_FOLDER } from './activation.ts'
import { planBind } from './bind_mount.ts'
import { isCgroupMount, planCgroupMount } from './cgroup_mount.ts'
import { hasUserNamespace, namespace, type PlanContext, SLOT } from './context.ts'
import { idmapSteps, isIdmapped } from './idmap.ts'
import { labelledOptions, planMountLabel } from './labels.ts'
import { foundAgain, lateReadonly, readonlyFound, readonlyOpen } from './late_readonly.ts'
import { shortOptions } from './long_options.ts'
import type { MountContext, PlannedMount } from './mount_model.ts'
import { attributeSteps, lockedAttributes, placeSteps, takeMount } from './mount_steps.ts'
import { openedLayers } from './opened_layers.ts'
import { planRemount } from './remount.ts'
import type { ChildStep, HostMount, Origin, Slot } from './step.ts'

/** Their superblocks are shared or need no device: read-only is a matter of the mount alone. */
const KERNEL_FILESYSTEMS = new Set([
  'proc',
  'sysfs',
  'tmpfs',
  'mqueue',
  'devpts',
  'cgroup',
  'cgroup2',
  'bpf',
  'debugfs',
  'tracefs',
  'securityfs',
])

/** Mount words as an error shows them. */
function describe(mount: Mount): string {
  const options = mount.options?.length ? ` (${mount.options.join(',')})` : ''
  return `mount "${mount.source ?? mount.type ?? 'none'}" on "${mount.destination}"${options}`
}

/** All mounts that are asked for, in order. */
export function plannedMounts(ctx: Pick<MountContext, 'spec' | 'entering'>): PlannedMount[] {
  const at = ctx.entering ? '' : '/mounts'
  return (ctx.spec.mounts ?? []).map((mount, index) => plannedMount(mount, { config: `${at}/${index}` }))
}

function plannedMount(mount: Mount, place: Pick<Origin, 'config'>): PlannedMount {
  return {
    mount,
    options: parseMountOptions(mount.options ?? []),
    target: cleanPath(`/${mount.destination}`),
    origin: { ...place, doing: describe(mount) },
  }
}

/**
 * The notify socket's folder, not the socket itself: `start` may have to make that anew. Private: nobody else is to see
 * what happens to it.
 */
function notifyMounts({ request: { notifyFolder } }: MountContext): PlannedMount[] {
  if (notifyFolder === undefined) return []
  const options = ['bind', 'nosuid', 'nodev', 'noexec', 'ro', 'private']
  return [plannedMount({ destination: NOTIFY_FOLDER, source: notifyFolder, options }, {})]
}

/** tmpfs without a mode takes that of the directory it covers; a new directory gets what tmpfs has by itself. */
function tmpfsTarget(planned: PlannedMount, out: Slot): ChildStep[] {
  const { target, origin } = planned
  const parent = parentPath(target)
  const steps: ChildStep[] = []
  if (parent !== '/')
    steps.push({ kind: 'makePath', out, root: SLOT.root, path: parent, type: 'directory', mode: 0o755, origin })
  return [...steps, { kind: 'makePath', out, root: SLOT.root, path: target, type: 'directory', mode: 0o1777, origin }]
}

/** What making a mount leaves for the end. */
interface Late {
  readonly steps: ChildStep[]
  /** Mounts that are not kept open until then. */
  readonly found: ReadonlySet<PlannedMount>
}

function planFilesystem(ctx: MountContext, planned: PlannedMount, late: Late): ChildStep[] {
  const { mount, options, origin } = planned
  const type = mount.type as string
  const readonly = lateReadonly(planned)
  const keep = readonly && !late.found.has(planned)
  const [made, target] = [keep ? ctx.slot() : ctx.scratch(0), ctx.scratch(1)]
  const copyUp = type === 'tmpfs' && options.copyUp
  const ownMode = type === 'tmpfs' && !options.data.some((option) => option.startsWith('mode='))
  const attributes = options.set & ~(readonly ? ATTR.rdonly : 0) & ~ATTR.nosymfollow
  const readonlySuperblock = (options.set & ATTR.rdonly) !== 0 && !KERNEL_FILESYSTEMS.has(type)
  const data = labelledOptions(ctx.spec, type, shortOptions(type, options.data))
  const create: Extract<ChildStep, { kind: 'fsmount' }> = {
    kind: 'fsmount',
    out: made,
    type,
    ...(mount.source ? { source: mount.source } : {}),
    options: readonlySuperblock ? ['ro', ...data] : data,
    attributes,
    ...(ownMode ? { modeLike: target } : {}),
    origin,
  }
  const covers = ownMode || copyUp
  const steps = covers ? tmpfsTarget(planned, target) : []
  // The host's processes are what a pid namespace of its own must not show.
  const mayBeBound = type === 'sysfs' || (type === 'proc' && namespace(ctx.spec, 'pid') === undefined)
  if (mayBeBound && !ctx.entering) {
    // In a user namespace the kernel lets these be mounted only with the matching network or pid namespace, and only
    // where nothing is mounted over them: then the host's is bound, with the same flags all the way down.
    const host: ChildStep = {
      kind: 'cloneTree',
      out: made,
      dir: 'cwd',
      path: type === 'proc' ? '/proc' : '/sys',
      recursive: true,
      origin,
    }
    const set = lockedAttributes(attributes)
    const again: ChildStep = { kind: 'setAttributes', slot: made, recursive: true, set, clear: 0, origin }
    steps.push({ ...create, tolerate: ['EPERM'], skip: 1 }, { kind: 'jump', skip: 2 }, host, again)
  } else steps.push(...openedLayers(ctx, create), ...planMountLabel(ctx.spec, type, made, ctx.scratch(1), origin))
  steps.push(...idmapSteps(ctx, planned, made))
  const proc = ctx.entering ? SLOT.hostProc : SLOT.proc
  if (copyUp) steps.push({ kind: 'copyTree', from: target, to: made, proc, origin })
  steps.push(...attributeSteps(planned, made, { fresh: attributes }))
  if (covers && planned.target !== '/') steps.push({ kind: 'attach', mount: made, to: target, keep, origin })
  else steps.push(...placeSteps(planned, made, 'directory', keep))
  if (readonly) late.steps.push(...(keep ? readonlyOpen(planned, made) : readonlyFound(planned, made)))
  return steps
}

/**
 * A file system with a device or paths behind it, made by the parent: for a container that runs what these names mean
 * there would be for the container to say.
 */
function planHostFilesystem(ctx: MountContext, planned: PlannedMount, late: Late): ChildStep[] {
  const { mount, options, origin } = planned
  const type = mount.type as string
  const keep = lateReadonly(planned)
  const slot = keep ? ctx.slot() : ctx.scratch(0)
  const attributes = options.set & ~(keep ? ATTR.rdonly : 0) & ~ATTR.nosymfollow
  const data = labelledOptions(ctx.spec, type, shortOptions(type, options.data))
  const made: HostMount = {
    kind: 'filesystem',
    type,
    ...(mount.source ? { source: mount.source } : {}),
    options: options.set & ATTR.rdonly ? ['ro', ...data] : data,
    attributes,
  }
  if (keep) late.steps.push(...readonlyOpen(planned, slot))
  return [
    ...takeMount(ctx, made, slot, origin),
    ...idmapSteps(ctx, planned, slot),
    ...attributeSteps(planned, slot, { fresh: attributes }),
    ...placeSteps(planned, slot, 'directory', keep),
  ]
}

/** Whether the parent makes the file system, and not the process that attaches it. */
function isHosts(ctx: MountContext, { mount, options }: PlannedMount): boolean {
  if (KERNEL_FILESYSTEMS.has(mount.type ?? '')) return false
  // KERNEL: only who has a privilege over the file system may map its mounts, and a user namespace has none over one
  // that is not its own.
  if (ctx.entering || hasUserNamespace(ctx.spec)) return ctx.entering === true || isIdmapped(mount, options)
  // What devices the container may use says nothing about what may be mounted for it.
  return isWithin(mount.source ?? '', '/dev') && ctx.facts.mayMount && namespace(ctx.spec, 'mount') === 'new'
}

/** The mounts, and the steps that make some of them read-only once everything is in place. */
export function planMounts(ctx: MountContext): { readonly steps: ChildStep[]; readonly late: ChildStep[] } {
  const mounts = [...plannedMounts(ctx), ...notifyMounts(ctx)]
  const late: Late = { steps: [], found: foundAgain(mounts) }
  const steps = mounts.flatMap((planned) => {
    if (planned.options.remount) return planRemount(ctx, planned, late.steps)
    if (planned.options.bind) return planBind(ctx, planned)
    if (isCgroupMount(ctx, planned)) return planCgroupMount(ctx, planned, late.steps)
    return isHosts(ctx, planned) ? planHostFilesystem(ctx, planned, late) : planFilesystem(ctx, planned, late)
  })
  return { steps, late: late.steps }
}

/** Whether /dev of the container is the user's own, made by a bind mount: then nothing is created in it. */
export function devIsBound(ctx: Pick<PlanContext, 'spec'>): boolean {
  const { mounts = [] } = ctx.spec
  for (let i = 0; i < mounts.length; i++) {
    const { destination, options = [] } = mounts[i] as Mount
    if (cleanPath(`/${destination}`) === '/dev' && parseMountOptions(options).bind !== undefined) return true
  }
  return false
}
