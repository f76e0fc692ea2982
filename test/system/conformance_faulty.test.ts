/** The test of the conformance suite, case by case: runtimes with many faults each, every one caught by its own cases. */
import { mkdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Report, Result } from '../../conformance/results.ts'
import { exec } from '../support/exec.ts'
import { writeFake } from '../support/fake_runtime.ts'
import { FAULTY } from '../support/faulty/all.ts'
import { type Fault, scriptOf } from '../support/faulty/faulty.ts'
import { processesRootedIn } from '../support/leaks.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME, repositoryPath } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { scratch } from '../support/scratch.ts'

/** What the suite says of a runtime with these faults. */
async function resultsOf(faults: readonly Fault[], groups: readonly string[]): Promise<readonly Result[]> {
  const runtime = `${scratch()}/runtime`
  writeFake(runtime, RUNTIME, scriptOf(faults))
  const argv = ['--runtime', runtime, '--format', 'json', ...groups.flatMap((name) => ['--group', name])]
  const folder = `${scratch()}/tmp`
  mkdirSync(folder)
  const env = { ...process.env, TMPDIR: folder }
  const { stdout } = await exec(repositoryPath('build/davit-conformance'), argv, { env, timeout: patience(110_000) })
  // What these runtimes leave, the suite takes away.
  expect(processesRootedIn(folder)).toEqual([])
  return (JSON.parse(stdout) as Report).runtimes[0]?.results ?? []
}

/**
 * By fault, those of its cases that have failed, and those that have failed for none. Cases that this machine cannot judge
 * are left out.
 */
function whatFailed(results: readonly Result[], faults: Readonly<Record<string, Fault>>) {
  const failed = new Set(results.filter(({ verdict }) => verdict === 'failed').map(({ id }) => id))
  const judged = new Set(results.filter(({ verdict }) => verdict !== 'host-cannot').map(({ id }) => id))
  const known = Object.entries(faults).map(
    ([name, { caught }]) => [name, caught.filter((id) => judged.has(id))] as const,
  )
  const all = new Set(known.flatMap(([, caught]) => caught))
  return {
    got: { ...Object.fromEntries(known.map(([name, caught]) => [name, caught.filter((id) => failed.has(id))])) },
    wanted: Object.fromEntries(known),
    unexpected: [...failed].filter((id) => !all.has(id)),
  }
}

describe.runIf(requires('root'))('a runtime with faults in', { timeout: patience(120_000) }, () => {
  it.each(Object.entries(FAULTY))('%s', async (_, { groups, faults }) => {
    const results = await resultsOf(Object.values(faults), groups)
    // A case that is named wrongly is one that nobody can fail.
    const ids = results.map(({ id }) => id)
    expect(Object.values(faults).flatMap(({ caught }) => caught.filter((id) => !ids.includes(id)))).toEqual([])
    const { got, wanted, unexpected } = whatFailed(results, faults)
    expect(got).toEqual(wanted)
    expect(unexpected).toEqual([])
  })
})
