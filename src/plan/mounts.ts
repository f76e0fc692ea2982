/**
 * The mounts of config.json. Each is made detached, attributes and all, and then attached by fd to a target that was
 * resolved inside the root: no path of the image is looked up twice.
 */
import { cleanPath, isWithin, joinPath, parentPath } from '../base/path.ts'
import { O_DIRECTORY, O_PATH } from '../kernel/files.ts'
import { ATTR } from '../kernel/mount.ts'
import { parseMountOptions } from '../kernel/mount_options.ts'
import type { Mount } from '../spec/types.gen.ts'
import { planCgroupMount } from './cgroup_mount.ts'
import { hasUserNamespace, namespace, type PlanContext, SLOT } from './context.ts'
import { labelledOptions, planMountLabel } from './labels.ts'
import type { PlannedMount } from './mount_model.ts'
import { hostPropagation } from './rootfs.ts'
import type { ChildStep, Slot } from './step.ts'

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

/** All mounts of the configuration, in order. */
export function plannedMounts(ctx: PlanContext): PlannedMount[] {
  return (ctx.spec.mounts ?? []).map((mount, index) => ({
    mount,
    options: parseMountOptions(mount.options ?? []),
    target: cleanPath(`/${mount.destination}`),
    origin: { config: `/mounts/${index}`, doing: describe(mount) },
  }))
}

/** Read-only is put off where more is to be created inside: in tmpfs and in /dev. */
function lateReadonly({ options, target, mount }: PlannedMount): boolean {
  const readonly = (options.set & ATTR.rdonly) !== 0
  return readonly && options.bind === undefined && (mount.type === 'tmpfs' || target === '/dev')
}

/**
 * KERNEL: what a mount had when it came into a user namespace is locked there. Engines write "rw" wherever nothing else
 * was asked for, so a source that is read-only stays so; whoever asks to lift another restriction is told.
 */
function attributeStep(step: Extract<ChildStep, { kind: 'setAttributes' }>, locked: boolean): ChildStep[] {
  if (!locked || !(step.clear & ATTR.rdonly)) return [step]
  const rest = { ...step, clear: step.clear & ~ATTR.rdonly }
  if (!rest.set && !rest.clear) return [{ ...step, tolerate: ['EPERM'], skip: 0 }]
  return [{ ...step, tolerate: ['EPERM'], skip: 1 }, { kind: 'jump', skip: 1 }, rest]
}

/** Attribute and propagation steps for the mount in `slot`; `fresh`: what it has from its creation. */
function attributeSteps(planned: PlannedMount, slot: Slot, how: { fresh?: number; locked?: boolean }): ChildStep[] {
  const { options, origin } = planned
  const steps: ChildStep[] = []
  const { fresh, locked = false } = how
  const set = options.set & ~(fresh ?? 0) & ~(lateReadonly(planned) ? ATTR.rdonly : 0)
  const clear = fresh === undefined ? options.clear : 0
  if (set || clear)
    steps.push(...attributeStep({ kind: 'setAttributes', slot, recursive: false, set, clear, origin }, locked))
  if (options.recursiveSet || options.recursiveClear) {
    const { recursiveSet, recursiveClear } = options
    steps.push({ kind: 'setAttributes', slot, recursive: true, set: recursiveSet, clear: recursiveClear, origin })
  }
  for (const { flag, recursive } of options.propagation) {
    steps.push({ kind: 'setAttributes', slot, recursive, set: 0, clear: 0, propagation: flag, origin })
  }
  return steps
}

/** CVE-2019-19921: /proc and /sys must be what they are called: real directories, reached without any link. */
function mustBeReal({ target, mount }: PlannedMount): boolean {
  return mount.type === 'proc' || mount.type === 'sysfs' || isWithin(target, '/proc') || isWithin(target, '/sys')
}

/** Attaches the mount to its target, which is resolved below the root and made where it is missing. */
function placeSteps(planned: PlannedMount, mount: Slot, type: 'directory' | 'like', keep: boolean): ChildStep[] {
  const { origin, target: path } = planned
  const overRoot = path === '/'
  const steps: ChildStep[] = [
    { kind: 'place', mount, root: SLOT.root, path, type, noLinks: mustBeReal(planned), keep: keep || overRoot, origin },
  ]
  if (overRoot) {
    // A mount over the root is what later paths are below.
    steps.push({ kind: 'open', out: SLOT.root, dir: mount, path: '.', flags: O_PATH | O_DIRECTORY, origin })
    if (!keep) steps.push({ kind: 'close', slot: mount })
  }
  return steps
}

