/** The conformance suite holds davit to the specification, and is itself held to what others do. */
import { describe, expect, it } from 'vitest'
import { exec } from '../support/exec.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME, repositoryPath } from '../support/place.ts'
import { command, commandPath, requires } from '../support/requires.ts'

async function suite(runtime: string): Promise<{ code: number | null; summary: string; bad: string[] }> {
  const argv = [repositoryPath('conformance/run.ts'), '--runtime', runtime]
  const { code, stdout } = await exec(repositoryPath('node_modules/bun/bin/bun.exe'), argv, { timeout: 280_000 })
  const lines = stdout.trimEnd().split('\n')
  return { code, summary: lines.at(-1) ?? '', bad: lines.filter((line) => /^not ok (?!.*# TODO)/.test(line)) }
}

describe.runIf(requires('root'))('conformance', { timeout: patience(300_000) }, () => {
  it('of davit, with one deviation the whole field shares', async () => {
    const { code, summary, bad } = await suite(RUNTIME)
    expect(bad).toEqual([])
    expect(summary).toMatch(/^# \d{2,} passed, 0 failed, 1 known deviations$/)
    expect(code).toBe(0)
  })

  for (const name of ['runc', 'crun']) {
    it.runIf(requires(command(name)))(`of ${name}, but for deviations that are named and explained`, async () => {
      const { code, summary, bad } = await suite(commandPath(name) ?? '')
      expect(bad).toEqual([])
      expect(summary).toMatch(/^# \d{2,} passed, 0 failed, \d+ known deviations$/)
      expect(code).toBe(0)
    })
  }

  it('tells a broken runtime from a good one', async () => {
    const { code, summary } = await suite('/bin/true')
    expect(summary).toMatch(/^# \d+ passed, \d{2,} failed, 0 known deviations$/)
    expect(code).toBe(1)
  })
})
