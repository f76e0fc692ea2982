/** All rules, in the order of config.json. */
import type { Rule } from './rule.ts'

export const RULES: readonly Rule[] = []
