/**
 * Writes records into words as they are lowered, one argument after the other. No object is made for a record: this
 * runs cold at every start of a container, where allocation is what costs.
 */
import { errnoNumber } from '../kernel/errno.ts'
import { type SyscallName, syscallNumber } from '../kernel/syscalls.ts'
import type { Dir, Slot } from '../plan/step.ts'
import { DataArea } from './data.ts'
import { ARG, OPS, type OpName, WIRE } from './ops.ts'

export type Arch = 'x64' | 'arm64'

const WORDS = WIRE.recordSize / 4
const NO_OUT = WIRE.noSlot << 16

/** Field offsets of struct record, in words. */
const OP_OUT = 0
const SKIP_NR = 1
const TOLERATE = 2
const TYPES_FLAGS = 3
const ARGS = 4

export class Emitter {
  readonly arch: Arch
  readonly data = new DataArea()
  words = new Uint32Array(WORDS * 512)
  count = 0
  private at = 0
  private arg = 0

  constructor(arch: Arch) {
    this.arch = arch
  }

  /** Begins a record; what follows belongs to it. */
  op(name: OpName): this {
    this.at = this.count * WORDS
    if (this.at === this.words.length) {
      const words = new Uint32Array(this.words.length * 2)
      words.set(this.words)
      this.words = words
    }
    if (++this.count > WIRE.maxRecords) throw new Error(`bug: more than ${WIRE.maxRecords} records`)
    this.words[this.at + OP_OUT] = (OPS[name] | NO_OUT) >>> 0
    this.arg = 0
    return this
  }

  /** Begins a record that is one system call. */
  call(name: SyscallName): this {
    this.op('call')
    this.words[this.at + SKIP_NR] = syscallNumber(name, this.arch) << 16
    return this
  }

  /** Slot for the resulting fd. */
  out(slot: Slot | undefined): this {
    if (slot === undefined) return this
    checkSlot(slot)
    this.words[this.at + OP_OUT] = (((this.words[this.at + OP_OUT] as number) & 0xffff) | (slot << 16)) >>> 0
    return this
  }

  private put(type: number, low: number, high: number): this {
    if (this.arg === WIRE.maxArgs) throw new Error('bug: a record has too many arguments')
    const place = this.at + ARGS + this.arg * 2
    this.words[place] = low
    this.words[place + 1] = high
    this.words[this.at + TYPES_FLAGS] = (this.words[this.at + TYPES_FLAGS] as number) | (type << (2 * this.arg))
    this.arg++
    return this
  }

  /** A number; negative ones are sign-extended to 64 bits. */
  imm(value: number): this {
    return this.put(ARG.imm, value >>> 0, value < 0 ? 0xffffffff : Math.floor(value / 0x100000000))
  }

  /** A number in two halves. */
  wide(high: number, low: number): this {
    return this.put(ARG.imm, low >>> 0, high >>> 0)
  }

  /** The fd in a slot. */
  slot(slot: Slot): this {
    checkSlot(slot)
    return this.put(ARG.slot, slot, 0)
  }

  /** A directory fd, or AT_FDCWD. */
  dir(dir: Dir): this {
    return dir === 'cwd' ? this.imm(-100) : this.slot(dir)
  }

  /** A NUL-terminated string. */
  text(value: string): this {
    return this.put(ARG.str, this.data.text(value), 0)
  }

  /** A structure, by its place. */
  struct(value: Uint8Array): this {
    return this.put(ARG.str, this.data.raw(value), 0)
  }

  /** Bytes: two arguments, place and length. */
  bytes(value: Uint8Array): this {
    this.put(ARG.buf, this.data.raw(value), 0)
    return this.imm(value.length)
  }

  /** NUL-terminated strings one after the other: two arguments, place and length. */
  list(values: readonly string[]): this {
    const [place, length] = this.data.list(values)
    this.put(ARG.buf, place, 0)
    return this.imm(length)
  }

  /** A string as bytes, without its NUL: two arguments. */
  plain(value: string): this {
    const [place, length] = this.data.list([value])
    this.put(ARG.buf, place, 0)
    return this.imm(length - 1)
  }

  /** What the record tolerates, and how many records are skipped then. */
  tolerate(names: readonly string[], skip = 0): this {
    this.patch(this.count - 1, names, skip, false)
    return this
  }

  /** Sets what a step asks of one of its records. A record that tolerates something by itself keeps its own. */
  patch(record: number, names: readonly string[] | undefined, skip: number, ifOpen: boolean): void {
    const at = record * WORDS
    if (ifOpen) this.words[at + TYPES_FLAGS] = ((this.words[at + TYPES_FLAGS] as number) | (1 << 16)) >>> 0
    if (this.words[at + TOLERATE] !== 0) return
    if (names) {
      if (names.length > WIRE.maxTolerate)
        throw new Error(`bug: a record tolerates ${WIRE.maxTolerate} errors at most, not ${names.join(',')}`)
      let packed = 0
      for (let i = 0; i < names.length; i++) packed |= errnoNumber(names[i] as string) << (8 * i)
      this.words[at + TOLERATE] = packed >>> 0
    }
    this.words[at + SKIP_NR] = (((this.words[at + SKIP_NR] as number) & 0xffff0000) | skip) >>> 0
  }
}

function checkSlot(slot: Slot): void {
  if (!(slot >= 0 && slot < WIRE.slots)) throw new Error(`bug: slot ${slot} is beyond the executor's ${WIRE.slots}`)
}
