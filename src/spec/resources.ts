/** linux.resources as a document of its own: what `update` is given. */
import type { Problem } from '../base/errors.ts'
import { pointer } from '../base/pointer.ts'
import { parseConfig } from './parse.ts'
import { checkPart } from './part.ts'
import type { Resources } from './types.gen.ts'

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

/** Parses and validates; `name` is what errors call the document. Throws RuntimeError as parseSpec does. */
export async function parseResources(text: string, name: string): Promise<Resources> {
  const { value, exact } = await parseConfig(text, name)
  return validateResources(value, name, exact)
}

/**
 * Checks a value against the schema and the rules of linux.resources. A kind that is not known is refused, too: its
 * limits would not be set. Pointers of problems are relative to the value.
 */
export async function validateResources(value: unknown, name: string, exact?: () => unknown): Promise<Resources> {
  const part = { place: '/linux/resources', config: around(value), name, problems: unknownKinds(value) }
  const { spec } = await checkPart({ ...part, ...(exact ? { exact: () => around(exact()) } : {}) })
  return spec.linux?.resources ?? {}
}

function around(resources: unknown): Readonly<Record<string, unknown>> {
  return { ociVersion: '1.3.0', linux: { resources } }
}

function unknownKinds(value: unknown): Problem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(KINDS, key))
  return unknown.map((key) => ({ pointer: pointer(key), message: 'no such kind of resource' }))
}
