/**
 * Mounts that are made read-only when everything is in place, as more is to be created in them: where later mounts go,
 * devices, what hooks make. A mount stays open until then, so that it is this one whatever has come over it; of a great
 * many only the first do, or the number of mounts would be bound to the number of files that may be open.
 */
import { isWithin } from '../base/path.ts'
import { O_PATH, TMPFS_MAGIC } from '../kernel/files.ts'
import { ATTR } from '../kernel/mount.ts'
import { SLOT } from './context.ts'
import type { PlannedMount } from './mount_model.ts'
import type { ChildStep, Slot } from './step.ts'

/** How many stay open. */
export const MOST_OPEN = 64

/** Whether read-only is put off: in tmpfs and in /dev. */
export function lateReadonly({ options, target, mount }: PlannedMount): boolean {
  const readonly = (options.set & ATTR.rdonly) !== 0
  if (options.bind || options.remount) return false
  return readonly && (mount.type === 'tmpfs' || target === '/dev')
}

/**
 * Those that are closed, and found again by their targets. A target that another mount covers later, or whose way leads
 * over one that is covered, is not among them.
 */
export function foundAgain(mounts: readonly PlannedMount[]): ReadonlySet<PlannedMount> {
  const found = new Set<PlannedMount>()
  let open = 0
  const last = new Map(mounts.map(({ target }, index) => [target, index]))
  for (const [index, planned] of mounts.entries()) {
    if (!lateReadonly(planned)) continue
    const covered = [...ways(planned.target)].some((way) => (last.get(way) ?? 0) > index)
    if (open >= MOST_OPEN && !covered && planned.target !== '/dev') found.add(planned)
    else open++
  }
  return found
}

/** The path and every directory on the way to it. */
function* ways(path: string): Generator<string> {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) yield path.slice(0, end)
  yield '/'
}

/** Makes the mount in the slot read-only and closes it. */
export function readonlyOpen({ origin }: PlannedMount, slot: Slot): ChildStep[] {
  return [
    { kind: 'setAttributes', slot, recursive: false, set: ATTR.rdonly, clear: 0, origin },
    { kind: 'close', slot },
  ]
}

/** Finds the tmpfs again at its target and makes it read-only. */
export function readonlyFound(planned: PlannedMount, slot: Slot): ChildStep[] {
  const { origin, target: path } = planned
  const noLinks = isWithin(path, '/proc') || isWithin(path, '/sys')
  return [
    { kind: 'open', out: slot, dir: SLOT.root, path, flags: O_PATH, inRoot: true, noLinks, origin },
    { kind: 'verify', slot, is: { filesystem: TMPFS_MAGIC }, origin },
    ...readonlyOpen(planned, slot),
  ]
}