function planBind(ctx: PlanContext, planned: PlannedMount): ChildStep[] {
  const { mount, options, origin } = planned
  const path = joinPath(mount.source?.startsWith('/') ? '' : ctx.request.bundle, mount.source ?? '')
  const recursive = options.bind === 'rbind'
  const how = { locked: hasUserNamespace(ctx.spec) || !ctx.facts.initialUserns }
  if (ctx.facts.mayMount && hasUserNamespace(ctx.spec) && namespace(ctx.spec, 'mount') === 'new') {
    // The container's root may not be able to reach the source; whoever configured it is. A rootless caller's sources
    // are its own, and cloning mounts is not allowed to it outside the new namespace.
    const slot = ctx.slot()
    ctx.presets.push({ kind: 'tree', slot, path, recursive, origin })
    // It was cloned in the host's namespace, before ours was taken out of the host's peer groups.
    const flag = hostPropagation(ctx)
    const detach: ChildStep[] =
      flag === undefined
        ? []
        : [{ kind: 'setAttributes', slot, recursive: true, set: 0, clear: 0, propagation: flag, origin }]
    return [...detach, ...attributeSteps(planned, slot, how), ...placeSteps(planned, slot, 'like', false)]
  }
  const made = ctx.scratch(0)
  const clone: ChildStep = { kind: 'cloneTree', out: made, dir: 'cwd', path, recursive, origin }
  return [clone, ...attributeSteps(planned, made, how), ...placeSteps(planned, made, 'like', false)]
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

function planFilesystem(ctx: PlanContext, planned: PlannedMount, late: ChildStep[]): ChildStep[] {
  const { mount, options, origin } = planned
  const type = mount.type as string
  const keep = lateReadonly(planned)
  const [made, target] = [keep ? ctx.slot() : ctx.scratch(0), ctx.scratch(1)]
  const copyUp = type === 'tmpfs' && options.copyUp
  const ownMode = type === 'tmpfs' && !options.data.some((option) => option.startsWith('mode='))
  const attributes = options.set & ~(keep ? ATTR.rdonly : 0) & ~ATTR.nosymfollow
  const readonlySuperblock = (options.set & ATTR.rdonly) !== 0 && !KERNEL_FILESYSTEMS.has(type)
  const data = labelledOptions(ctx.spec, type, options.data)
  const create: ChildStep = {
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
  if (type === 'sysfs' || (type === 'proc' && namespace(ctx.spec, 'pid') === undefined)) {
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
    const again: ChildStep = { kind: 'setAttributes', slot: made, recursive: true, set: attributes, clear: 0, origin }
    steps.push({ ...create, tolerate: ['EPERM'], skip: 1 }, { kind: 'jump', skip: 2 }, host, again)
  } else steps.push(create, ...planMountLabel(ctx.spec, type, made, ctx.scratch(1), origin))
  if (copyUp) steps.push({ kind: 'copyTree', from: target, to: made, origin })
  steps.push(...attributeSteps(planned, made, { fresh: attributes }))
  if (covers && planned.target !== '/') steps.push({ kind: 'attach', mount: made, to: target, keep, origin })
  else steps.push(...placeSteps(planned, made, 'directory', keep))
  if (keep) {
    late.push(
      { kind: 'setAttributes', slot: made, recursive: false, set: ATTR.rdonly, clear: 0, origin },
      { kind: 'close', slot: made },
    )
  }
  return steps
}

/** The mounts, and the steps that make some of them read-only once everything is in place. */
export function planMounts(ctx: PlanContext): { readonly steps: ChildStep[]; readonly late: ChildStep[] } {
  const late: ChildStep[] = []
  const steps = plannedMounts(ctx).flatMap((planned) => {
    if (planned.options.bind) return planBind(ctx, planned)
    if (planned.mount.type === 'cgroup') return planCgroupMount(ctx, planned, late)
    return planFilesystem(ctx, planned, late)
  })
  return { steps, late }
}

/** Whether /dev of the container is the user's own, made by a bind mount: then nothing is created in it. */
export function devIsBound(ctx: PlanContext): boolean {
  return plannedMounts(ctx).some(({ target, options }) => target === '/dev' && options.bind !== undefined)
}
