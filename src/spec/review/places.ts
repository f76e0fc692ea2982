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

/** Walks the text; one that is no JSON is known up to where it breaks. */
export function findPlaces(text: string): Places {
  const { offsets, repeated } = walk(text)
  const starts = lineStarts(text)
  const of = (pointer: string): Place => {
    let place = pointer
    while (place !== '' && !offsets.has(place)) place = place.slice(0, place.lastIndexOf('/'))
    const offset = offsets.get(place) ?? 0
    const line = lineOf(starts, offset)
    return { line, column: offset - (starts[line - 1] as number) + 1 }
  }
  return { of, repeated }
}

/** An open object or array: where it stands, and its next index or last key. */
interface Open {
  readonly pointer: string
  next: number | string
}

function walk(text: string): { offsets: Map<string, number>; repeated: string[] } {
  const offsets = new Map<string, number>()
  const repeated = new Set<string>()
  const open: Open[] = []
  try {
    for (const event of scanJson(text)) {
      const inside = open.at(-1)
      if (event.kind === 'end') open.pop()
      else if (event.kind === 'key') (inside as Open).next = escapeToken(event.text)
      else {
        const char = text[event.offset]
        const deep = open.length > DEPTH
        const pointer = deep ? '' : inside ? `${inside.pointer}/${inside.next}` : ''
        if (typeof inside?.next === 'number') inside.next++
        if (!deep) note(offsets, pointer, event.offset, repeated)
        if (char === '[') open.push({ pointer, next: 0 })
        if (char === '{') open.push({ pointer, next: '' })
      }
    }
  } catch (error) {
    if (!(error instanceof JsonPlaceError)) throw error
  }
  return { offsets, repeated: [...repeated] }
}

function note(offsets: Map<string, number>, pointer: string, offset: number, repeated: Set<string>): void {
  if (offsets.has(pointer)) {
    repeated.add(pointer)
    // What was inside an earlier member of the same name is not in the document.
    for (const place of offsets.keys()) if (place.startsWith(`${pointer}/`)) offsets.delete(place)
  }
  offsets.set(pointer, offset)
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
