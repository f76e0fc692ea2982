/** Which requirements the cases cover, and what that says of a runtime. */
import { REQUIREMENTS } from './requirements/catalog.ts'
import type { Requirement } from './requirements/requirement.ts'
import type { Question, Result, Verdict } from './results.ts'

/** `apart`: it binds somebody else than the runtime, and no case covers it. */
export type Coverage = 'covered' | 'uncoverable' | 'apart' | 'uncovered'

export interface Covered extends Requirement {
  readonly coverage: Coverage
  /** Ids of the cases that cover it. */
  readonly cases: readonly string[]
}

function coverageOf({ binds, uncoverable }: Requirement, cases: readonly string[]): Coverage {
  if (cases.length > 0) return 'covered'
  if (uncoverable !== undefined) return 'uncoverable'
  return binds === 'runtime' ? 'uncovered' : 'apart'
}

/** Every requirement with the cases that cover it. */
export function cover(questions: readonly Question[]): Covered[] {
  const byId = new Map<string, string[]>()
  for (const { id, covers } of questions) for (const name of covers) byId.set(name, [...(byId.get(name) ?? []), id])
  return REQUIREMENTS.map((it) => {
    const cases = byId.get(it.id) ?? []
    return { ...it, cases, coverage: coverageOf(it, cases) }
  })
}

// A requirement is kept as far as the worst of its cases; what the host cannot judge says nothing beside what it can.
const WORST: readonly Verdict[] = ['failed', 'deviation', 'passed', 'host-cannot']

/** What the cases of a requirement say together; nothing, if none was run. */
export function verdictOf(cases: readonly string[], results: ReadonlyMap<string, Result>): Verdict | undefined {
  const seen = cases.map((id) => results.get(id)?.verdict)
  return WORST.find((verdict) => seen.includes(verdict))
}

export interface CoverageCount {
  readonly document: string
  readonly all: number
  readonly counts: Readonly<Record<Coverage, number>>
}

/** How many requirements of each document are covered. */
export function coverageByDocument(list: readonly Covered[]): CoverageCount[] {
  const documents = [...new Set(list.map(({ clause }) => clause.split('#')[0] ?? ''))]
  return documents.map((document) => {
    const own = list.filter(({ clause }) => clause.startsWith(`${document}#`))
    const count = (wanted: Coverage) => own.filter(({ coverage }) => coverage === wanted).length
    const counts = {
      covered: count('covered'),
      uncoverable: count('uncoverable'),
      apart: count('apart'),
      uncovered: count('uncovered'),
    }
    return { document, all: own.length, counts }
  })
}
