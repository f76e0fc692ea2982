/** The conformance suite is itself held to what others do. */
import { describe, expect, it } from 'vitest'
import { judge } from '../support/judge.ts'
import { patience } from '../support/pace.ts'
import { command, commandPath, requires } from '../support/requires.ts'

describe.runIf(requires('root'))('conformance', { timeout: patience(600_000) }, () => {
  for (const name of ['runc', 'crun']) {
    it.runIf(requires(command(name)))(`of ${name}, but for deviations that are named and explained`, async () => {
      const { code, failed, count } = await judge(commandPath(name) ?? '')
      expect(failed).toEqual([])
      expect(count.passed).toBeGreaterThan(120)
      expect(code).toBe(0)
    })
  }
})
