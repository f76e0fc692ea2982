/** The whole way from the text of config.json to a Spec. */
import { type Problem, RuntimeError } from '../base/errors.ts'
import { parseConfig } from './parse.ts'
import { problemMessage } from './problems.ts'
import { checkRules } from './rules/check.ts'
import type { Spec } from './types.gen.ts'
import { validateConfig } from './validate.ts'

/** A usable configuration and what to warn about. */
export interface Config {
  readonly spec: Spec
  readonly warnings: readonly Problem[]
}

/**
 * Parses, validates and checks config.json.
 * Throws RuntimeError 'config-syntax' or 'config-invalid' (with every problem found).
 */
export async function parseSpec(text: string): Promise<Config> {
  const { value, exact } = await parseConfig(text)
  const spec = await validateConfig(value, exact)
  const { problems, warnings } = checkRules(spec)
  if (problems.length > 0) throw new RuntimeError('config-invalid', problemMessage(problems), problems)
  return { spec, warnings }
}
