/** Properties of systemd units, and the text that annotations write their values in (GVariant's, in part). Pure. */

/** A D-Bus value with its type: one of the basic types, an array of one, or an array of pairs of strings. */
export type UnitValue =
  | { readonly type: 's'; readonly value: string }
  | { readonly type: 'o'; readonly value: string }
  | { readonly type: 'b'; readonly value: boolean }
  | { readonly type: 'y' | 'n' | 'q' | 'i' | 'u' | 'x' | 't'; readonly value: bigint }
  | { readonly type: 'd'; readonly value: number }
  | { readonly type: 'a'; readonly of: string; readonly value: readonly UnitValue[] }

export interface UnitProperty {
  readonly name: string
  readonly value: UnitValue
  /** JSON pointer to what asked for it; absent for what every container has. */
  readonly config?: string
  /** Left out where systemd does not know it: then the cgroup file alone has the value. */
  readonly optional?: true
}

export const text = (value: string): UnitValue => ({ type: 's', value })
export const flag = (value: boolean): UnitValue => ({ type: 'b', value })
export const u64 = (value: bigint): UnitValue => ({ type: 't', value: BigInt.asUintN(64, value) })
export const list = (of: string, value: readonly UnitValue[]): UnitValue => ({ type: 'a', of, value })

/** What systemd calls infinity. */
export const INFINITE = u64(-1n)

const RANGES = {
  y: [0n, 255n],
  n: [-(2n ** 15n), 2n ** 15n - 1n],
  q: [0n, 2n ** 16n - 1n],
  i: [-(2n ** 31n), 2n ** 31n - 1n],
  u: [0n, 2n ** 32n - 1n],
  x: [-(2n ** 63n), 2n ** 63n - 1n],
  t: [0n, 2n ** 64n - 1n],
} as const

const KEYWORDS: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
}

/** One token: a string in quotes, punctuation, or a word. */
const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([[\],()<>{}:])|([^\s[\],()<>{}:"']+))/y

function tokens(source: string): string[] {
  const found: string[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < source.trimEnd().length) {
    const match = TOKEN.exec(source)
    if (!match) throw new Error(`cannot read ${JSON.stringify(source)}`)
    found.push((match[1] ?? match[2] ?? match[3]) as string)
  }
  return found
}

/**
 * Reads a value: true, 5, 1.5, 'text', [1, 2], with a type before it (uint64 5, @t 5) where it is not to be guessed: a
 * whole number is an int32. Tuples and dictionaries are not known. Throws an Error that says what is wrong.
 */
export function parseUnitValue(source: string): UnitValue {
  const rest = tokens(source)
  const value = parse(rest, undefined)
  if (rest.length > 0) throw new Error(`unexpected "${rest[0]}"`)
  return value
}

function parse(rest: string[], wanted: string | undefined): UnitValue {
  const token = rest.shift()
  if (token === undefined) throw new Error('a value is missing')
  const named = token.startsWith('@') ? token.slice(1) : KEYWORDS[token]
  if (named !== undefined) {
    if (wanted !== undefined && named !== wanted) throw new Error(`type "${named}" where "${wanted}" is expected`)
    return parse(rest, named)
  }
  if (token === '[') return parseList(rest, wanted)
  return parseBasic(token, wanted)
}

function parseList(rest: string[], wanted: string | undefined): UnitValue {
  if (wanted !== undefined && !wanted.startsWith('a')) throw new Error(`a list where "${wanted}" is expected`)
  const values: UnitValue[] = []
  let of = wanted?.slice(1)
  while (rest[0] !== ']') {
    if (values.length > 0 && rest.shift() !== ',') throw new Error('"," or "]" is missing')
    const value = parse(rest, of)
    of ??= signature(value)
    values.push(value)
  }
  rest.shift()
  if (of === undefined) throw new Error('an empty list needs a type')
  if (of.length !== 1 || !'bynqiuxtdso'.includes(of)) throw new Error(`lists of "${of}" are not supported`)
  return list(of, values)
}

function parseBasic(token: string, wanted: string | undefined): UnitValue {
  const quoted = /^["']/.test(token)
  const type = wanted ?? (quoted ? 's' : guess(token))
  if (type === 's' || type === 'o') {
    if (!quoted) throw new Error(`"${token}" is no string`)
    // It would end the text on its way to systemd.
    if (token.includes('\0')) throw new Error('a string cannot have a NUL in it')
    return { type, value: unquoted(token) }
  }
  if (quoted) throw new Error(`${token} is no value of type "${type}"`)
  if (type === 'b') {
    if (token !== 'true' && token !== 'false') throw new Error(`"${token}" is no boolean`)
    return flag(token === 'true')
  }
  if (type === 'd') {
    if (!Number.isFinite(Number(token))) throw new Error(`"${token}" is no number`)
    return { type, value: Number(token) }
  }
  return whole(token, type)
}

function whole(token: string, type: string): UnitValue {
  const range = RANGES[type as keyof typeof RANGES]
  if (range === undefined) throw new Error(`type "${type}" is not supported`)
  if (!/^[-+]?(0x[0-9a-fA-F]+|[0-9]+)$/.test(token)) throw new Error(`"${token}" is no whole number`)
  const digits = BigInt(token.replace(/^[-+]/, ''))
  const value = token.startsWith('-') ? -digits : digits
  if (value < range[0] || value > range[1]) throw new Error(`${token} is out of range of type "${type}"`)
  return { type: type as keyof typeof RANGES, value }
}

function guess(token: string): string {
  if (token === 'true' || token === 'false') return 'b'
  return /^[-+]?(0x[0-9a-fA-F]+|[0-9]+)$/.test(token) ? 'i' : 'd'
}

function unquoted(token: string): string {
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }
  return token.slice(1, -1).replace(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? letter)
}

/** For people: what systemd shows, near enough. */
export function printUnitValue(value: UnitValue): string {
  if (value.type === 'a') return `[${value.value.map(printUnitValue).join(', ')}]`
  if (typeof value.value === 'string') return JSON.stringify(value.value)
  return value.type === 't' && value.value === INFINITE.value ? 'infinity' : String(value.value)
}

/** "s", "at". */
export function signature(value: UnitValue): string {
  return value.type === 'a' ? `a${value.of}` : value.type
}
