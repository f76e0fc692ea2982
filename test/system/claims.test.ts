/** An id that is claimed for a container that then does not come to be. */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { releaseContainer, withClaim } from '../../src/state/claim.ts'
import { removeContainer, writeStateFile } from '../../src/state/folder.ts'
import { requires } from '../support/requires.ts'
import { scratch } from '../support/scratch.ts'

describe.runIf(requires('root'))('an id whose container fails at once', () => {
  test('is free again, and nothing of it is left', () => {
    const root = `${scratch()}/claims`
    const fail = () =>
      withClaim(root, 'one', (claim) => {
        writeStateFile(claim, 'config.json', '{}')
        throw new Error('what is first')
      })
    for (let i = 0; i < 3; i++) expect(fail).toThrow('what is first')
    expect(readdirSync(root)).toEqual([])
    const claim = withClaim(root, 'one', (it) => it)
    expect(readdirSync(root)).toEqual(['one'])
    removeContainer(claim)
    releaseContainer(claim)
  })
})
