/** All cases, by group. A new file of cases has its line here. */
import type { Case } from '../suite.ts'
import { CREATE } from './create.ts'
import { DELETE } from './delete.ts'
import { FEATURES } from './features.ts'
import { HOOKS } from './hooks.ts'
import { HOOKS_FAIL } from './hooks_fail.ts'
import { KILL } from './kill.ts'
import { LINUX } from './linux.ts'
import { MORE } from './more.ts'
import { MOUNT } from './mounts.ts'
import { PROCESS } from './process.ts'
import { START } from './start.ts'

const GROUPS: Readonly<Record<string, readonly Case[]>> = {
  create: CREATE,
  start: START,
  kill: KILL,
  delete: DELETE,
  hooks: [...HOOKS, ...HOOKS_FAIL],
  process: PROCESS,
  mounts: MOUNT,
  linux: LINUX,
  features: FEATURES,
  ...MORE,
}

/** A case that has its group. */
export type Grouped = Case & { readonly group: string }

export const CASES: readonly Grouped[] = Object.entries(GROUPS).flatMap(([group, cases]) =>
  cases.map((it) => ({ ...it, group: it.group ?? group })),
)
