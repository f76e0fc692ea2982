/**
 * Writes records into words as they are lowered, one argument after the other. No object is made for a record, and no
 * method calls another where it can be helped: this runs cold at every start of a container, where that is what costs.
 */
import { RuntimeError } from '../base/errors.ts'
import { errnoNumber } from '../kernel/errno.ts'
import { type SyscallName, syscallNumber } from '../kernel/syscalls.ts'
import type { Dir, Slot } from '../plan/step.ts'
import { DataArea } from './data.ts'
import { ARG, OPS, type OpName, WIRE } from './ops.ts'

export type Arch = 'x64' | 'arm64'

const WORDS = WIRE.recordSize / 4
const NO_OUT = WIRE.noSlot << 16
const SLOTS = WIRE.slots

/** Field offsets of struct record, in words. */
const SKIP_NR = 1
const TOLERATE = 2
const TYPES_FLAGS = 3
const ARGS = 4

/** Types of arguments, as constants: what the engine need not look up. */
const SLOT = ARG.slot
const STR = ARG.str
const BUF = ARG.buf

export class Emitter {
  readonly arch: Arch
  readonly data = new DataArea()
  words = new Uint32Array(WORDS * 512)
  count = 0
  /** Where the record begins, where its word of types is, and where its next argument goes. */
  private at = 0
  private types = TYPES_FLAGS
  private next = 0
  /** What was tolerated last, and what that is packed. */
  private tolerated: readonly string[] = []
  private errors = 0

  constructor(arch: Arch) {
    this.arch = arch
  }

  /** Begins a record; what follows belongs to it. */
  op(name: OpName): this {
    return this.begin(OPS[name])
  }

  /** Begins a record that is one system call. */
  call(name: SyscallName): this {
    this.begin(OPS.call)
    this.words[this.at + SKIP_NR] = syscallNumber(name, this.arch) << 16
    return this
  }

  /** One more string for the list of the last record, its argument number `argument`; false where something came after it. */
  lengthen(argument: number, value: string): boolean {
    const at = this.at + ARGS + 2 * argument
    const { words } = this
    const length = this.data.lengthen(words[at] as number, words[at + 2] as number, value)
    if (length > 0) words[at + 2] = length
    return length > 0
  }

  /** The length of a list that is an argument of this record, as it is now. */
  lengthOf(argument: number): this {
    return this.imm(this.words[this.at + ARGS + 2 * argument + 2] as number)
  }

  private begin(code: number): this {
    const at = this.room()
    this.words[at] = code | NO_OUT
    this.at = at
    this.types = at + TYPES_FLAGS
    this.next = at + ARGS
    return this
  }

  /** Where the next record goes, which counts from here on. */
  private room(): number {
    this.end()
    const at = this.count * WORDS
    if (at === this.words.length) {
      const words = new Uint32Array(at * 2)
      words.set(this.words)
      this.words = words
    }
    if (++this.count > WIRE.maxRecords)
      throw new RuntimeError('unsupported', `more than ${WIRE.maxRecords} steps: too many mounts, devices or paths`)
    return at
  }

  /** No more arguments are coming for the last record; there must have been room for them. */
  end(): void {
    if (this.next > this.count * WORDS) throw new Error('bug: a record has too many arguments')
  }

  /** Slot for the resulting fd. */
  out(slot: Slot | undefined): this {
    if (slot === undefined) return this
    if (!(slot >= 0 && slot < SLOTS)) throw beyond(slot)
    const { at, words } = this
    words[at] = ((words[at] as number) & 0xffff) | (slot << 16)
    return this
  }

  /** A number; negative ones are sign-extended to 64 bits. */
  imm(value: number): this {
    const { next, words } = this
    words[next] = value
    // What is above stays 0.
    if (value < 0) words[next + 1] = 0xffffffff
    else if (value > 0xffffffff) words[next + 1] = Math.floor(value / 0x100000000)
    this.next = next + 2
    return this
  }

