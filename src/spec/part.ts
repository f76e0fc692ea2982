/** A part of config.json that comes as a document of its own: checked in its place, problems told with its own pointers. */
import { type Problem, RuntimeError } from '../base/errors.ts'
import { problemMessage } from './problems.ts'
import { checkRules, type Findings } from './rules/check.ts'
import type { Spec } from './types.gen.ts'
import { validateConfig } from './validate.ts'

/** Where the part belongs, a configuration that has it there, and what errors call the document. */
export interface Part {
  readonly place: string
  readonly config: Readonly<Record<string, unknown>>
  /** The same with bigints, see validateConfig. */
  readonly exact?: () => Readonly<Record<string, unknown>>
  readonly name: string
  /** What is wrong with it beyond schema and rules; pointers are the part's own. */
  readonly problems?: readonly Problem[]
}

/**
 * Holds a part against the schema and the rules. Returns the configuration and what to warn about; throws RuntimeError
 * 'config-invalid' with every problem of the part.
 */
export async function checkPart(part: Part): Promise<{ readonly spec: Spec; readonly warnings: readonly Problem[] }> {
  const problems = [...(part.problems ?? [])]
  let spec: Spec = { ociVersion: '' }
  let found: Findings = { problems: [], warnings: [] }
  try {
    spec = await validateConfig(part.config, part.exact)
    found = checkRules(spec, part.place)
    problems.push(...inside(found.problems, part.place))
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'config-invalid') throw error
    problems.push(...inside(error.problems, part.place))
  }
  if (problems.length > 0) throw new RuntimeError('config-invalid', problemMessage(problems, part.name), problems)
  return { spec, warnings: inside(found.warnings, part.place) }
}

/** The problems of the part, with pointers into it. */
function inside(problems: readonly Problem[], place: string): Problem[] {
  return problems
    .filter(({ pointer }) => pointer === place || pointer.startsWith(`${place}/`))
    .map(({ pointer, message }) => ({ pointer: pointer.slice(place.length), message }))
}
