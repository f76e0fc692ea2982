/**
 * Encoded programs of an `exec` with holes for what differs from one to the next: the command, the environment and the
 * working directory. What goes in is placed after the rest of the data, and the records are told where.
 */
import type { Command } from '../plan/command.ts'
import { OPS, WIRE } from './ops.ts'

/** What fills the holes. */
export interface Filling extends Command {
  /** The name of the process until it executes; all are of one length. */
  readonly mark: string
}

/** Offsets in bytes: of the records that have a hole, and of marks. */
export interface Holes {
  readonly cwd: readonly number[]
  readonly candidates: readonly number[]
  readonly command: readonly number[]
  readonly mark: readonly number[]
}

/** Indices of words: of struct plan_head, and of a record's arguments, which have two words each. */
const LENGTH = 2
const STAGE_AT = 3
const INIT_AT = 5
const INITS = 6
const SLOTS_AT = 7
const SLOTS = 8
const DATA_AT = 9
const DATA_LENGTH = 10
const ARGS = 4

/**
 * Makes a form of encoded programs: nothing of the command and the environment, which may hold secrets, stays in it.
 * The working directory may be the text of another record, too, and stays.
 */
export function emptyForm(bytes: Uint8Array, mark: string): Holes {
  const words = wordsOf(bytes)
  const holes: { [K in keyof Holes]: number[] } = { cwd: [], candidates: [], command: [], mark: [] }
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
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = text.indexOf(mark, dataAt); mark !== '' && at >= 0; at = text.indexOf(mark, at + 1)) holes.mark.push(at)
  return holes
}

/** Fills the holes, and tells the records their fds. Undefined if the form is not for these fds or strings. */
export function fillForm(
  form: Uint8Array,
  holes: Holes,
  fds: ReadonlyMap<number, number>,
  { cwd, candidates, args, env, mark }: Filling,
): Uint8Array | undefined {
  const command = [...args, ...env]
  const texts = [listOf([cwd]), listOf(candidates), listOf(command)] as const
  // SAFETY: to the executor a NUL ends a string: what comes after it would be the next argument or variable.
  if ([cwd, ...candidates, ...command].some((text) => text.includes('\0'))) return undefined
  const size = texts.reduce((sum, text) => sum + text.length, 0)
  // Eight bytes more: the last one is NUL, no string runs past the end.
  const bytes = new Uint8Array((form.length + size + 15) & ~7)
  bytes.set(form)
  for (const offset of holes.mark) for (let i = 0; i < mark.length; i++) bytes[offset + i] = mark.charCodeAt(i)
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

/**
 * For the records of init that are of the command, which of its steps they are of: 0 chdir, 1 find, 2 exec; as
 * encodePlan tells it of all records.
 */
export function commandRecords(form: Uint8Array, holes: Holes): number[] {
  const words = wordsOf(form)
  const steps: number[] = []
  const first = (words[INIT_AT] as number) / WIRE.recordSize
  const record = (offset: number) => offset / WIRE.recordSize - first
  for (const offset of holes.cwd) steps[record(offset)] = 0
  for (const offset of holes.candidates) steps[record(offset)] = 1
  // Its filter, if it has one, and exec itself come after what lays its arguments out.
  for (const offset of holes.command) for (let at = record(offset); at < (words[INITS] as number); at++) steps[at] = 2
  return steps
}
