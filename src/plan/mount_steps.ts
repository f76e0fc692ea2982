/** What the planners of mounts have in common: attributes, and attaching. */
import { isWithin } from '../base/path.ts'
import { O_DIRECTORY, O_PATH } from '../kernel/files.ts'
import { ATTR } from '../kernel/mount.ts'
import { SLOT } from './context.ts'
import { lateReadonly } from './late_readonly.ts'
import type { MountContext, PlannedMount } from './mount_model.ts'
import type { ChildStep, HostMount, Origin, Slot } from './step.ts'

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

/**
 * For what is bound where a user namespace may not make it. KERNEL: how access times are noted is locked on mounts that
 * have come into one, and stays the host's; every restriction can be added.
 */
export function lockedAttributes(attributes: number): number {
  return attributes & ~(ATTR.atimeMask | ATTR.nodiratime)
}

/** Attribute and propagation steps for the mount in `slot`; `fresh`: what it has from its creation. */
export function attributeSteps(
  planned: PlannedMount,
  slot: Slot,
  how: { fresh?: number; locked?: boolean },
): ChildStep[] {
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

/** A mount that the parent makes, one at a time: however many there are, few files are open at once. */
export function takeMount(ctx: MountContext, mount: HostMount, out: Slot, origin: Origin): ChildStep[] {
  ctx.hostSteps.push({ kind: 'give', mount, origin })
  return [{ kind: 'take', tag: 'give', out, origin }]
}

/** CVE-2019-19921: /proc and /sys must be what they are called: real directories, reached without any link. */
export function mustBeReal({ target, mount }: PlannedMount): boolean {
  return mount.type === 'proc' || mount.type === 'sysfs' || isWithin(target, '/proc') || isWithin(target, '/sys')
}

/** Attaches the mount to its target, which is resolved below the root and made where it is missing. */
export function placeSteps(planned: PlannedMount, mount: Slot, type: 'directory' | 'like', keep: boolean): ChildStep[] {
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
