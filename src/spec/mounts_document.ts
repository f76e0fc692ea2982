/** A list of mounts as a document of its own: what `mounts add` and `mounts remove` are given. */
import type { Problem } from '../base/errors.ts'
import { parseConfig } from './parse.ts'
import { checkPart } from './part.ts'
import type { Mount } from './types.gen.ts'

/**
 * Parses and validates; `name` is what errors call the document. With `places` only the destinations count, whatever
 * else there is. Throws RuntimeError as parseSpec does.
 */
export async function parseMounts(
  text: string,
  name: string,
  places: boolean,
): Promise<{ readonly mounts: readonly Mount[]; readonly warnings: readonly Problem[] }> {
  const { value } = await parseConfig(text, name)
  // A list that is null would count as none.
  const problems = value === null ? [{ pointer: '', message: 'expected an array, got null' }] : []
  const list = places && Array.isArray(value) ? value.map(placeOnly) : value
  const config = { ociVersion: '1.3.0', root: { path: '/' }, mounts: list }
  const { spec, warnings } = await checkPart({ place: '/mounts', config, name, problems })
  return { mounts: spec.mounts ?? [], warnings }
}

/** With a type, which the rules ask of every mount. */
function placeOnly(entry: unknown): unknown {
  if (typeof entry !== 'object' || entry === null || !('destination' in entry)) return entry
  return { destination: entry.destination, type: 'none' }
}
