/** The conformance suite, and what it says of a runtime. */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { countOf, type Report } from '../../conformance/results.ts'
import { exec } from './exec.ts'
import { patience } from './pace.ts'
import { repositoryPath } from './place.ts'
import { scratch } from './scratch.ts'

/** The executable. */
export const SUITE = repositoryPath('build/davit-conformance')

/** Runs it to its end. */
export const suite = (...args: string[]) => exec(SUITE, args, { timeout: patience(590_000) })

/** Judges a runtime; counts, and what failed with its reason. */
export async function judge(runtime: string, ...args: string[]) {
  const out = `${scratch()}/report`
  const argv = ['--runtime', runtime, '--patience', String(patience(120_000) / 1000)]
  const { code, stderr } = await suite(...argv, '--format', 'json', '--out', out, ...args)
  expect(stderr).toBe('')
  const report = JSON.parse(readFileSync(`${out}/conformance.json`, 'utf8')) as Report
  const results = report.runtimes.flatMap((it) => it.results)
  const failed = results.filter(({ verdict }) => verdict === 'failed').map(({ id, reason }) => `${id}: ${reason}`)
  return { code, report, results, failed, count: countOf(results) }
}
