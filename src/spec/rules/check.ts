/** Runs the rules. */
import type { Problem } from '../../base/errors.ts'
import type { Spec } from '../types.gen.ts'
import { RULES } from './list.ts'
import type { Rule } from './rule.ts'

/** What the rules found: problems stop the container, warnings are logged. */
export interface Findings {
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/** Checks a schema-valid Spec against every rule, or against those that read something at or below `place`. */
export function checkRules(spec: Spec, place = ''): Findings {
  const problems: Problem[] = []
  const warnings: Problem[] = []
  for (const rule of RULES) {
    if (place !== '' && !rule.reads.some((read) => read === place || read.startsWith(`${place}/`))) continue
    const found = rule.severity === 'problem' ? problems : warnings
    rule.check(spec, (pointer, message) => found.push({ pointer, message }))
  }
  return { problems, warnings }
}

/** Problems of the rules that look only at what the schema accepted; `refused` are the places that it did not. */
export function checkRulesBeside(value: Spec, refused: readonly string[]): Problem[] {
  const problems: Problem[] = []
  for (const rule of rulesBeside(RULES, refused)) {
    if (rule.severity === 'problem') rule.check(value, (pointer, message) => problems.push({ pointer, message }))
  }
  return problems
}

/** Those of the rules that read nothing of the refused places. */
export function rulesBeside<R extends Pick<Rule, 'reads'>>(rules: readonly R[], refused: readonly string[]): R[] {
  const exactly = new Set(refused)
  const around = new Set(refused.flatMap(ancestors))
  // A place is unfit when it, something inside it or something around it was refused.
  const unfit = (read: string) => around.has(read) || ancestors(read).some((place) => exactly.has(place))
  return rules.filter((rule) => !rule.reads.some(unfit))
}

/** The pointer itself and those of all that it is inside of, the document ('') last. */
function ancestors(pointer: string): string[] {
  const all = [pointer]
  for (let end = pointer.lastIndexOf('/'); end >= 0; end = pointer.lastIndexOf('/', end - 1)) {
    all.push(pointer.slice(0, end))
    if (end === 0) break
  }
  return all
}
