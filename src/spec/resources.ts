/** linux.resources as a document of its own: what `update` is given. */
import { type Problem, RuntimeError } from '../base/errors.ts'
import { pointer } from '../base/pointer.ts'
import { parseConfig } from './parse.ts'
import { problemMessage } from './problems.ts'
import { checkRules } from './rules/check.ts'
import type { Resources, Spec } from './types.gen.ts'
import { validateConfig } from './validate.ts'

/** All kinds of resources that there are. */
const KINDS = {
  devices: true,
  memory: true,
  cpu: true,
  pids: true,
  blockIO: true,
  hugepageLimits: true,
  network: true,
  rdma: true,
  unified: true,
} as const satisfies Record<keyof Resources, true>

/** Where the schema and the rules think that the document is. */
const PLACE = '/linux/resources'

/** Parses and validates; `name` is what errors call the document. Throws RuntimeError as parseSpec does. */
export async function parseResources(text: string, name: string): Promise<Resources> {
  return validateResources(await parseConfig(text, name), name)
}

/**
 * Checks a value against the schema and the rules of linux.resources. A kind that is not known is refused, too: its
 * limits would not be set. Pointers of problems are relative to the value.
 */
export async function validateResources(value: unknown, name: string): Promise<Resources> {
  const problems = unknownKinds(value)
  let spec: Spec | undefined
  try {
    spec = await validateConfig({ ociVersion: '1.3.0', linux: { resources: value } })
    problems.push(...inside(checkRules(spec).problems))
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    problems.push(...inside(error.problems))
  }
  if (problems.length > 0) throw new RuntimeError('config-invalid', problemMessage(problems, name), problems)
  return spec?.linux?.resources ?? {}
}

function unknownKinds(value: unknown): Problem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(KINDS, key))
  return unknown.map((key) => ({ pointer: pointer(key), message: 'no such kind of resource' }))
}

/** The problems of the document, with pointers of its own. */
function inside(problems: readonly Problem[]): Problem[] {
  return problems
    .filter(({ pointer: place }) => place.startsWith(PLACE))
    .map(({ pointer: place, message }) => ({ pointer: place.slice(PLACE.length), message }))
}
