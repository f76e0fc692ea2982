/** Masked and read-only paths: bound over by fd, before the host's mounts are gone. */
import { cleanPath } from '../base/path.ts'
import { O_PATH } from '../kernel/files.ts'
import { ATTR } from '../kernel/mount.ts'
import { type PlanContext, SLOT } from './context.ts'
import type { ChildStep } from './step.ts'

/** What is not there needs no protection; what cannot even be reached by root neither. */
const ABSENT = ['ENOENT', 'ENOTDIR']

function readonlySteps(ctx: PlanContext, path: string, index: number): ChildStep[] {
  const [found, made] = [ctx.scratch(0), ctx.scratch(1)]
  const origin = { config: `/linux/readonlyPaths/${index}`, doing: `make "${path}" read-only` }
  return [
    { kind: 'open', out: found, dir: SLOT.root, path, flags: O_PATH, inRoot: true, tolerate: ABSENT, skip: 5, origin },
    { kind: 'cloneTree', out: made, dir: found, path: '', recursive: true, origin },
    { kind: 'setAttributes', slot: made, recursive: true, set: ATTR.rdonly, clear: 0, origin },
    { kind: 'attach', mount: made, to: found, origin },
    { kind: 'close', slot: made },
    { kind: 'close', slot: found },
  ]
}

/**
 * A directory is covered by one read-only tmpfs that all masked directories share: the first makes it, later ones
 * clone it (a superblock each would be reaped one by one). A file is covered by the verified null device
 * (CVE-2025-31133), never by what the image calls /dev/null.
 */
function maskSteps(ctx: PlanContext, path: string, index: number): ChildStep[] {
  const [found, made] = [ctx.scratch(0), ctx.scratch(1)]
  const origin = { config: `/linux/maskedPaths/${index}`, doing: `mask "${path}"` }
  const attributes = ATTR.rdonly | ATTR.nosuid | ATTR.nodev | ATTR.noexec
  return [
    { kind: 'open', out: found, dir: SLOT.root, path, flags: O_PATH, inRoot: true, tolerate: ABSENT, skip: 11, origin },
    { kind: 'verify', slot: found, is: 'directory', tolerate: ['EILSEQ'], skip: 6, origin },
    {
      kind: 'cloneTree',
      out: made,
      dir: SLOT.emptyTmpfs,
      path: '',
      recursive: false,
      tolerate: ['EBADF'],
      skip: 2,
      origin,
    },
    { kind: 'attach', mount: made, to: found, origin },
    { kind: 'jump', skip: 5 },
    {
      kind: 'fsmount',
      out: SLOT.emptyTmpfs,
      type: 'tmpfs',
      options: ['nr_blocks=1', 'nr_inodes=2'],
      attributes,
      origin,
    },
    { kind: 'attach', mount: SLOT.emptyTmpfs, to: found, origin },
    { kind: 'jump', skip: 2 },
    { kind: 'cloneTree', out: made, dir: SLOT.nullDevice, path: '', recursive: false, origin },
    { kind: 'attach', mount: made, to: found, origin },
    { kind: 'close', slot: made },
    { kind: 'close', slot: found },
  ]
}

export function planProtectedPaths(ctx: PlanContext): ChildStep[] {
  const { readonlyPaths = [], maskedPaths = [] } = ctx.spec.linux ?? {}
  const seen = new Set<string>()
  /** Masking the same path twice is only cost. */
  const first = (path: string) => !seen.has(path) && seen.add(path) !== undefined
  return [
    ...readonlyPaths.flatMap((path, index) => readonlySteps(ctx, cleanPath(path), index)),
    ...maskedPaths.flatMap((path, index) => (first(cleanPath(path)) ? maskSteps(ctx, cleanPath(path), index) : [])),
  ]
}
