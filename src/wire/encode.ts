/** Encodes the child programs of a plan into the buffer that native/plan.h describes. */
import { type SyscallName, syscallNumber } from '../kernel/syscalls.ts'
import type { ChildStep, Plan } from '../plan/step.ts'
import type { Arch, Lowering, WireArg, WireRecord } from './lower.ts'
import { tolerated } from './lower.ts'
import { LOWER_FILE } from './lower_file.ts'
import { LOWER_PROCESS } from './lower_process.ts'
import { ARG, OPS, tableHash, WIRE } from './ops.ts'

const LOWER = { ...LOWER_FILE, ...LOWER_PROCESS } satisfies { [K in ChildStep['kind']]: Lowering<K> }

/** The encoded plan and, for each record of each program, the step it came from. */
export interface Encoded {
  readonly bytes: Buffer
  readonly steps: { readonly stage: readonly number[]; readonly init: readonly number[] }
}

interface FinalRecord extends WireRecord {
  readonly final: { readonly skip: number; readonly ifOpen: boolean; readonly tolerate: readonly number[] }
}

/** Strings and structures, each once, 8-byte aligned so that the kernel may read them in place. */
class DataArea {
  readonly parts: Buffer[] = []
  length = 0
  private readonly known = new Map<string, number>()

  add(bytes: Uint8Array, terminated: boolean): number {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const key = `${terminated ? 's' : 'b'}${buffer.toString('latin1')}`
    const found = this.known.get(key)
    if (found !== undefined) return found
    const at = this.length
    const size = (buffer.length + (terminated ? 1 : 0) + 7) & ~7
    const padded = Buffer.alloc(Math.max(size, 8))
    buffer.copy(padded)
    this.parts.push(padded)
    this.length += padded.length
    this.known.set(key, at)
    return at
  }
}

function lowerProgram(steps: readonly ChildStep[], arch: Arch): { records: FinalRecord[]; origin: number[] } {
  const lowered = steps.map((step) => (LOWER[step.kind] as Lowering<ChildStep['kind']>)(step as never, arch))
  const starts = [0]
  for (const list of lowered) starts.push((starts.at(-1) as number) + list.length)
  const records: FinalRecord[] = []
  const origin: number[] = []
  for (const [i, step] of steps.entries()) {
    // After a tolerated failure: past the rest of this step and the next `skip` steps.
    const target = starts[i + 1 + (step.skip ?? 0)]
    if (target === undefined) throw new Error(`bug: step ${i} (${step.kind}) skips past the end`)
    for (const record of lowered[i] as readonly WireRecord[]) {
      const here = records.length
      const own = record.tolerate !== undefined
      const skips = step.tolerate !== undefined || step.kind === 'jump'
      records.push({
        ...record,
        final: {
          skip: own ? (record.skip ?? 0) : skips ? target - here - 1 : 0,
          ifOpen: step.ifOpen ?? false,
          tolerate: tolerated(own ? record.tolerate : step.tolerate),
        },
      })
      origin.push(i)
    }
  }
  return { records, origin }
}

function writeArg(buffer: Buffer, at: number, index: number, arg: WireArg, data: DataArea): number {
  const place = at + 16 + index * 8
  const put = (type: number, value: number | bigint) => {
    buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), place)
    buffer.writeUInt16LE(buffer.readUInt16LE(at + 12) | (type << (2 * index)), at + 12)
  }
  if (typeof arg === 'number' || typeof arg === 'bigint') put(ARG.imm, arg)
  else if ('slot' in arg) {
    if (arg.slot >= WIRE.slots) throw new Error(`bug: slot ${arg.slot} is beyond the executor's ${WIRE.slots}`)
    put(ARG.slot, arg.slot)
  } else if ('text' in arg) put(ARG.str, data.add(Buffer.from(arg.text), true))
  else if ('struct' in arg) put(ARG.str, data.add(arg.struct, false))
  else {
    put(ARG.buf, data.add(arg.bytes, false))
    buffer.writeBigUInt64LE(BigInt(arg.bytes.length), place + 8)
    return 2
  }
  return 1
}

function writeRecord(buffer: Buffer, at: number, record: FinalRecord, data: DataArea, arch: Arch): void {
  buffer.writeUInt16LE(OPS[record.op], at)
  buffer.writeUInt16LE(record.out ?? WIRE.noSlot, at + 2)
  buffer.writeUInt16LE(record.final.skip, at + 4)
  buffer.writeUInt16LE(record.call === undefined ? 0 : syscallNumber(record.call as SyscallName, arch), at + 6)
  for (const [i, errno] of record.final.tolerate.entries()) buffer.writeUInt8(errno, at + 8 + i)
  buffer.writeUInt16LE(record.final.ifOpen ? 1 : 0, at + 14)
  let index = 0
  for (const arg of record.args) index += writeArg(buffer, at, index, arg, data)
  if (index > WIRE.maxArgs) throw new Error(`bug: ${record.op} has ${index} arguments`)
}

/**
 * Encodes both programs. `fds` are the parent's fds by preset slot.
 * The programs are lowered once; records know nothing of JSON pointers, `steps` leads back to them.
 */
export function encodePlan(plan: Plan, fds: ReadonlyMap<number, number>, arch: Arch): Encoded {
  const stage = lowerProgram(plan.stage, arch)
  const init = lowerProgram(plan.init, arch)
  const data = new DataArea()
  data.add(new Uint8Array(8), false)
  const count = stage.records.length + init.records.length
  if (count > WIRE.maxRecords) throw new Error(`plan too large: ${count} records`)
  const head = Buffer.alloc(WIRE.headerSize + count * WIRE.recordSize + fds.size * 8)
  const stageAt = WIRE.headerSize
  const initAt = stageAt + stage.records.length * WIRE.recordSize
  const slotsAt = initAt + init.records.length * WIRE.recordSize
  stage.records.forEach((record, i) => void writeRecord(head, stageAt + i * WIRE.recordSize, record, data, arch))
  init.records.forEach((record, i) => void writeRecord(head, initAt + i * WIRE.recordSize, record, data, arch))
  let at = slotsAt
  for (const [slot, fd] of fds) {
    head.writeUInt32LE(slot, at)
    head.writeInt32LE(fd, at + 4)
    at += 8
  }
  data.parts.push(Buffer.alloc(8)) // the last byte is NUL: no string runs past the end
  data.length += 8
  const fields = [
    WIRE.magic,
    tableHash(),
    head.length + data.length,
    stageAt,
    stage.records.length,
    initAt,
    init.records.length,
    slotsAt,
    fds.size,
    head.length,
    data.length,
    plan.keepFds,
  ]
  fields.forEach((value, i) => void head.writeUInt32LE(value, i * 4))
  return { bytes: Buffer.concat([head, ...data.parts]), steps: { stage: stage.origin, init: init.origin } }
}
