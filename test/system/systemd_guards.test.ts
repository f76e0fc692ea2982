/** The test of the tests of units: each fails when the guard it is about is off, and passes when none is. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'
import { outcome, weakened } from '../support/weakened.ts'
import type { Guard } from '../weakened/guards.ts'

const CASES: readonly (readonly [guard: Guard, name: string])[] = [
  ['units that are delegated', 'is in a delegated scope of its slice, from which delete takes all'],
  ['the inode of a unit', 'is not taken for an earlier one of the same name, of another state directory'],
]

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/davit-weakened-`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.runIf(requires('root', 'systemd', 'cgroup2'))('a guard of units that is off is seen', () => {
  test.each(CASES)('%s: %s', { timeout: patience(90_000) }, async (guard, name) => {
    expect(await outcome(await weakened(folder, guard), 'systemd', name)).toEqual(['failed'])
  })

  test.each(CASES)('control: with all guards on it passes (%s: %s)', { timeout: patience(90_000) }, async (_, name) => {
    expect(await outcome(await weakened(folder, 'nothing'), 'systemd', name)).toEqual(['passed'])
  })
})
