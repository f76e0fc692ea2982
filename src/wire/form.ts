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
  // A UTF-16 unit is at most three bytes.
  let most = form.length + cwd.length * 3 + 32
  for (const list of [candidates, args, env]) for (const text of list) most += text.length * 3 + 1
  const bytes = Buffer.alloc(most)
  bytes.set(form)
  for (const offset of holes.mark) bytes.write(mark, offset, 'latin1')
  const words = wordsOf(bytes)
  const dataAt = words[DATA_AT] as number
  let at = form.length
  // SAFETY: to the executor a NUL ends a string: what comes after it would be the next argument or variable.
  let whole = true
  const put = (text: string) => {
    whole &&= !text.includes('\0')
    at += bytes.write(text, at) + 1
  }
  const cwdAt = at
  put(cwd)
  for (const record of holes.cwd) words[record / 4 + ARGS] = cwdAt - dataAt
  const candidatesAt = at
  for (const text of candidates) put(text)
  setList(words, holes.candidates, candidatesAt - dataAt, at - candidatesAt)
  const commandAt = at
  for (const text of args) put(text)
  for (const text of env) put(text)
  setList(words, holes.command, commandAt - dataAt, at - commandAt)
  for (const record of holes.command) words[record / 4 + ARGS + 4] = args.length
  // The last byte is NUL: no string runs past the end.
  const length = (at + 8) & ~7
  words[LENGTH] = length
  words[DATA_LENGTH] = length - dataAt
  return whole && setSlots(words, fds) ? bytes.subarray(0, length) : undefined
}

/** Tells records where their list is, and how long. */
function setList(words: Uint32Array, records: readonly number[], place: number, length: number): void {
  for (const record of records) {
    words[record / 4 + ARGS] = place
    words[record / 4 + ARGS + 2] = length
  }
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
