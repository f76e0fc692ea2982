/** Mounts of type cgroup and cgroup2: on v2 the unified hierarchy, on v1 and hybrid hosts a tmpfs with one mount per hierarchy. */
import { baseName, isWithin, joinPath } from '../base/path.ts'
import { ATTR } from '../kernel/mount.ts'
import { hasUserNamespace, namespace, SLOT } from './context.ts'
import { labelledOptions } from './labels.ts'
import type { MountContext, PlannedMount } from './mount_model.ts'
import { lockedAttributes } from './mount_steps.ts'
import type { ChildStep, Slot } from './step.ts'

interface Hierarchy {
  /** Name of its directory below the target: "cpu,cpuacct", "systemd", "unified". */
  readonly name: string
  /** Parameter of fsopen("cgroup"); undefined for v2. */
  readonly option: string | undefined
  /** The container's own directory on the host. */
  readonly own: string
  /** The runtime's own, where the container may have to do without one (rootless). */
  readonly otherwise: string | undefined
}

function hierarchies(ctx: MountContext): Hierarchy[] {
  const { v1, v2 } = ctx.facts.cgroup
  const entry = (mount: string, own: string, option: string | undefined): Hierarchy => {
    const dir = ctx.cgroup?.dirs.find((candidate) => candidate.mount === mount)
    const runtimes = joinPath(mount, own)
    return {
      name: baseName(mount),
      option,
      own: (dir?.hierarchy === 'v2' ? ctx.cgroup?.inner : undefined) ?? dir?.path ?? runtimes,
      otherwise: dir?.optional ? runtimes : undefined,
    }
  }
  const old = v1.map(({ mount, controllers, own }) => entry(mount, own, controllers.join(',')))
  return v2 ? [...old, entry(v2.mount, v2.own, undefined)] : old
}

/** What the mounts are to have; one on v1 is a tree, and there plain and recursive options are the same. */
function attributesOf({ options }: PlannedMount): { readonly set: number; readonly clear: number } {
  const clear = (options.clear | options.recursiveClear) & ATTR.atimeMask
  const set = (options.set & ~options.recursiveClear) | options.recursiveSet
  return { set, clear }
}

/** One hierarchy, to slot `made`: with a cgroup namespace its own view, otherwise the container's directory bound. */
function hierarchySteps(ctx: MountContext, planned: PlannedMount, entry: Hierarchy, made: Slot): ChildStep[] {
  const { origin } = planned
  const { set, clear } = attributesOf(planned)
  const attributes = set & ~ATTR.nosymfollow
  const locked = hasUserNamespace(ctx.spec) || !ctx.facts.initialUserns
  const clone = (path: string): ChildStep => ({
    kind: 'cloneTree',
    out: made,
    dir: 'cwd',
    path,
    recursive: true,
    origin,
  })
  const bind: ChildStep[] = [
    ...(entry.otherwise === undefined
      ? [clone(entry.own)]
      : [
          { ...clone(entry.own), tolerate: ['ENOENT'], skip: 1 },
          { kind: 'jump' as const, skip: 1 },
          clone(entry.otherwise),
        ]),
    locked
      ? { kind: 'setAttributes', slot: made, recursive: true, set: lockedAttributes(set), clear: 0, origin }
      : { kind: 'setAttributes', slot: made, recursive: true, set, clear, origin },
  ]
  if (namespace(ctx.spec, 'cgroup') === undefined) return bind
  const type = entry.option === undefined ? 'cgroup2' : 'cgroup'
  const data = [...(entry.option?.split(',') ?? []), ...planned.options.data]
  const create: ChildStep = { kind: 'fsmount', out: made, type, source: 'cgroup', options: data, attributes, origin }
  const rest = set & ~attributes
  const more: ChildStep[] = rest
    ? [{ kind: 'setAttributes', slot: made, recursive: false, set: rest, clear: 0, origin }]
    : []
  if (ctx.entering) return [create, ...more]
  // Refused in some user namespaces, or busy: the directory itself then.
  const skip = bind.length
  return [{ ...create, tolerate: ['EPERM', 'EBUSY', 'EINVAL'], skip: 1 }, { kind: 'jump', skip }, ...bind, ...more]
}

function place({ origin }: PlannedMount, mount: Slot, path: string): Extract<ChildStep, { kind: 'place' }> {
  return { kind: 'place', mount, root: SLOT.root, path, type: 'directory', noLinks: isWithin(path, '/sys'), origin }
}

function propagationSteps({ options, origin }: PlannedMount, slot: Slot): ChildStep[] {
  return options.propagation.map(({ flag, recursive }) => ({
    kind: 'setAttributes' as const,
    slot,
    recursive,
    set: 0,
    clear: 0,
    propagation: flag,
    origin,
  }))
}

/** Whether the mount shows cgroups: of type cgroup2 only the unified hierarchy, where there is one. */
export function isCgroupMount(ctx: Pick<MountContext, 'facts'>, { mount, options }: PlannedMount): boolean {
  if (options.bind) return false
  return mount.type === 'cgroup' || (mount.type === 'cgroup2' && ctx.facts.cgroup.v2 !== undefined)
}

export function planCgroupMount(ctx: MountContext, planned: PlannedMount, late: ChildStep[]): ChildStep[] {
  const { origin, target } = planned
  const { set } = attributesOf(planned)
  const made = ctx.scratch(0)
  const all = hierarchies(ctx)
  const unified = planned.mount.type === 'cgroup2' || ctx.facts.cgroup.mode === 'unified'
  const only = unified ? all.find(({ option }) => option === undefined) : all[0]
  if (!only) return []
  if (unified) {
    return [
      ...hierarchySteps(ctx, planned, only, made),
      ...propagationSteps(planned, made),
      place(planned, made, target),
    ]
  }
  const tmpfs = ctx.slot()
  const steps: ChildStep[] = [
    {
      kind: 'fsmount',
      out: tmpfs,
      type: 'tmpfs',
      source: 'tmpfs',
      options: labelledOptions(ctx.spec, 'tmpfs', ['mode=755']),
      attributes: set & ~ATTR.rdonly & ~ATTR.nosymfollow,
      origin,
    },
    ...propagationSteps(planned, tmpfs),
    { ...place(planned, tmpfs, target), keep: true },
  ]
  for (const entry of all) {
    steps.push(...hierarchySteps(ctx, planned, entry, made), place(planned, made, joinPath(target, entry.name)))
    // Co-mounted controllers are also known by each name alone: cpu -> cpu,cpuacct.
    const names = entry.name.split(',')
    if (names.length > 1) {
      for (const name of names) steps.push({ kind: 'symlink', dir: tmpfs, path: name, target: entry.name, origin })
    }
  }
  const last = set & (ATTR.rdonly | ATTR.nosymfollow)
  if (last) late.push({ kind: 'setAttributes', slot: tmpfs, recursive: false, set: last, clear: 0, origin })
  late.push({ kind: 'close', slot: tmpfs })
  return steps
}
