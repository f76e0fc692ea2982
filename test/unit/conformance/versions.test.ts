import { expect, test } from 'vitest'
import { isInRange, parseIdentity } from '../../../conformance/versions.ts'

test('name and version of a runtime', () => {
  expect(parseIdentity('runc version 1.1.5+ds1\ncommit: 1')).toEqual({ name: 'runc', version: '1.1.5+ds1' })
  expect(parseIdentity('crun version 1.8.1')).toEqual({ name: 'crun', version: '1.8.1' })
  expect(parseIdentity('')).toEqual({ name: '', version: '' })
})

test('ranges of versions', () => {
  for (const range of ['', '<1.2', '<=1.1.5', '>=1.1', '>1.0 <1.5', '=1.1.5'])
    expect(isInRange('1.1.5+ds1', range), range).toBe(true)
  for (const range of ['<1.1.5', '>=1.2', '>1.1.5', '=1.1', '>=1.0 <1.1'])
    expect(isInRange('1.1.5+ds1', range), range).toBe(false)
  // Numbers, not text.
  expect(isInRange('1.10', '<1.9')).toBe(false)
  expect(() => isInRange('1.0', 'up to 1.2')).toThrow('no range')
})
