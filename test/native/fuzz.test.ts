/** A short run of the fuzzers of the executor; `make fuzz` runs them for longer. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { command, requires } from '../support/requires.ts'
import { writeCorpus } from './corpus.ts'
import { nativeTests, place, REPOSITORY } from './executor.ts'

const COUNT = 50_000
/** With a seed of its own: whoever changes something else is not to be told of what a fuzzer finds by chance. */
const RUNS = 100_000
const CORPUS = `${REPOSITORY}test/native/corpus`

test(`${COUNT} plans on a made-up kernel`, { timeout: 300_000 }, () => {
  const { fuzz } = nativeTests()
  const corpus = writeCorpus(`${place()}/corpus`)
  const out = execFileSync(fuzz, ['1', `${COUNT}`, ...corpus], { encoding: 'utf8' })
  const ran = Number(/, (\d+) of them ran/.exec(out)?.[1])
  // Most inputs must get past the reader, or the operations are not tried at all.
  expect(ran).toBeGreaterThan(COUNT / 4)
})

test('what libFuzzer has found before', { timeout: 120_000 }, () => {
  const inputs = readdirSync(CORPUS).map((name) => `${CORPUS}/${name}`)
  const out = execFileSync(nativeTests().fuzz, ['inputs', ...inputs], { encoding: 'utf8' })
  const [, count, ran] = /^(\d+) inputs, (\d+) of them ran$/m.exec(out) ?? []
  expect(Number(count)).toBe(inputs.length)
  expect(Number(ran)).toBeGreaterThan(inputs.length / 4)
})

describe.runIf(requires(command('clang')))('libFuzzer, guided by coverage', () => {
  test(`${RUNS} runs`, { timeout: 300_000 }, () => {
    execFileSync('make', ['-s', 'build/test/native-libfuzzer'], { cwd: REPOSITORY, stdio: 'ignore' })
    const found = `${place()}/found`
    mkdirSync(found)
    const argv = ['-seed=1', `-runs=${RUNS}`, '-max_len=32768', `-artifact_prefix=${place()}/`, found, CORPUS]
    const { status, stderr } = spawnSync('build/test/native-libfuzzer', argv, { cwd: REPOSITORY, encoding: 'utf8' })
    expect(status, stderr.slice(-4000)).toBe(0)
    expect(Number(/ (\d+) runs in /.exec(stderr)?.[1] ?? /^Done (\d+) runs/m.exec(stderr)?.[1])).toBeGreaterThanOrEqual(
      RUNS,
    )
  })
})
