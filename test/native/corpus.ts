/** Encoded plans of the samples: what the fuzzer mutates. As a program: bun corpus.ts FOLDER. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { buildAsked } from '../../src/plan/asked.ts'
import { buildPrepared } from '../../src/plan/prepared.ts'
import { encodePlan } from '../../src/wire/encode.ts'
import { planOf } from '../unit/plan/base.ts'
import { ASKED, PREPARED, SAMPLES } from '../unit/plan/samples.ts'

/**
 * libFuzzer's inputs begin with flags, a count of answers in units of 16, and the kernel's answers (fuzz.h). What is odd
 * and below 160 lets a call succeed; all the same, and all different.
 */
const MOODS = [() => 1, (i: number) => 1 + 2 * ((i * 37) % 79), (i: number) => (i * 101) % 160]

function answers(mood: (i: number) => number): Buffer {
  const bytes = Buffer.from(Array.from({ length: 2 + 96 * 16 }, (_, i) => mood(i)))
  bytes[0] = 0
  bytes[1] = 96
  return bytes
}

/** Writes a file for each sample, `before` its plan what is asked for; returns their paths. */
export function writeCorpus(folder: string, before: Uint8Array = Buffer.alloc(0), suffix = ''): string[] {
  mkdirSync(folder, { recursive: true })
  const plans = Object.entries(SAMPLES).map(([name, patch]) => [name, planOf(patch)] as const)
  return [...plans, ['prepared', buildPrepared(PREPARED)] as const, ['asked', buildAsked(ASKED)] as const].map(
    ([name, plan]) => {
      const fds = new Map(plan.presets.map(({ slot }, i) => [slot, 10 + i]))
      const path = `${folder}/${name.replaceAll(' ', '_')}${suffix}.plan`
      const { bytes } = encodePlan(plan, fds, process.arch === 'arm64' ? 'arm64' : 'x64')
      writeFileSync(path, Buffer.concat([before, bytes]))
      return path
    },
  )
}

const [script, folder] = process.argv.slice(1)
if (script?.endsWith('/corpus.ts') && folder) {
  writeCorpus(folder)
  for (const [i, mood] of MOODS.entries()) writeCorpus(`${folder}-libfuzzer`, answers(mood), `-${i}`)
}
