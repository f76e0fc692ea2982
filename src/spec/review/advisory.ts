/** What an advisory is: a rule that stops no container. */
import type { Rule } from '../rules/rule.ts'
import type { Requirement } from './finding.ts'

/**
 * Told by `davit validate` only: what the specification says SHOULD be, what it has deprecated, what davit reads
 * leniently, what has no effect. All are warnings.
 */
export interface Advisory extends Omit<Rule, 'severity'> {
  readonly requirement?: Requirement
  readonly hint: string
}
