import { expect, it } from 'vitest'
import { versionText } from '../../../src/cli/version.ts'

it('is what dockerd parses: the words version, commit: and spec:', () => {
  expect(versionText({ version: '0.1.0', commit: 'abc' })).toBe('davit version 0.1.0\ncommit: abc\nspec: 1.3.0\n')
  expect(versionText({ version: '0.1.0', commit: '' })).toBe('davit version 0.1.0\nspec: 1.3.0\n')
})
