/** Runs the rules. */
import type { Problem } from '../../base/errors.ts'
import type { Spec } from '../types.gen.ts'
import { RULES } from './list.ts'

/** What the rules found: problems stop the container, warnings are logged. */
export interface Findings {
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/** Checks a schema-valid Spec against every rule. */
export function checkRules(spec: Spec): Findings {
  const problems: Problem[] = []
  const warnings: Problem[] = []
  for (const rule of RULES) {
    const found = rule.severity === 'problem' ? problems : warnings
    rule.check(spec, (pointer, message) => found.push({ pointer, message }))
  }
  return { problems, warnings }
}

/** Problems of the rules that look only at what the schema accepted; `refused` are the places that it did not. */
export function checkRulesBeside(value: Spec, refused: readonly string[]): Problem[] {
  const problems: Problem[] = []
  for (const rule of RULES) {
    if (rule.severity !== 'problem' || rule.reads.some((read) => refused.some((place) => touches(read, place))))
      continue
    rule.check(value, (pointer, message) => problems.push({ pointer, message }))
  }
  return problems
}

/** Whether one place is the other or inside it. */
function touches(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`) || b === ''
}
