/** Where all values of config.json's text stand: one walk for any number of pointers. */
import { escapeToken } from '../../base/pointer.ts'
import { JsonPlaceError, type Place, scanJson } from '../scan.ts'

/** The places of a text. */
export interface Places {
  /** Line and column of the value, or of the nearest one around it that is there. */
  of(pointer: string): Place
  /** Pointers of members that are given more than once; only the last counts. */
  readonly repeated: readonly string[]
}

/** Deeper than any field: what is further down needs no place of its own. */
const DEPTH = 32

/** A value: where it stands, and what is in it, by index or escaped key. */
interface Value {
  readonly offset: number
  inside?: Map<string, Value>
}

/** Walks the text; one that is no JSON is known up to where it breaks. */
export function findPlaces(text: string): Places {
  const { root, repeated } = walk(text)
  const starts = lineStarts(text)
  const of = (pointer: string): Place => {
    let value = root
    for (const token of pointer.split('/').slice(1)) {
      const found = value.inside?.get(token)
      if (!found) break
      value = found
    }
    const line = lineOf(starts, value.offset)
    return { line, column: value.offset - (starts[line - 1] as number) + 1 }
  }
  return { of, repeated }
}

/** An open object or array: what it is, undefined where it is too deep, and its next index or last key. */
interface Open {
  readonly value: Value | undefined
  readonly pointer: string
  next: number | string
}

function walk(text: string): { root: Value; repeated: string[] } {
  let root: Value | undefined
  const repeated = new Set<string>()
  const open: Open[] = []
  try {
    for (const event of scanJson(text)) {
      const inside = open.at(-1)
      if (event.kind === 'end') open.pop()
      else if (event.kind === 'key') (inside as Open).next = escapeToken(event.text)
      else {
        const char = text[event.offset]
        const value = open.length > DEPTH ? undefined : { offset: event.offset }
        const pointer = value && inside ? `${inside.pointer}/${inside.next}` : ''
        root ??= value
        if (value && inside?.value) note(inside.value, String(inside.next), value, () => repeated.add(pointer))
        if (typeof inside?.next === 'number') inside.next++
        if (char === '[') open.push({ value, pointer, next: 0 })
        if (char === '{') open.push({ value, pointer, next: '' })
      }
    }
  } catch (error) {
    if (!(error instanceof JsonPlaceError)) throw error
  }
  return { root: root ?? { offset: 0 }, repeated: [...repeated] }
}

/** What was inside an earlier member of the same name goes with it: that is not in the document. */
function note(around: Value, name: string, value: Value, again: () => void): void {
  around.inside ??= new Map()
  if (around.inside.has(name)) again()
  around.inside.set(name, value)
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1)
  return starts
}

/** 1-based; the last line that starts at or before the offset. */
function lineOf(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((starts[middle] as number) <= offset) low = middle
    else high = middle
  }
  return low + 1
}
