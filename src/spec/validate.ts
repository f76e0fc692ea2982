/** Unchecked value to a typed Spec. */
import type { Spec } from './types.gen.ts'
import { validateFast } from './validate_fast.gen.ts'

/**
 * Checks a parsed config.json against the schema. A member with the value null counts as absent, as for Go's decoder.
 * `exact` gives the value with bigints for numbers that no double holds, if there may be any: those doubles are refused.
 * Throws RuntimeError 'config-invalid' with every problem: those of the schema and those of the rules that read only
 * what the schema found good. The rules of a schema-valid Spec are the caller's next step (checkRules).
 */
export async function validateConfig(value: unknown, exact?: () => unknown): Promise<Spec> {
  if (validateFast(value)) return value
  // Off the hot path: the validator that explains is ten times the size.
  const { explain } = await import('./explain.ts')
  return explain(exact ? exact() : value)
}
