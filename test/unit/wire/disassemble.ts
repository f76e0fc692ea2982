/** Reads an encoded plan back, by native/plan.h's description and not by the encoder's code. */
import { allSyscalls } from '../../../src/kernel/syscalls.ts'
import { ARG, OPS, WIRE } from '../../../src/wire/ops.ts'

export interface Header {
  readonly magic: number
  readonly hash: number
  readonly total: number
  readonly stageOff: number
  readonly stageCount: number
  readonly initOff: number
  readonly initCount: number
  readonly slotsOff: number
  readonly slotsCount: number
  readonly dataOff: number
  readonly dataLen: number
  readonly keepFds: number
}

export type Arg =
  | { readonly type: 'imm'; readonly value: bigint }
  | { readonly type: 'slot'; readonly slot: number }
  | { readonly type: 'str'; readonly place: number }
  | { readonly type: 'buf'; readonly bytes: Buffer }

export interface Record {
  readonly op: string
  readonly out: number | undefined
  readonly skip: number
  readonly call: string | undefined
  readonly tolerate: readonly number[]
  readonly ifOpen: boolean
  readonly args: readonly Arg[]
}

export interface Disassembly {
  readonly header: Header
  readonly stage: readonly Record[]
  readonly init: readonly Record[]
  readonly slots: ReadonlyMap<number, number>
  readonly data: Buffer
}

const opName = (number: number) => Object.entries(OPS).find(([, value]) => value === number)?.[0] ?? `op ${number}`

function callName(number: number, arch: 'x64' | 'arm64'): string {
  const which = arch === 'x64' ? 1 : 2
  return allSyscalls().find((row) => row[which] === number)?.[0] ?? `call ${number}`
}

function readArgs(bytes: Buffer, at: number, types: number, data: Buffer): Arg[] {
  const args: Arg[] = []
  for (let i = 0; i < WIRE.maxArgs; i++) {
    const value = bytes.readBigUInt64LE(at + 16 + i * 8)
    const type = (types >> (2 * i)) & 3
    if (type === ARG.imm) args.push({ type: 'imm', value: BigInt.asIntN(64, value) })
    else if (type === ARG.slot) args.push({ type: 'slot', slot: Number(value) })
    else if (type === ARG.str) args.push({ type: 'str', place: Number(value) })
    else {
      const length = Number(bytes.readBigUInt64LE(at + 16 + ++i * 8))
      args.push({ type: 'buf', bytes: data.subarray(Number(value), Number(value) + length) })
    }
  }
  return args
}

export function disassemble(encoded: Uint8Array, arch: 'x64' | 'arm64' = 'x64'): Disassembly {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength)
  const field = (i: number) => bytes.readUInt32LE(i * 4)
  const [magic, hash, total, stageOff, stageCount, initOff, initCount] = [0, 1, 2, 3, 4, 5, 6].map(field) as never[]
  const [slotsOff, slotsCount, dataOff, dataLen, keepFds] = [7, 8, 9, 10, 11].map(field) as never[]
  const header = {
    magic,
    hash,
    total,
    stageOff,
    stageCount,
    initOff,
    initCount,
    slotsOff,
    slotsCount,
    dataOff,
    dataLen,
  }
  const full = { ...header, keepFds } as unknown as Header
  const data = bytes.subarray(full.dataOff, full.dataOff + full.dataLen)
  const record = (at: number): Record => ({
    op: opName(bytes.readUInt16LE(at)),
    out: bytes.readUInt16LE(at + 2) === WIRE.noSlot ? undefined : bytes.readUInt16LE(at + 2),
    skip: bytes.readUInt16LE(at + 4),
    call: bytes.readUInt16LE(at) === OPS.call ? callName(bytes.readUInt16LE(at + 6), arch) : undefined,
    tolerate: [...bytes.subarray(at + 8, at + 12)].filter((errno) => errno !== 0),
    ifOpen: (bytes.readUInt16LE(at + 14) & 1) === 1,
    args: readArgs(bytes, at, bytes.readUInt16LE(at + 12), data),
  })
  const program = (off: number, count: number) =>
    Array.from({ length: count }, (_, i) => record(off + i * WIRE.recordSize))
  const slots = new Map<number, number>()
  for (let i = 0; i < full.slotsCount; i++) {
    slots.set(bytes.readUInt32LE(full.slotsOff + i * 8), bytes.readInt32LE(full.slotsOff + i * 8 + 4))
  }
  return {
    header: full,
    stage: program(full.stageOff, full.stageCount),
    init: program(full.initOff, full.initCount),
    slots,
    data,
  }
}

/** The string at a place of the data. */
export function textAt(data: Buffer, place: number): string {
  return data.toString('utf8', place, data.indexOf(0, place))
}

/** The places in the argument lists of system calls that hold structures, and their sizes. */
const STRUCTS: { readonly [call: string]: readonly (readonly [arg: number, size: number])[] } = {
  openat2: [[2, 24]],
  mount_setattr: [[3, 32]],
  prlimit64: [[2, 16]],
  capset: [
    [0, 8],
    [1, 24],
  ],
  setgroups: [[1, 8]],
  ioctl: [[2, 8]],
  sched_setaffinity: [[2, 16]],
  sched_setattr: [[1, 56]],
  set_mempolicy: [[1, 16]],
}

function printArg(arg: Arg, index: number, record: Record, data: Buffer): string {
  if (arg.type === 'imm') return `${arg.value}`
  if (arg.type === 'slot') return `slot ${arg.slot}`
  if (arg.type === 'buf') return JSON.stringify(arg.bytes.toString('latin1'))
  const size = STRUCTS[record.call ?? '']?.find(([at]) => at === index)?.[1]
  if (size === undefined) return JSON.stringify(textAt(data, arg.place))
  // A set of CPUs has its length before it.
  const given = record.call === 'sched_setaffinity' ? Number(numberOf(record, 1)) : size
  return `<${data.toString('hex', arg.place, arg.place + Math.min(size, given))}>`
}

/** One line for a record: `openat(slot 1, "x", 524288) -> 9 tolerate 2 skip 1`. Zeros at the end are left out. */
export function printRecord(record: Record, data: Buffer): string {
  const args = record.args.map((arg, index) => printArg(arg, index, record, data))
  while (args.at(-1) === '0') args.pop()
  const name = record.call ?? `${record.op}:`
  return [
    `${name}(${args.join(', ')})`,
    ...(record.out === undefined ? [] : [`-> ${record.out}`]),
    ...(record.ifOpen ? ['if open'] : []),
    ...(record.tolerate.length > 0 ? [`tolerate ${record.tolerate.join(',')}`] : []),
    ...(record.skip > 0 ? [`skip ${record.skip}`] : []),
  ].join(' ')
}

function argOf<T extends Arg['type']>(record: Record | undefined, index: number, type: T): Extract<Arg, { type: T }> {
  const arg = record?.args.at(index)
  if (arg?.type !== type) throw new Error(`argument ${index} is no ${type}`)
  return arg as Extract<Arg, { type: T }>
}

/** An immediate argument; negative indices count from the last. */
export function numberOf(record: Record | undefined, index: number): bigint {
  return argOf(record, index, 'imm').value
}

/** The place of a string or structure. */
export function placeOf(record: Record | undefined, index: number): number {
  return argOf(record, index, 'str').place
}

/** The bytes of an argument with a length. */
export function bytesOf(record: Record | undefined, index: number): Buffer {
  return argOf(record, index, 'buf').bytes
}
