/** A bind mount: a tree of the host's, or of the container's own files. */
import { joinPath } from '../base/path.ts'
import { O_NOFOLLOW, O_PATH } from '../kernel/files.ts'
import type { Mount } from '../spec/types.gen.ts'
import { hasUserNamespace, namespace, SLOT } from './context.ts'
import { copiedLink, planCopiedLink } from './copied_link.ts'
import { idmapSteps } from './idmap.ts'
import type { MountContext, PlannedMount } from './mount_model.ts'
import { attributeSteps, mustBeReal, placeSteps, takeMount } from './mount_steps.ts'
import { hostPropagation } from './rootfs.ts'
import type { ChildStep, HostMount, Origin, Slot } from './step.ts'

export function planBind(ctx: MountContext, planned: PlannedMount): ChildStep[] {
  const { mount, options, origin } = planned
  const link = copiedLink(ctx, planned)
  if (link !== undefined) return planCopiedLink(ctx, planned, link)
  for (const option of options.withoutEffect)
    ctx.warnings.push(`option "${option}" has no effect on a bind mount, from ${origin.config}/options`)
  const path = bindSource(mount, ctx.request.bundle)
  const tree = { path, recursive: options.bind === 'rbind', noFollow: options.sourceNoFollow }
  const made = ctx.scratch(0)
  const clone: ChildStep = { kind: 'cloneTree', out: made, dir: 'cwd', ...tree, origin }
  // The container's root may not be able to reach the source; whoever configured it is. A rootless caller's sources are
  // its own, and cloning mounts is not allowed to it outside the new namespace.
  const reach = ctx.facts.mayMount && hasUserNamespace(ctx.spec) && namespace(ctx.spec, 'mount') === 'new'
  const steps: ChildStep[] = []
  if (ctx.entering) steps.push(...takeMount(ctx, { kind: 'tree', ...tree }, made, origin))
  else if (reach) steps.push(...reachSteps(ctx, { kind: 'tree', ...tree, orElse: 'child' }, clone, origin))
  else steps.push(clone)
  if (ctx.entering || reach) steps.push(...detachSteps(ctx, made, origin))
  return [...steps, ...idmapSteps(ctx, planned, made), ...finishSteps(ctx, planned, made)]
}

/** The parent's clone; where it has no access, as to a user's FUSE or over NFS, the container's root may have. */
function reachSteps(ctx: MountContext, tree: HostMount, clone: ChildStep, origin: Origin): ChildStep[] {
  const [take] = takeMount(ctx, tree, ctx.scratch(0), origin)
  return [{ ...(take as ChildStep), tolerate: ['EACCES'], skip: 1 }, { kind: 'jump', skip: 1 }, clone]
}

/** What was cloned in the host's namespace leaves the host's peer groups, as all mounts of ours did. */
function detachSteps(ctx: MountContext, slot: Slot, origin: Origin): ChildStep[] {
  const propagation = hostPropagation(ctx)
  if (propagation === undefined) return []
  return [{ kind: 'setAttributes', slot, recursive: true, set: 0, clear: 0, propagation, origin }]
}

/** Absolute path of a bind mount's source; a relative one counts from the bundle. */
export function bindSource({ source = '' }: Mount, bundle: string): string {
  return joinPath(source.startsWith('/') ? '' : bundle, source)
}

function finishSteps(ctx: MountContext, planned: PlannedMount, slot: Slot): ChildStep[] {
  const { options, target, origin } = planned
  const how = { locked: hasUserNamespace(ctx.spec) || !ctx.facts.initialUserns }
  const attributes = attributeSteps(planned, slot, how)
  if (!options.targetNoFollow || target === '/') return [...attributes, ...placeSteps(planned, slot, 'like', false)]
  // As in crun the destination is there, and what it is if it is a link is what is covered.
  const to = ctx.scratch(1)
  const flags = O_PATH | O_NOFOLLOW
  const noLinks = mustBeReal(planned)
  return [
    ...attributes,
    { kind: 'open', out: to, dir: SLOT.root, path: target, flags, inRoot: true, noLinks, origin },
    { kind: 'attach', mount: slot, to, origin },
  ]
}
