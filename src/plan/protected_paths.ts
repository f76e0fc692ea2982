/** Masked and read-only paths: bound over by fd, before the host's mounts are gone. */
import { cleanPath } from '../base/path.ts'
import { type PlanContext, SLOT } from './context.ts'
import { labelledOptions } from './labels.ts'
import type { ChildStep } from './step.ts'

/** What is not there needs no protection. */
const ABSENT = ['ENOENT', 'ENOTDIR']

export function planProtectedPaths(ctx: PlanContext): ChildStep[] {
  const { readonlyPaths = [], maskedPaths = [] } = ctx.spec.linux ?? {}
  const steps: ChildStep[] = []
  for (let index = 0; index < readonlyPaths.length; index++) {
    const path = cleanPath(readonlyPaths[index] as string)
    const origin = { config: `/linux/readonlyPaths/${index}`, doing: `make "${path}" read-only` }
    steps.push({ kind: 'readonlyPath', root: SLOT.root, path, tolerate: ABSENT, skip: 0, origin })
  }
  // Room for its root directory only.
  const options = labelledOptions(ctx.spec, 'tmpfs', ['nr_blocks=1', 'nr_inodes=2'])
  const seen = new Set<string>()
  for (let index = 0; index < maskedPaths.length; index++) {
    const path = cleanPath(maskedPaths[index] as string)
    if (seen.has(path)) continue // covering it twice is only cost
    seen.add(path)
    const origin = { config: `/linux/maskedPaths/${index}`, doing: `mask "${path}"` }
    const { root, nullDevice, emptyTmpfs } = SLOT
    steps.push({ kind: 'maskPath', root, path, nullDevice, emptyTmpfs, options, origin })
  }
  return steps
}
