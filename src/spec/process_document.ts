/** The whole way from the text of a process.json, as `exec --process` has it, to a Process. */
import { type Problem, RuntimeError } from '../base/errors.ts'
import { parseConfig } from './parse.ts'
import { problemMessage } from './problems.ts'
import { checkRules } from './rules/check.ts'
import type { Process, Spec } from './types.gen.ts'
import { validateConfig } from './validate.ts'

const PLACE = '/process'

/** A usable process and what to warn about. */
export interface CheckedProcess {
  readonly process: Process
  readonly warnings: readonly Problem[]
}

/**
 * Parses a process and checks it in the place of the container's own; `name` is the file's, for messages.
 * Throws RuntimeError 'config-syntax' or 'config-invalid', with pointers into the process.
 */
export async function parseProcess(text: string, spec: Spec, name: string): Promise<CheckedProcess> {
  return checkProcess(await parseConfig(text, name), spec, name)
}

/** Holds a process against the schema and the rules that concern it; the rest of the configuration has passed them. */
export async function checkProcess(unchecked: unknown, spec: Spec, name = 'process'): Promise<CheckedProcess> {
  const { process } = await validated({ ...spec, process: unchecked }, name)
  if (process === undefined) throw invalid([{ pointer: PLACE, message: 'expected an object, got null' }], name)
  const { problems, warnings } = checkRules({ ...spec, process }, PLACE)
  if (problems.length > 0) throw invalid(problems, name)
  return { process, warnings: warnings.map(rebase) }
}

async function validated(value: unknown, name: string): Promise<Spec> {
  try {
    return await validateConfig(value)
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'config-invalid') throw error
    throw invalid(error.problems, name)
  }
}

function invalid(problems: readonly Problem[], name: string): RuntimeError {
  const rebased = problems.map(rebase)
  return new RuntimeError('config-invalid', problemMessage(rebased, name), rebased)
}

/** A pointer from config.json's root to one from the process; what is elsewhere in config.json stays as it is. */
function rebase({ pointer, message }: Problem): Problem {
  const inside = pointer === PLACE || pointer.startsWith(`${PLACE}/`)
  return { pointer: inside ? pointer.slice(PLACE.length) : pointer, message }
}
