/**
 * Encoded programs of an `exec` with holes for what differs from one to the next: the command, the environment and the
 * working directory. What goes in is placed after the rest of the data, and the records are told where.
 */
import { OPS, WIRE } from './ops.ts'

/** What fills the holes. */
export interface Filling {
  readonly cwd: string
  /** Paths at which the executable may be. */
  readonly candidates: readonly string[]
  readonly args: readonly string[]
  readonly env: readonly string[]
}

/** Offsets, in bytes, of the records that have a hole. */
export interface Holes {
  readonly cwd: readonly number[]
  readonly candidates: readonly number[]
  readonly command: readonly number[]
}

/** Indices of words: of struct plan_head, and of a record's arguments, which have two words each. */
const LENGTH = 2
const STAGE_AT = 3
const SLOTS_AT = 7
const SLOTS = 8
const DATA_AT = 9
const DATA_LENGTH = 10
const ARGS = 4

/**
 * Makes a form of encoded programs: nothing of the command and the environment, which may hold secrets, stays in it.
 * The working directory may be the text of another record, too, and stays.
 */
export function emptyForm(bytes: Uint8Array): Holes {
  const words = wordsOf(bytes)
  const holes: { [K in keyof Holes]: number[] } = { cwd: [], candidates: [], command: [] }
  const dataAt = words[DATA_AT] as number
  const clear = (place: number, length: number) => bytes.fill(0, dataAt + place, dataAt + place + length)
  for (let at = words[STAGE_AT] as number; at < (words[SLOTS_AT] as number); at += WIRE.recordSize) {
    const word = at / 4
    const code = (words[word] as number) & 0xffff
    const [place, length] = [words[word + ARGS] as number, words[word + ARGS + 2] as number]
    if (code === OPS.chdir) {
      holes.cwd.push(at)
      words[word + ARGS] = 0
    } else if (code === OPS.find || code === OPS.ready) {
      holes[code === OPS.find ? 'candidates' : 'command'].push(at)
      clear(place, length)
    }
  }
  return holes
}

/** Fills the holes, and tells the records their fds. Undefined if the form is not for these fds or strings. */
export function fillForm(
  form: Uint8Array,
  holes: Holes,
  fds: ReadonlyMap<number, number>,
  { cwd, candidates, args, env }: Filling,
): Uint8Array | undefined {
  const command = [...args, ...env]
  const texts = [listOf([cwd]), listOf(candidates), listOf(command)] as const
  // SAFETY: to the executor a NUL ends a string: what comes after it would be the next argument or variable.
  if ([cwd, ...candidates, ...command].some((text) => text.includes('\0'))) return undefined
  const size = texts.reduce((sum, text) => sum + text.length, 0)
  // Eight bytes more: the last one is NUL, no string runs past the end.
  const bytes = new Uint8Array((form.length + size + 15) & ~7)
  bytes.set(form)
  const words = wordsOf(bytes)
  const dataAt = words[DATA_AT] as number
  let at = form.length
  const [cwdText, candidatesText, commandText] = texts
  const place = (text: Uint8Array, records: readonly number[], count?: number) => {
    bytes.set(text, at)
    for (const record of records) {
      const word = record / 4 + ARGS
      words[word] = at - dataAt
      if (text !== cwdText) words[word + 2] = text.length
      if (count !== undefined) words[word + 4] = count
    }
    at += text.length
  }
  place(cwdText, holes.cwd)
  place(candidatesText, holes.candidates)
  place(commandText, holes.command, args.length)
  words[LENGTH] = bytes.length
  words[DATA_LENGTH] = bytes.length - dataAt
  return setSlots(words, fds) ? bytes : undefined
}

function setSlots(words: Uint32Array, fds: ReadonlyMap<number, number>): boolean {
  let at = (words[SLOTS_AT] as number) / 4
  if (words[SLOTS] !== fds.size) return false
  for (const [slot, fd] of fds) {
    if (words[at++] !== slot) return false
    words[at++] = fd
  }
  return true
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
}

/** Strings one after the other, each with its NUL. */
function listOf(texts: readonly string[]): Buffer {
  return Buffer.from(`${texts.join('\0')}\0`)
}
