/** The conformance suite, when a case does not end: it is given up and failed, and nothing of it is left. */
import { mkdirSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Report } from '../../conformance/results.ts'
import { start } from '../support/exec.ts'
import { writeFake } from '../support/fake_runtime.ts'
import { cgroupsNamed, mountsBelow, processesNaming } from '../support/leaks.ts'
import { patience, TIMING } from '../support/pace.ts'
import { RUNTIME, repositoryPath } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { scratch } from '../support/scratch.ts'
import { containers } from '../support/suite_folder.ts'
import { until } from '../support/wait.ts'

/**
 * Seconds that a case has; of the two, one waits for a start that does not end, the other starts nothing, for which an
 * emulated machine may take more than 8. With 20 it would be the command that is told to have no end.
 */
const SECONDS = TIMING ? 8 : 18
const CASES = ['start-runs-program', 'create-needs-bundle']

describe.runIf(requires('root'))('a case that does not end', { timeout: patience(120_000) }, () => {
  it('is given up, with its command and its containers, and the next is judged', async () => {
    const [folder, runtime] = [`${scratch()}/tmp`, `${scratch()}/runtime`]
    mkdirSync(folder)
    writeFake(runtime, RUNTIME, `if [ "$verb" = start ]; then sh -c 'sleep 77; :' start "$2"; fi`)
    const argv = ['--runtime', runtime, '--format', 'json', '--jobs', '1', '--patience', String(SECONDS)]
    const suite = start(repositoryPath('build/davit-conformance'), [...argv, '--filter', `^(${CASES.join('|')})$`], {
      env: { ...process.env, TMPDIR: folder },
      timeout: 100_000,
    })
    let ids: string[] = []
    await until('its containers', () => {
      ids = containers(folder)
      return ids.length > 0
    })
    const { code, stdout } = await suite.done
    const results = (JSON.parse(stdout) as Report).runtimes[0]?.results ?? []
    const ends = results.map(({ id, verdict, reason }) => [id, verdict === 'failed' ? reason : verdict])
    expect(Object.fromEntries(ends)).toEqual({
      'start-runs-program': `it did not end within ${SECONDS} s`,
      'create-needs-bundle': 'passed',
    })
    expect(code).toBe(1)
    expect(readdirSync(folder)).toEqual([])
    expect(mountsBelow(folder)).toEqual([])
    expect(await processesNaming(folder, ids)).toEqual([])
    expect(ids.flatMap((id) => cgroupsNamed(id))).toEqual([])
  })

  it('is told by a command that does not heed SIGTERM, too, before it is given up', async () => {
    const [folder, runtime] = [`${scratch()}/tmp`, `${scratch()}/runtime`]
    mkdirSync(folder)
    writeFake(runtime, RUNTIME, `if [ "$verb" = start ]; then trap '' TERM; while :; do sleep 1; done; fi`)
    const argv = ['--runtime', runtime, '--format', 'json', '--patience', '60', '--filter', `^${CASES[0]}$`]
    const options = { env: { ...process.env, TMPDIR: folder }, timeout: patience(100_000) }
    const { stdout } = await start(repositoryPath('build/davit-conformance'), argv, options).done
    expect((JSON.parse(stdout) as Report).runtimes[0]?.results[0]?.reason).toBe('start did not end within 20 s')
  })
})
