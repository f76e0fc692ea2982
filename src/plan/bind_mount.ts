/** A bind mount: a tree of the host's, or of the container's own files. */
import { joinPath } from '../base/path.ts'
import { hasUserNamespace, namespace } from './context.ts'
import type { MountContext, PlannedMount } from './mount_model.ts'
import { attributeSteps, placeSteps } from './mount_steps.ts'
import { hostPropagation } from './rootfs.ts'
import type { ChildStep } from './step.ts'

export function planBind(ctx: MountContext, planned: PlannedMount): ChildStep[] {
  const { mount, options, origin } = planned
  const path = joinPath(mount.source?.startsWith('/') ? '' : ctx.request.bundle, mount.source ?? '')
  const recursive = options.bind === 'rbind'
  const how = { locked: hasUserNamespace(ctx.spec) || !ctx.facts.initialUserns }
  const reach = ctx.facts.mayMount && hasUserNamespace(ctx.spec) && namespace(ctx.spec, 'mount') === 'new'
  if (reach || ctx.entering) {
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
