/** Rules on process.capabilities. */
import { capabilityNumber } from '../../kernel/capabilities.ts'
import type { Rule } from './rule.ts'

const SETS = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const

const unknownNames: Rule = {
  name: 'unknown capabilities',
  clause: 'config.md#linux-process',
  // SPEC: a value that cannot be mapped to the kernel MUST be logged as a warning, and SHOULD NOT fail.
  severity: 'warning',
  reads: ['/process/capabilities'],
  check({ process }, report) {
    const sets = process?.capabilities
    if (sets === undefined) return
    const unknown = new Set<string>()
    for (const set of SETS) {
      for (const name of sets[set] ?? []) if (capabilityNumber(name) === undefined) unknown.add(name)
    }
    if (unknown.size === 0) return
    report('/process/capabilities', `ignoring unknown or unavailable capabilities: [${[...unknown].join(' ')}]`)
  },
}

export const CAPABILITY_RULES: readonly Rule[] = [unknownNames]
