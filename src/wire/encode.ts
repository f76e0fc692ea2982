/** Encodes the child programs of a plan into the buffer that native/plan.h describes. */
import type { ChildStep, Plan } from '../plan/step.ts'
import { type Arch, Emitter } from './emitter.ts'
import { TABLE_HASH } from './hash.gen.ts'
import type { Lowering } from './lower.ts'
import { LOWER_FILE } from './lower_file.ts'
import { LOWER_PROCESS } from './lower_process.ts'
import { WIRE } from './ops.ts'

/** An entry for every kind of step: a new kind does not compile until it is lowered. */
const LOWER = { ...LOWER_FILE, ...LOWER_PROCESS } satisfies { [K in ChildStep['kind']]: Lowering<K> }

/** The encoded plan and, for each record of each program, the step it came from. */
export interface Encoded {
  readonly bytes: Uint8Array
  readonly steps: { readonly stage: readonly number[]; readonly init: readonly number[] }
}

/** Emits a program; returns the step of each record. */
function lowerProgram(steps: readonly ChildStep[], out: Emitter): number[] {
  const first = out.count
  const origin: number[] = []
  const starts: number[] = []
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as ChildStep
    starts.push(out.count)
    ;(LOWER[step.kind] as Lowering<ChildStep['kind']>)(step as never, out)
    for (let record = starts[i] as number; record < out.count; record++) origin.push(i)
  }
  out.end()
  starts.push(out.count)
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as ChildStep
    if (!step.tolerate && step.skip === undefined && !step.ifOpen) continue
    // Past the rest of this step and the next `skip` steps.
    const target = starts[i + 1 + (step.skip ?? 0)]
    if (target === undefined) throw new Error(`bug: step ${i} (${step.kind}) skips past the end`)
    for (let record = starts[i] as number; record < (starts[i + 1] as number); record++) {
      out.patch(record, step.tolerate, target - record - 1, step.ifOpen ?? false)
    }
  }
  if (out.count - first !== origin.length) throw new Error('bug: records without a step')
  return origin
}

/** Encodes both programs. `fds` are the parent's fds by preset slot. */
export function encodePlan(plan: Plan, fds: ReadonlyMap<number, number>, arch: Arch): Encoded {
  const out = new Emitter(arch)
  const stage = lowerProgram(plan.stage, out)
  const init = lowerProgram(plan.init, out)
  const { data } = out
  const stageAt = WIRE.headerSize
  const initAt = stageAt + stage.length * WIRE.recordSize
  const slotsAt = initAt + init.length * WIRE.recordSize
  const dataAt = slotsAt + fds.size * 8
  // The last byte is NUL: no string runs past the end.
  const dataLength = data.length + 8
  const bytes = new Uint8Array(dataAt + dataLength)
  const head = new Uint32Array(bytes.buffer, 0, dataAt / 4)
  head.set([
    WIRE.magic,
    TABLE_HASH,
    bytes.length,
    stageAt,
    stage.length,
    initAt,
    init.length,
    slotsAt,
    fds.size,
    dataAt,
    dataLength,
    plan.keepFds,
  ])
  head.set(out.words.subarray(0, (out.count * WIRE.recordSize) / 4), stageAt / 4)
  let at = slotsAt / 4
  for (const [slot, fd] of fds) {
    head[at++] = slot
    head[at++] = fd
  }
  bytes.set(data.bytes.subarray(0, data.length), dataAt)
  return { bytes, steps: { stage, init } }
}
