/** Changes of inputs: of JSON values by their structure, of texts by their signs. */
import { type Json, ODD_VALUES, places, withPlace } from '../unit/spec/configs.ts'
import type { Random } from './random.ts'

/** A JSON value with a few places changed: replaced by something odd, by another part of it, taken out, doubled. */
export function mutateJson(value: Json, random: Random, odd: readonly Json[] = ODD_VALUES): Json {
  let mutant = value
  for (let n = 1 + random.below(4); n > 0; n--) mutant = mutateOnce(mutant, random, odd)
  return mutant
}

function mutateOnce(value: Json, random: Random, odd: readonly Json[]): Json {
  const all = places(value).filter((path) => path.length > 0)
  if (all.length === 0) return random.pick(odd)
  const path = random.pick(all)
  const at = (place: readonly string[]) => place.reduce((inner: Json, token) => inner[token], value)
  switch (random.below(5)) {
    case 0:
      return withPlace(value, path, structuredClone(at(random.pick(all))))
    case 1:
      return withPlace(value, path, undefined)
    case 2: {
      const inner = at(path)
      if (typeof inner !== 'string') return withPlace(value, path, [structuredClone(inner), structuredClone(inner)])
      return withPlace(value, path, mutateText(inner, random))
    }
    case 3: {
      const around = at(path.slice(0, -1))
      if (Array.isArray(around)) around.push(structuredClone(random.pick(around)))
      else around[random.pick(['', '__proto__', 'constructor', 'toString', 'a\0', 'é', '0', 'x'.repeat(300)])] = 1
      return value
    }
    default:
      return withPlace(value, path, random.pick(odd))
  }
}

const SIGNS = [
  ...[
    '\0',
    '\n',
    '\r',
    '\t',
    '\x1b',
    '\x7f',
    '\u2028',
    'é',
    '\u{1F600}',
    '\ud800',
    '\ufeff',
    ' ',
    '"',
    "'",
    '\\',
    '\\u0000',
  ],
  ...['/', '..', '/../', '//', ':', ',', ';', '=', '-', '+', '.', '%', '%n', '$(x)', '*', '[', ']', '{', '}', '#', '@'],
  ...[
    '0',
    '00',
    '-1',
    '1e9',
    '0x10',
    '4294967296',
    '9007199254740993',
    '18446744073709551616',
    '99999999999999999999999',
  ],
  ...['null', 'true', '1e999', '"a":1,', '[[[[', '{"":{"":{"":'],
]

/** A text with a few pieces of it taken out, doubled, moved, or odd ones put in. */
export function mutateText(text: string, random: Random): string {
  let mutant = text
  for (let n = 1 + random.below(4); n > 0; n--) {
    const at = random.below(mutant.length + 1)
    const end = Math.min(mutant.length, at + random.pick([1, 1, 2, 8, 64, 1000]))
    const [before, piece, after] = [mutant.slice(0, at), mutant.slice(at, end), mutant.slice(end)]
    switch (random.below(7)) {
      case 0:
        mutant = before + after
        break
      case 1:
        mutant = before + piece + piece + after
        break
      case 2:
        mutant = before + random.pick(SIGNS).repeat(random.pick([1, 1, 1, 2, 100])) + after
        break
      case 3:
        mutant = before
        break
      case 4:
        mutant = before + String.fromCharCode(random.below(random.pick([128, 256, 65536]))) + after
        break
      case 5:
        mutant = after + before
        break
      default:
        mutant = before + random.pick(SIGNS) + piece + after
    }
    if (mutant.length > 100_000) mutant = mutant.slice(0, 100_000)
  }
  return mutant
}
