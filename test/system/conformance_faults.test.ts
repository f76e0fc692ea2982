/** The test of the conformance suite: runtimes that get one thing wrong are caught, by the cases meant for it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Report } from '../../conformance/results.ts'
import { exec } from '../support/exec.ts'
import { writeFake } from '../support/fake_runtime.ts'
import { FAULTS } from '../support/faults.ts'
import { FAULTS_DETAIL } from '../support/faults_detail.ts'
import { FAULTS_SECCOMP } from '../support/faults_seccomp.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME, repositoryPath } from '../support/place.ts'
import { requires } from '../support/requires.ts'

describe.runIf(requires('root'))('a runtime that', { timeout: patience(120_000) }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'davit-test-'))
  const runtime = join(folder, 'runtime')

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Cases that a runtime with this script before davit fails. */
  async function failuresOf(
    script: string,
    groups: readonly string[],
    flags: readonly string[] = [],
  ): Promise<string[]> {
    writeFake(runtime, RUNTIME, script)
    const argv = ['--runtime', runtime, '--format', 'json', ...groups.flatMap((name) => ['--group', name]), ...flags]
    const { stdout } = await exec(repositoryPath('build/davit-conformance'), argv, { timeout: patience(110_000) })
    const { runtimes } = JSON.parse(stdout) as Report
    return (runtimes[0]?.results ?? []).filter(({ verdict }) => verdict === 'failed').map(({ id }) => id)
  }

  it('is davit behind a script that changes nothing fails no case', async () => {
    expect(await failuresOf('', ['create', 'start', 'kill', 'delete', 'hooks'])).toEqual([])
  })

  for (const [name, { does, script, groups, flags, caught }] of Object.entries({
    ...FAULTS,
    ...FAULTS_DETAIL,
    ...FAULTS_SECCOMP,
  })) {
    it(`${does} (${name}) is caught`, async () => {
      expect((await failuresOf(script, groups, flags)).toSorted()).toEqual([...caught].toSorted())
    })
  }
})
