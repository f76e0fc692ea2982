/**
 * The cases of linux.intelRdt, which no machine of ours has the hardware for: on a file system in user space that does as
 * resctrl does (resctrl.c), davit passes them, and each is failed for a fault. The build of davit and the suite are told of
 * it in the place of a resctrl of the kernel; all else is theirs.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compiled } from '../support/compiled.ts'
import type { Faulty } from '../support/faulty/faulty.ts'
import { INTEL_RDT } from '../support/faulty/intel_rdt.ts'
import { judged, whatFailed } from '../support/faulty/judged.ts'
import { patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'
import { weakened } from '../support/weakened.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/davit-weakened-`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The file system is mounted in a namespace that goes with the suite. */
async function onResctrl(faulty: Faulty) {
  const place = mkdtempSync(`${folder}/resctrl-`)
  const root = `${place}/resctrl`
  mkdirSync(root)
  const { results, left } = await judged(faulty, {
    real: await weakened(folder, 'the resctrl of the kernel'),
    before: ['unshare', '--mount', await compiled('resctrl'), root],
    env: { RESCTRL: root, RESCTRL_MOUNTINFO: `${root}.mountinfo` },
  })
  expect(left).toEqual([])
  return results
}

describe.runIf(requires('root'))('on what does as resctrl does', { timeout: patience(120_000) }, () => {
  test('davit passes all cases', async () => {
    const results = await onResctrl({ ...INTEL_RDT, faults: {} })
    expect(results.map(({ id, verdict, reason = '' }) => `${id} ${verdict} ${reason}`)).toEqual(
      results.map(({ id }) => `${id} passed `),
    )
    expect(results.length).toBeGreaterThan(0)
  })

  test('each case is failed for a fault', async () => {
    const { got, wanted, unexpected } = whatFailed(await onResctrl(INTEL_RDT), INTEL_RDT.faults)
    expect(got).toEqual(Object.fromEntries(Object.entries(INTEL_RDT.faults).map(([name, it]) => [name, it.caught])))
    expect(wanted).toEqual(got)
    expect(unexpected).toEqual([])
  })
})
