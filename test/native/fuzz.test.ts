/** A short run of the fuzzer; `make fuzz` runs a million inputs. */
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { writeCorpus } from './corpus.ts'
import { nativeTests, place } from './executor.ts'

const COUNT = 50_000

test(`${COUNT} plans on a made-up kernel`, { timeout: 300_000 }, () => {
  const { fuzz } = nativeTests()
  const corpus = writeCorpus(`${place()}/corpus`)
  const out = execFileSync(fuzz, ['1', `${COUNT}`, ...corpus], { encoding: 'utf8' })
  const ran = Number(/, (\d+) of them ran/.exec(out)?.[1])
  // Most inputs must get past the reader, or the operations are not tried at all.
  expect(ran).toBeGreaterThan(COUNT / 4)
})
