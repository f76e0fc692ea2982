/** The test of the conformance suite, case by case: runtimes with many faults each, every one caught by its own cases. */
import { describe, expect, it } from 'vitest'
import { FAULTY } from '../support/faulty/all.ts'
import { judged, whatFailed } from '../support/faulty/judged.ts'
import { patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'

describe.runIf(requires('root'))('a runtime with faults in', { timeout: patience(120_000) }, () => {
  for (const [name, faulty] of Object.entries(FAULTY))
    it.runIf(requires(...(faulty.needs ?? [])))(name, async () => {
      const { results, left } = await judged(faulty)
      expect(left).toEqual([])
      // What is needed for these is here: each case can be judged.
      if (faulty.needs) expect(results.filter(({ verdict }) => verdict === 'host-cannot')).toEqual([])
      // A case that is named wrongly is one that nobody can fail.
      const ids = results.map(({ id }) => id)
      const named = Object.values(faulty.faults).flatMap(({ caught }) => caught)
      expect(named.filter((id) => !ids.includes(id))).toEqual([])
      const { got, wanted, unexpected } = whatFailed(results, faulty.faults)
      expect(got).toEqual(wanted)
      expect(unexpected).toEqual([])
    })
})
