/** Text of config.json to an unchecked value. */
import { RuntimeError } from '../base/errors.ts'
import { parseExact } from '../base/json.ts'

/** An unchecked document. */
export interface Parsed {
  /** With doubles: what is beyond 2^53 may have lost digits. The schema refuses those, which is when to ask for all. */
  readonly value: unknown
  /** The same with bigints in their places. */
  exact(): unknown
}

/**
 * Parses config.json, or another document of which `name` tells. As with Go's decoder the last of duplicate keys counts
 * and a byte order mark is an error.
 * Throws RuntimeError 'config-syntax' with line and column.
 */
export async function parseConfig(text: string, name = 'config.json'): Promise<Parsed> {
  try {
    return { value: JSON.parse(text), exact: () => parseExact(text) }
  } catch (error) {
    // The engines word their errors differently and often without a place: scan again, only now.
    const { describeSyntaxError } = await import('./scan.ts')
    throw new RuntimeError('config-syntax', `parse ${name}: ${describeSyntaxError(text)}`, [], { cause: error })
  }
}
