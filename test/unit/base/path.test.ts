import { describe, expect, it } from 'vitest'
import { absolutePath, baseName, cleanPath, isWithin, joinPath, parentPath } from '../../../src/base/path.ts'

describe('cleanPath', () => {
  it.each([
    ['/', '/'],
    ['', '.'],
    ['/a//b/./c/', '/a/b/c'],
    ['/../..', '/'],
    ['a/../..', '..'],
    ['/a/../../b', '/b'],
  ])('%s is %s', (input, expected) => {
    expect(cleanPath(input)).toBe(expected)
  })
})

describe('isWithin', () => {
  it('compares by components', () => {
    expect(isWithin('/a/bc', '/a/b')).toBe(false)
    expect(isWithin('/a/b/../bc', '/a/b')).toBe(false)
    expect(isWithin('/a/b/c', '/a/b')).toBe(true)
    expect(isWithin('/a', '/')).toBe(true)
  })
})

describe('joins', () => {
  it('never lets a later absolute part discard the earlier ones', () => {
    expect(joinPath('/r', '/etc')).toBe('/r/etc')
    expect(absolutePath('x/../y', '/cwd')).toBe('/cwd/y')
    expect(parentPath('/a')).toBe('/')
    expect(parentPath('/a/b')).toBe('/a')
    expect(baseName('/a/b/')).toBe('b')
  })
})
