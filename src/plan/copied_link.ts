/** crun's `copy-symlink`: a bind mount whose source is a symbolic link becomes such a link in the container. */
import { baseName, parentPath } from '../base/path.ts'
import { O_NOFOLLOW, O_PATH } from '../kernel/files.ts'
import { SLOT } from './context.ts'
import type { MountContext, PlannedMount } from './mount_model.ts'
import type { ChildStep } from './step.ts'

/** What the link says that is to be made instead of a mount; undefined: it is a mount. */
export function copiedLink({ request }: Pick<MountContext, 'request'>, planned: PlannedMount): string | undefined {
  if (!planned.options.copySymlink) return undefined
  return request.links?.[planned.mount.source ?? '']
}

/** The same link may be there already, from the last time. As with crun, nothing else is taken away: it may be wanted. */
export function planCopiedLink(ctx: MountContext, planned: PlannedMount, link: string): ChildStep[] {
  const { target, origin } = planned
  const [dir, old] = [ctx.scratch(0), ctx.scratch(1)]
  const path = baseName(target)
  const make: ChildStep = { kind: 'symlink', dir, path, target: link, origin }
  const known: ChildStep[] = [
    { kind: 'open', out: old, dir, path, flags: O_PATH | O_NOFOLLOW, origin },
    { kind: 'verify', slot: old, is: { link }, origin },
    { kind: 'close', slot: old },
  ]
  return [
    { kind: 'makePath', out: dir, root: SLOT.root, path: parentPath(target), type: 'directory', mode: 0o755, origin },
    { ...make, tolerate: ['EEXIST'], skip: 1 },
    { kind: 'jump', skip: known.length },
    ...known,
    { kind: 'close', slot: dir },
  ]
}
