/**
 * The test of the security tests, and of the security cases of the conformance suite: each case fails when the guard it
 * is about is off, and passes with a build that is made in the same way and has all guards on.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../../conformance/results.ts'
import { exec } from '../support/exec.ts'
import { patience } from '../support/pace.ts'
import { repositoryPath } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { outcome, weakened } from '../support/weakened.ts'
import { BROKEN } from '../weakened/conformance.ts'
import type { Guard } from '../weakened/guards.ts'

const ROOTFS = 'security_rootfs'
const PROCESS = 'security_process'

const CASES: readonly (readonly [guard: Guard, file: string, name: string])[] = [
  ['not dumpable', PROCESS, 'before its start nobody but root can look into it, not even its own user'],
  ['targets inside the root', ROOTFS, 'mount targets that lead out stay in the rootfs, files and directories'],
  ['real /proc and /sys', ROOTFS, '/proc as a link'],
  ['real /proc and /sys', ROOTFS, '/sys as a link'],
  ["the host's null device", ROOTFS, '/dev/null as a link: a masked file is the real null device all the same'],
  ['no link as console', ROOTFS, '/dev/console as a link or a file, with a terminal'],
  ['private procfs', ROOTFS, 'sysctls land where they belong, though /proc/sys is mounted over'],
  ['read-only root', ROOTFS, 'a read-only rootfs is read-only, though /proc is what the image wants'],
  ['no fd of the host', PROCESS, 'cwd through an fd of ours or of the caller'],
  ['no inheritable capability', PROCESS, 'capabilities: what is configured, nothing inheritable that is not'],
  ['dropped capabilities', PROCESS, 'no capability at all when none is given, and none comes back by exec'],
  ['a session of its own', PROCESS, 'a session of its own: no terminal of the caller to type into'],
  ['a sealed executable', PROCESS, 'init is a sealed copy: nobody can change it through /proc/PID/exe'],
  ['records of this format', 'deep_json', 'in a state file, which somebody has spoilt'],
  ['the start time of init', 'lifecycle', 'is not mistaken for another process with its pid'],
]

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/davit-weakened-`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.runIf(requires('root'))('a guard that is off is seen', () => {
  test.each(CASES)('%s: %s, %s', { timeout: patience(90_000) }, async (guard, file, name) => {
    expect(await outcome(await weakened(folder, guard), file, name)).toEqual(['failed'])
  })

  test.each(CASES)(
    'control: with all guards on it passes (%s: %s, %s)',
    { timeout: patience(90_000) },
    async (_, file, name) => {
      expect(await outcome(await weakened(folder, 'nothing'), file, name)).toEqual(['passed'])
    },
  )
})

/** Runs cases of the conformance suite; their verdicts. */
async function verdicts(runtime: string, ids: readonly string[]): Promise<string[]> {
  const out = mkdtempSync(`${folder}/conformance-`)
  const argv = ['--runtime', runtime, '--filter', `^(${ids.join('|')})$`, '--format', 'json', '--out', out]
  await exec(repositoryPath('build/davit-conformance'), argv, { timeout: patience(300_000) })
  const { runtimes } = JSON.parse(readFileSync(`${out}/conformance.json`, 'utf8')) as Report
  return runtimes.flatMap(({ results }) => results.map(({ id, verdict }) => `${id} ${verdict}`)).sort()
}

describe.runIf(requires('root'))('a guard that is off is seen by the conformance suite', () => {
  test.each(Object.entries(BROKEN))('%s', { timeout: patience(160_000) }, async (guard, ids) => {
    expect(await verdicts(await weakened(folder, guard as Guard), ids)).toEqual(ids.map((id) => `${id} failed`).sort())
  })

  // Races take this build minutes: what davit itself does there conformance.test.ts shows.
  test('control: with all guards on they pass', { timeout: patience(310_000) }, async () => {
    const ids = Object.values(BROKEN)
      .flat()
      .filter((id) => !id.includes('-race-'))
    expect(await verdicts(await weakened(folder, 'nothing'), ids)).toEqual(ids.map((id) => `${id} passed`).sort())
  })
})
