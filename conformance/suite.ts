/** What a case of the suite is, and how it says that a runtime fails it. */
import type { Subject } from './subject.ts'

export interface Case {
  /** Stable: `verb-what`. */
  readonly id: string
  /** Where the specification asks for it: `runtime.md#create`. */
  readonly clause: string
  /** The clause in a sentence. */
  readonly asks: string
  /**
   * Who is known to differ from the letter of the specification here: what they do instead, and why, by the first word
   * of their `--version`.
   */
  readonly deviations?: Readonly<Record<string, string>>
  readonly test: (subject: Subject) => void
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
