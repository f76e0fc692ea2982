/** What a run of the suite comes to: data, from which every report is made. */
import type { Evidence } from './evidence.ts'
import type { Identity } from './versions.ts'

/** `deviation`: it failed, as it is known to. `host-cannot`: the machine lacks what the case is about. */
export type Verdict = 'passed' | 'failed' | 'deviation' | 'host-cannot'

export const VERDICTS: readonly Verdict[] = ['passed', 'failed', 'deviation', 'host-cannot']

/** Verdicts in words, as people read them. */
export const WORDS: Readonly<Record<Verdict, string>> = {
  passed: 'passed',
  failed: 'failed',
  deviation: 'known deviation',
  'host-cannot': 'host cannot',
}

/** A table of measured numbers. */
export interface Figures {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Result {
  readonly id: string
  readonly verdict: Verdict
  /** What the runtime did wrong, or what the machine lacks. */
  readonly reason?: string
  /** Why it is known to do so; of a case that passed, that it is said to deviate and does not. */
  readonly remark?: string
  readonly ms: number
  readonly evidence: readonly Evidence[]
  /** Of a case that measures. */
  readonly figures?: Figures
}

/** A runtime that was judged. */
export interface Judged extends Identity {
  readonly path: string
  /** What was special about its run. */
  readonly note?: string
  readonly seconds: number
  readonly results: readonly Result[]
}

/** A case, as data. */
export interface Question {
  readonly id: string
  readonly group: string
  readonly clause: string
  readonly asks: string
  readonly covers: readonly string[]
}

export interface Report {
  /** The version of davit that the suite came with. */
  readonly suite: string
  readonly specification: string
  readonly date: string
  readonly machine: string
  readonly cases: readonly Question[]
  readonly runtimes: readonly Judged[]
}

/** How many results have each verdict. */
export function countOf(results: readonly Result[]): Record<Verdict, number> {
  const count: Record<Verdict, number> = { passed: 0, failed: 0, deviation: 0, 'host-cannot': 0 }
  for (const { verdict } of results) count[verdict]++
  return count
}
