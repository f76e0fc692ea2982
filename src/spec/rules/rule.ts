/** What a cross-field rule of config.json is. */
import type { Spec } from '../types.gen.ts'

/** Called for each thing wrong: the place (JSON pointer) and what is wrong there. */
export type Report = (pointer: string, message: string) => void

/** One check that a schema cannot express. Pure and synchronous. */
export interface Rule {
  /** Short name, unique. */
  readonly name: string
  /** The section of the specification (or the source) it comes from. */
  readonly clause: string
  /** A problem stops the container, a warning is only logged. */
  readonly severity: 'problem' | 'warning'
  /** Every place the check looks at. When the schema refused one of them, the rule is not run. */
  readonly reads: readonly string[]
  readonly check: (spec: Spec, report: Report) => void
}

/**
 * Calls `visit` for each item of a list that may be absent. Rules run once per process, cold: this plain loop costs a
 * tenth of entries(), find() or some(), which the engine has to compile first.
 */
export function each<T>(list: readonly T[] | undefined, visit: (item: T, index: number) => void): void {
  if (list === undefined) return
  let index = 0
  for (const item of list) visit(item, index++)
}
