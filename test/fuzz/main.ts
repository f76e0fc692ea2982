/**
 * bun test/fuzz/main.ts SECONDS [SEED [TARGET...]]: fuzzes each target so long; the smallest inputs of faults are printed.
 * Exit 1 for faults. Those that need a cage are left out for whoever is not root, which is said.
 */
import { cageFolder, runCaged } from './cage.ts'
import { readCorpus } from './corpus.ts'
import { fuzz } from './fuzz.ts'
import type { Target } from './target.ts'
import { TARGETS } from './targets.ts'

const [seconds = '60', seed = String(Date.now() % 2 ** 31), ...names] = process.argv.slice(2)

/** Fuzzes one target here; how many faults it has. */
async function attack(target: Target): Promise<number> {
  const settings = { seconds: Number(seconds), seed: Number(seed) }
  const begin = performance.now()
  const { inputs, counts, findings } = await fuzz(target, readCorpus(target.name), settings)
  const rate = Math.round(inputs / ((performance.now() - begin) / 1000))
  const came = Object.entries(counts).map(([what, count]) => `${count} ${what}`)
  console.log(
    `${target.name}: seed ${seed}, ${inputs} inputs, ${rate}/s, ${findings.length} faults; ${came.join(', ')}`,
  )
  for (const { message, input } of findings) console.log(`${JSON.stringify(input)}\n${message}\n`)
  return findings.length
}

let faults = 0
for (const target of TARGETS.filter(({ name }) => names.length === 0 || names.includes(name))) {
  if (!target.caged || cageFolder() !== undefined) faults += await attack(target)
  else if (process.geteuid?.() !== 0) console.log(`${target.name}: needs root`)
  else faults += runCaged([process.execPath, ...process.argv.slice(1, 2), seconds, seed, target.name])
}
// Of what is held open nothing is waited for.
process.exit(faults > 0 ? 1 : 0)
