/** The conformance suite, interrupted: it ends at once, not with the case that runs, and leaves nothing of it. */
import { mkdirSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { start } from '../support/exec.ts'
import { cgroupsNamed, mountsBelow, processesNaming } from '../support/leaks.ts'
import { patience, TIMING } from '../support/pace.ts'
import { RUNTIME, repositoryPath } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { scratch } from '../support/scratch.ts'
import { containers } from '../support/suite_folder.ts'
import { until } from '../support/wait.ts'

const SUITE = repositoryPath('build/davit-conformance')

/** Who the signals are sent to: kill(1) sends them to the suite alone, a terminal to all that it has started. */
type Whom = 'the suite' | 'all of its processes'

interface Running {
  readonly what: string
  readonly flags: readonly string[]
  /** So many containers are there when it is interrupted. */
  readonly enough: number
}

/**
 * Time that the end may take, in ms. What it takes away it takes away by commands, 200 of them at the most: where figures
 * of time mean nothing, on an emulated machine beside others, that was 140 s.
 */
const END = patience(TIMING ? 12_000 : 30_000)

const LOAD = ['--group', 'load', '--lifecycles', '100000', '--filter']

const RUNNING: readonly Running[] = [
  { what: 'thousands of lifecycles', flags: [...LOAD, 'lifecycles'], enough: 1 },
  { what: '200 creates', flags: [...LOAD, 'parallel'], enough: 20 },
  { what: 'a race of a thousand turns', flags: ['--thorough', '--filter', '^security-mount-race-folder$'], enough: 1 },
  { what: 'several cases at once', flags: ['--jobs', '3', '--group', 'hooks', '--group', 'kill'], enough: 2 },
]

describe.runIf(requires('root'))('the suite, interrupted', { timeout: patience(120_000) }, () => {
  const cases = RUNNING.flatMap((it, i) => {
    const whom: Whom[] = i === 1 ? ['the suite', 'all of its processes'] : ['the suite']
    return whom.map((to) => ({ ...it, to, signal: i % 2 === 0 ? 'SIGINT' : 'SIGTERM' }) as const)
  })

  it.each(cases)('in the middle of $what, by $signal to $to', async ({ flags, enough, to, signal }) => {
    const folder = `${scratch()}/tmp`
    mkdirSync(folder)
    const argv = [SUITE, '--runtime', RUNTIME, ...flags]
    const env = { ...process.env, TMPDIR: folder }
    // A group of its own, as a shell gives to what it starts.
    const suite = start('setsid', argv, { env, timeout: 90_000 })
    let ids: string[] = []
    await until('its containers', () => {
      ids = containers(folder)
      return ids.length >= enough
    })
    const begin = performance.now()
    process.kill(to === 'the suite' ? suite.pid : -suite.pid, signal)
    const { code, stderr } = await suite.done
    expect(stderr).toMatch(/davit-conformance: interrupted\n$/)
    expect(stderr).not.toContain(', interrupted: ')
    expect(code).toBe(2)
    expect(performance.now() - begin).toBeLessThan(END)
    expect(readdirSync(folder)).toEqual([])
    expect(mountsBelow(folder)).toEqual([])
    expect(await processesNaming(folder, ids)).toEqual([])
    expect(ids.flatMap((id) => cgroupsNamed(id))).toEqual([])
  })
})
