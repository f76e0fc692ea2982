/**
 * Lowers the steps of a plan to records: the only place that knows which system calls a step is. The table has an
 * entry for every kind of step, so a new kind does not compile until it is here.
 */
import { CAPABILITY_NAMES } from '../kernel/capabilities.ts'
import { errnoNumber } from '../kernel/errno.ts'
import type { SyscallName } from '../kernel/syscalls.ts'
import type { ChildStep, Dir, Slot } from '../plan/step.ts'
import type { OpName } from './ops.ts'

/** An argument before it is placed: a number, an fd slot, a string, bytes (with or without their length after them). */
export type WireArg =
  | number
  | bigint
  | { readonly slot: Slot }
  | { readonly text: string }
  | { readonly struct: Uint8Array }
  | { readonly bytes: Uint8Array } // takes two arguments: place and length

/** A record before encoding. */
export interface WireRecord {
  readonly op: OpName
  readonly args: readonly WireArg[]
  readonly call?: SyscallName
  readonly out?: Slot | undefined
  readonly tolerate?: readonly string[]
  /** Records to skip inside the same step; jumps between steps are added by the encoder. */
  readonly skip?: number
}

export type Arch = 'x64' | 'arm64'
export type StepOf<K extends ChildStep['kind']> = Extract<ChildStep, { kind: K }>
export type Lowering<K extends ChildStep['kind']> = (step: StepOf<K>, arch: Arch) => readonly WireRecord[]

/** A directory argument. */
export function dirArg(dir: Dir): WireArg {
  return dir === 'cwd' ? -100 : { slot: dir }
}

export const text = (value: string): WireArg => ({ text: value })
export const bytesOf = (value: string): Uint8Array => Buffer.from(value)

/** One system call as the whole step. */
export function callRecord(call: SyscallName, ...args: readonly WireArg[]): WireRecord {
  return { op: 'call', call, args }
}

/** Little-endian structures. */
export function struct(size: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size)
  fill(new DataView(bytes.buffer))
  return bytes
}

/** NUL-terminated strings one after the other. */
export function packStrings(strings: readonly string[]): Uint8Array {
  return Buffer.from(strings.map((string) => `${string}\0`).join(''))
}

/** A set of capabilities as bits. */
export function capabilityBits(names: readonly string[]): bigint {
  return names.reduce((bits, name) => bits | (1n << BigInt(CAPABILITY_NAMES.indexOf(name as never))), 0n)
}

/** errno numbers of names; the executor has room for four. */
export function tolerated(names: readonly string[] = []): number[] {
  if (names.length > 4) throw new Error(`bug: a record tolerates four errors at most, not ${names.join(',')}`)
  return names.map(errnoNumber)
}
