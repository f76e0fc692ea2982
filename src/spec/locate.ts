/** Where in config.json's text the value of a JSON pointer stands. */
import { parsePointer } from '../base/pointer.ts'
import { JsonPlaceError, type Place, placeOf, scanJson } from './scan.ts'

/**
 * Line and column of the value at `pointer` (of the last one among duplicate keys, the one that counts);
 * undefined when the text has no such value or is no JSON up to there.
 */
export function locate(text: string, pointer: string): Place | undefined {
  const wanted = parsePointer(pointer)
  let found: number | undefined
  try {
    for (const { offset, path } of values(text)) {
      if (path.length === wanted.length && path.every((token, index) => token === wanted[index])) found = offset
    }
  } catch (error) {
    if (!(error instanceof JsonPlaceError)) throw error
  }
  return found === undefined ? undefined : placeOf(text, found)
}

/** Every value's offset and path; the path array is reused from one value to the next. */
function* values(text: string): Generator<{ offset: number; path: readonly string[] }> {
  const path: string[] = []
  // One entry per open container: the next index of an array, undefined for an object.
  const open: (number | undefined)[] = []
  for (const event of scanJson(text)) {
    if (event.kind === 'key') {
      path.length = open.length - 1
      path.push(event.text)
    } else if (event.kind === 'end') {
      open.pop()
      path.length = Math.max(0, open.length - 1)
    } else {
      const index = open.at(-1)
      if (index !== undefined) {
        path.length = open.length - 1
        path.push(String(index))
        open[open.length - 1] = index + 1
      }
      yield { offset: event.offset, path }
      const char = text[event.offset]
      if (char === '[') open.push(0)
      if (char === '{') open.push(undefined)
    }
  }
}
