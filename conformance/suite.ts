/** What a case of the suite is, and how it says that a runtime fails it. */
import type { Subject } from './subject.ts'
import { type Identity, isInRange } from './versions.ts'

/** What a runtime is known to do against the letter of the specification. Never counted as passed. */
export interface Deviation {
  /** The versions that do so, `>=1.0 <1.5`; all, if there is none. */
  readonly versions?: string
  /** What they do instead, and why. */
  readonly why: string
  /** The clause they differ from, where it is not that of the case. */
  readonly clause?: string
}

export interface Case {
  /** Stable: `verb-what`. */
  readonly id: string
  /** Where the specification asks for it: `runtime.md#create`. */
  readonly clause: string
  /** The clause in a sentence. */
  readonly asks: string
  /** Ids of the requirements (requirements/) that it shows to be kept. */
  readonly covers?: readonly string[]
  /** For `--group`; that of its file (cases/catalog.ts), if there is none. */
  readonly group?: string
  /** It changes or measures the whole machine: no other case runs beside it. */
  readonly serial?: boolean
  /** Who is known to differ here, by the first word of their `--version`. */
  readonly deviations?: Readonly<Record<string, string | Deviation>>
  readonly test: (subject: Subject) => void
}

/** How a runtime of this name and version is known to differ in a case, if it is. */
export function deviationOf(it: Case, { name, version }: Identity): Deviation | undefined {
  const known = it.deviations?.[name]
  const deviation = typeof known === 'string' ? { why: known } : known
  return deviation && isInRange(version, deviation.versions ?? '') ? deviation : undefined
}

/** The runtime did not do what was asked. The message is the evidence in one line. */
export class Failed extends Error {}

/** The machine lacks what the case is about: nothing is said about the runtime. */
export class HostCannot extends Error {}

/** Fails the case unless `fact` holds. */
export function expect(fact: boolean, otherwise: string): asserts fact {
  if (!fact) throw new Failed(otherwise)
}

/** Fails the case unless both are the same JSON. */
export function expectSame(got: unknown, wanted: unknown, what: string): void {
  const [left, right] = [JSON.stringify(got), JSON.stringify(wanted)]
  expect(left === right, `${what}: got ${left}, expected ${right}`)
}
