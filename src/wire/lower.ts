/** What lowering a step means: emitting its records. The tables are in lower_file.ts and lower_process.ts. */
import type { ChildStep } from '../plan/step.ts'
import type { Emitter } from './emitter.ts'

export type StepOf<K extends ChildStep['kind']> = Extract<ChildStep, { kind: K }>
export type Lowering<K extends ChildStep['kind']> = (step: StepOf<K>, out: Emitter) => void

/** A little-endian structure of 32-bit words; negative ones and those beyond 2^32 are cut to their low half. */
export function struct32(...words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4)
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number
    bytes[i * 4] = word
    bytes[i * 4 + 1] = word >>> 8
    bytes[i * 4 + 2] = word >>> 16
    bytes[i * 4 + 3] = word >>> 24
  }
  return bytes
}
