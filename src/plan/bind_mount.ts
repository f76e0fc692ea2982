/** A bind mount: a tree of the host's, or of the container's own files. */
import { joinPath } from '../base/path.ts'
import { O_NOFOLLOW, O_PATH } from '../kernel/files.ts'
import type { Mount } from '../spec/types.gen.ts'
import { hasUserNamespace, namespace, SLOT } from './context.ts'
import { copiedLink, planCopiedLink } from './copied_link.ts'
import { idmapSteps } from './idmap.ts'
import type { MountContext, PlannedMount } from './mount_model.ts'
import { attributeSteps, mustBeReal, placeSteps } from './mount_steps.ts'
import { hostPropagation } from './rootfs.ts'
import type { ChildStep, Slot } from './step.ts'

export function planBind(ctx: MountContext, planned: PlannedMount): ChildStep[] {
  const { mount, options, origin } = planned
  const link = copiedLink(ctx, planned)
  if (link !== undefined) return planCopiedLink(ctx, planned, link)
  const path = bindSource(mount, ctx.request.bundle)
  const tree = { path, recursive: options.bind === 'rbind', noFollow: options.sourceNoFollow, origin }
  const reach = ctx.facts.mayMount && hasUserNamespace(ctx.spec) && namespace(ctx.spec, 'mount') === 'new'
  if (reach || ctx.entering) {
    // The container's root may not be able to reach the source; whoever configured it is. A rootless caller's sources
    // are its own, and cloning mounts is not allowed to it outside the new namespace.
    const slot = ctx.slot()
    ctx.presets.push({ kind: 'tree', slot, ...tree })
    // It was cloned in the host's namespace, before ours was taken out of the host's peer groups.
    const flag = hostPropagation(ctx)
    const detach: ChildStep[] =
      flag === undefined
        ? []
        : [{ kind: 'setAttributes', slot, recursive: true, set: 0, clear: 0, propagation: flag, origin }]
    return [...idmapSteps(planned, slot), ...detach, ...finishSteps(ctx, planned, slot)]
  }
  const made = ctx.scratch(0)
  const clone: ChildStep = { kind: 'cloneTree', out: made, dir: 'cwd', ...tree }
  return [clone, ...idmapSteps(planned, made), ...finishSteps(ctx, planned, made)]
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
