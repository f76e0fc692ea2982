/**
 * A strict JSON scanner for places: where the text breaks the grammar and where a JSON pointer's value stands.
 * Iterative, so that depth costs no stack. Off the hot path: JSON.parse does the parsing.
 */

/** A token's meaning to the walk; `offset` is where it starts. */
export type ScanEvent =
  | { readonly kind: 'key'; readonly offset: number; readonly text: string }
  | { readonly kind: 'value'; readonly offset: number }
  | { readonly kind: 'end'; readonly offset: number }

/** Thrown by {@link scanJson}: the first place that is not JSON. */
export class JsonPlaceError extends Error {
  readonly offset: number
  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these inside a string.
const STRING_PART = /[^"\\\u0000-\u001f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const WORD = /true|false|null/y
const SPACE = /[ \t\n\r]*/y

/** Walks one JSON document; `value` starts every value (a container's `end` closes it), `key` precedes its value. */
export function* scanJson(text: string): Generator<ScanEvent> {
  const open: ('{' | '[')[] = []
  let at = skipSpace(text, 0)
  let expect: 'value' | 'first-key' | 'key' | 'first-value' | 'comma' = 'value'
  for (;;) {
    const char = text[at]
    const inside = open.at(-1)
    const closes = char === (inside === '{' ? '}' : inside === '[' ? ']' : undefined)
    if (char !== undefined && closes && (expect === 'comma' || expect === 'first-key' || expect === 'first-value')) {
      yield { kind: 'end', offset: at }
      open.pop()
      at++
      expect = 'comma'
    } else if (expect === 'comma') {
      if (char !== ',') fail(text, at, inside === '{' ? '"," or "}"' : '"," or "]"')
      at++
      expect = inside === '{' ? 'key' : 'value'
    } else if (expect === 'key' || expect === 'first-key') {
      if (char !== '"') fail(text, at, 'a key in double quotes')
      const end = stringEnd(text, at)
      yield { kind: 'key', offset: at, text: JSON.parse(text.slice(at, end)) }
      at = skipSpace(text, end)
      if (text[at] !== ':') fail(text, at, '":"')
      at++
      expect = 'value'
    } else {
      yield { kind: 'value', offset: at }
      if (char === '{' || char === '[') {
        open.push(char)
        at++
        expect = char === '{' ? 'first-key' : 'first-value'
      } else {
        at = scalarEnd(text, at)
        expect = 'comma'
      }
    }
    at = skipSpace(text, at)
    if (open.length === 0 && expect === 'comma') {
      if (at < text.length) fail(text, at, 'nothing after the document')
      return
    }
  }
}

function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : -1
}

function skipSpace(text: string, at: number): number {
  return matchEnd(SPACE, text, at)
}

function scalarEnd(text: string, at: number): number {
  if (text[at] === '"') return stringEnd(text, at)
  const end = Math.max(matchEnd(WORD, text, at), matchEnd(NUMBER, text, at))
  if (end < 0) fail(text, at, 'a value')
  return end
}

function stringEnd(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    if (text[at] === '"') return at + 1
    const end = matchEnd(STRING_PART, text, at)
    if (end < 0) {
      if (at >= text.length) throw new JsonPlaceError(start, 'string is not closed')
      throw new JsonPlaceError(at, text[at] === '\\' ? 'bad escape in string' : 'control character in string')
    }
    at = end
  }
}

function fail(text: string, at: number, expected: string): never {
  const char = text.codePointAt(at)
  if (char === undefined) throw new JsonPlaceError(at, `unexpected end of text, expected ${expected}`)
  throw new JsonPlaceError(at, `unexpected ${JSON.stringify(String.fromCodePoint(char))}, expected ${expected}`)
}

/** A 1-based place; columns count UTF-16 units, as editors do. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The place of an offset. */
export function placeOf(text: string, offset: number): Place {
  let line = 1
  let start = 0
  for (let end = text.indexOf('\n'); end >= 0 && end < offset; end = text.indexOf('\n', start)) {
    line++
    start = end + 1
  }
  return { line, column: offset - start + 1 }
}

/** `line 3, column 17: unexpected "}", expected …` for a text that JSON.parse refused. */
export function describeSyntaxError(text: string): string {
  const error = syntaxError(text)
  // The grammar is fine: the engine ran out of stack or memory.
  if (error === undefined) return 'nested too deeply or too large'
  return `line ${error.line}, column ${error.column}: ${error.message}`
}

/** Where and how a text breaks the grammar; undefined: it does not. */
export function syntaxError(text: string): (Place & { readonly message: string }) | undefined {
  try {
    for (const _ of scanJson(text));
  } catch (error) {
    if (!(error instanceof JsonPlaceError)) throw error
    return { ...placeOf(text, error.offset), message: error.message }
  }
  return undefined
}
