/**
 * JSON with integers that a double cannot hold, which are bigints here. Never on the hot path: who needs them asks for
 * them when a double beyond 2^53 was met, or the space with which our own documents tell.
 */
import { RuntimeError } from './errors.ts'

/** What can tell a number from the text of a string: escapes, quotes, numbers. No string is matched whole: it may be large. */
const TOKEN = /\\.|"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
/** A literal of more digits than any range has would only take time. */
const INTEGER = /^-?\d{16,1000}$/

/**
 * JSON.parse, but integers beyond 2^53 are bigints. Numbers with a fraction or an exponent stay doubles: Go's decoder
 * takes none for an integer. Throws what JSON.parse does; depth costs no stack of ours.
 */
export function parseExact(text: string): unknown {
  const value: unknown = JSON.parse(text)
  let inString = false
  const quoted = text.replace(TOKEN, (token) => {
    if (token === '"') inString = !inString
    return !inString && INTEGER.test(token) ? `"${token}"` : token
  })
  if (quoted === text) return value
  // Both are alike but for those literals: a string in the place of a number is one of them.
  const root = [value]
  const pairs: [object, object][] = [[root, [JSON.parse(quoted)]]]
  for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
    const [to, from] = pair as [Record<string, unknown>, Record<string, unknown>]
    for (const key of Object.keys(to)) {
      const [found, other] = [to[key], from[key]]
      if (typeof found === 'object' && found !== null) pairs.push([found, other as object])
      else if (typeof found === 'number' && typeof other === 'string' && !Number.isSafeInteger(found))
        to[key] = BigInt(other)
    }
  }
  return root[0]
}

/**
 * For a file of our own: as JSON.stringify; bigints are numbers, of which a space before the document tells. Throws
 * 'config-invalid' for what is nested deeper than the stack allows, `name`.
 */
export function encodeJson(value: unknown, name: string): string {
  try {
    try {
      return JSON.stringify(value)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      return ` ${encodeExact(value)}`
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RuntimeError('config-invalid', `${name} is nested too deeply`, [], { cause: error })
  }
}

/** What {@link encodeJson} has written. */
export function decodeJson(text: string): unknown {
  return text.startsWith(' ') ? parseExact(text) : JSON.parse(text)
}

/** As JSON.stringify, with bigints as numbers with all their digits. */
export function encodeExact(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map(encodeExact).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${encodeExact(member)}`).join(',')}}`
}
