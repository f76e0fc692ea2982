/**
 * The option "remount": the mount that is at the destination already gets other attributes, as by mount_setattr(2) what
 * is asked for and nothing else; without "bind" its file system is configured anew, too.
 */
import type { Problem } from '../base/errors.ts'
import { O_PATH } from '../kernel/files.ts'
import { ATTR, FSCONFIG_CMD_RECONFIGURE, FSPICK_CLOEXEC, FSPICK_EMPTY_PATH } from '../kernel/mount.ts'
import { type MountOptions, parseMountOptions } from '../kernel/mount_options.ts'
import type { Mount } from '../spec/types.gen.ts'
import { SLOT } from './context.ts'
import { configureSteps } from './fsconfig.ts'
import { isIdmapped } from './idmap.ts'
import type { MountContext, PlannedMount } from './mount_model.ts'
import { attributeSteps, mustBeReal } from './mount_steps.ts'
import type { ChildStep } from './step.ts'

/** The steps; what makes /dev read-only goes to `late`, as devices are made in it. */
export function planRemount(ctx: MountContext, planned: PlannedMount, late: ChildStep[]): ChildStep[] {
  const { target, options, origin } = planned
  for (const option of options.withoutEffect)
    ctx.warnings.push(`option "${option}" has no effect on a bind mount, from ${origin.config}/options`)
  const readonlyLate = target === '/dev' && (options.set & ATTR.rdonly) !== 0
  const slot = readonlyLate ? ctx.slot() : ctx.scratch(0)
  const noLinks = mustBeReal(planned)
  // The root is where the lookup begins; its mount is the one that is on it.
  const path = target === '/' ? '.' : target
  const early = readonlyLate ? { ...options, set: options.set & ~ATTR.rdonly } : options
  if (readonlyLate) {
    late.push({ kind: 'setAttributes', slot, recursive: false, set: ATTR.rdonly, clear: 0, origin })
    late.push({ kind: 'close', slot })
  }
  return [
    { kind: 'open', out: slot, dir: SLOT.root, path, flags: O_PATH, inRoot: true, noLinks, origin },
    { kind: 'verifyMount', slot, origin },
    ...(options.remount === 'filesystem' ? filesystemSteps(ctx, planned, slot) : []),
    ...attributeSteps({ ...planned, options: early }, slot, {}),
    ...(readonlyLate ? [] : [{ kind: 'close' as const, slot }]),
  ]
}

/** fspick(2) begins with what the file system has; read-only is left to the mount, as where a mount is made. */
function filesystemSteps(ctx: MountContext, { options, origin }: PlannedMount, slot: number): ChildStep[] {
  if (options.data.length === 0) return []
  const fs = ctx.scratch(2)
  const flags = FSPICK_EMPTY_PATH | FSPICK_CLOEXEC
  return [
    { kind: 'call', name: 'fspick', args: [{ slot }, '', flags], out: fs, origin },
    ...configureSteps(fs, options.data, origin),
    { kind: 'call', name: 'fsconfig', args: [{ slot: fs }, FSCONFIG_CMD_RECONFIGURE, 0, 0, 0], origin },
    { kind: 'close', slot: fs },
  ]
}

/** What cannot be asked of a mount that is there already. */
export function remountProblems(mount: Mount, at: string): Problem[] {
  const options = parseMountOptions(mount.options ?? [])
  if (!options.remount) return []
  return notNew(mount, options).map((name) => {
    return { pointer: `${at}/options`, message: `option "remount" does not go with ${name}: nothing new is mounted` }
  })
}

function notNew(mount: Mount, options: MountOptions): string[] {
  return [
    ...(isIdmapped(mount, options) ? ['an idmapped mount'] : []),
    ...(options.copyUp ? ['"tmpcopyup"'] : []),
    ...(options.copySymlink ? ['"copy-symlink"'] : []),
    ...(options.sourceNoFollow ? ['"src-nofollow"'] : []),
    ...(options.targetNoFollow ? ['"dest-nofollow"'] : []),
  ]
}
