/** Encoded plans of the samples: what the fuzzer mutates. As a program: bun corpus.ts FOLDER. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { encodePlan } from '../../src/wire/encode.ts'
import { planOf } from '../unit/plan/base.ts'
import { SAMPLES } from '../unit/plan/samples.ts'

/** libFuzzer's inputs begin with flags, a count of answers in units of 16, and the kernel's answers (fuzz.h). */
const ANSWERS = Buffer.alloc(2 + 64 * 16)
ANSWERS[1] = 64

/** Writes a file for each sample, `before` its plan what is asked for; returns their paths. */
export function writeCorpus(folder: string, before: Uint8Array = Buffer.alloc(0)): string[] {
  mkdirSync(folder, { recursive: true })
  return Object.entries(SAMPLES).map(([name, patch]) => {
    const plan = planOf(patch)
    const fds = new Map(plan.presets.map(({ slot }, i) => [slot, 10 + i]))
    const path = `${folder}/${name.replaceAll(' ', '_')}.plan`
    const { bytes } = encodePlan(plan, fds, process.arch === 'arm64' ? 'arm64' : 'x64')
    writeFileSync(path, Buffer.concat([before, bytes]))
    return path
  })
}

const [script, folder] = process.argv.slice(1)
if (script?.endsWith('/corpus.ts') && folder) {
  writeCorpus(folder)
  writeCorpus(`${folder}-libfuzzer`, ANSWERS)
}