  /** A number in two halves. */
  wide(high: number, low: number): this {
    const { next, words } = this
    words[next] = low
    words[next + 1] = high
    this.next = next + 2
    return this
  }

  /** The fd in a slot. */
  slot(slot: Slot): this {
    if (!(slot >= 0 && slot < SLOTS)) throw beyond(slot)
    const { next, types, words } = this
    words[next] = slot
    // Two bits for each argument, which has two words.
    words[types] = (words[types] as number) | (SLOT << (next - types - 1))
    this.next = next + 2
    return this
  }

  /** A directory fd, or AT_FDCWD. */
  dir(dir: Dir): this {
    return dir === 'cwd' ? this.imm(-100) : this.slot(dir)
  }

  /** A NUL-terminated string. */
  text(value: string): this {
    const { next, types, words } = this
    if (value !== '') words[next] = this.data.text(value)
    words[types] = (words[types] as number) | (STR << (next - types - 1))
    this.next = next + 2
    return this
  }

  /** A structure of 32-bit words, by its place; negative ones and those beyond 2^32 are cut to their low half. */
  struct(...values: readonly number[]): this {
    const { next, types, words } = this
    words[next] = this.data.struct(values)
    words[types] = (words[types] as number) | (STR << (next - types - 1))
    this.next = next + 2
    return this
  }

  /** Bytes by their place, without a length. */
  raw(value: Uint8Array): this {
    const { next, types, words } = this
    words[next] = this.data.raw(value)
    words[types] = (words[types] as number) | (STR << (next - types - 1))
    this.next = next + 2
    return this
  }

  /** Bytes: two arguments, place and length. */
  bytes(value: Uint8Array): this {
    return this.span(this.data.raw(value), value.length)
  }

  /** NUL-terminated strings one after the other: two arguments, place and length. */
  list(values: readonly string[]): this {
    const { place, length } = this.data.list(values)
    return this.span(place, length)
  }

  /** A string as bytes, without its NUL: two arguments. */
  plain(value: string): this {
    const { place, length } = this.data.list([value])
    return this.span(place, length - 1)
  }

  private span(place: number, length: number): this {
    const { next, types, words } = this
    words[next] = place
    words[next + 2] = length
    words[types] = (words[types] as number) | (BUF << (next - types - 1))
    this.next = next + 4
    return this
  }

  /** What the record tolerates, and how many records are skipped then. */
  tolerate(names: readonly string[], skip = 0): this {
    this.patch(this.count - 1, names, skip, false)
    return this
  }

  /** Names of errors as the executor has them. Many steps after each other tolerate the same, from the same list. */
  private packed(names: readonly string[]): number {
    if (names === this.tolerated) return this.errors
    if (names.length > WIRE.maxTolerate)
      throw new Error(`bug: a record tolerates ${WIRE.maxTolerate} errors at most, not ${names.join(',')}`)
    let packed = 0
    for (let i = 0; i < names.length; i++) packed |= errnoNumber(names[i] as string) << (8 * i)
    this.tolerated = names
    this.errors = packed
    return packed
  }

  /** Sets what a step asks of one of its records. A record that tolerates something by itself keeps its own. */
  patch(record: number, names: readonly string[] | undefined, skip: number, ifOpen: boolean): void {
    const at = record * WORDS
    if (ifOpen) this.words[at + TYPES_FLAGS] = (this.words[at + TYPES_FLAGS] as number) | (1 << 16)
    if (this.words[at + TOLERATE] !== 0) return
    if (names) this.words[at + TOLERATE] = this.packed(names)
    this.words[at + SKIP_NR] = ((this.words[at + SKIP_NR] as number) & 0xffff0000) | skip
  }
}

function beyond(slot: Slot): Error {
  return new Error(`bug: slot ${slot} is beyond the executor's ${SLOTS}`)
}
