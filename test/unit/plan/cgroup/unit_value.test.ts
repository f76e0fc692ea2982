import { describe, expect, test } from 'vitest'
import { parseUnitValue, signature } from '../../../../src/plan/cgroup/unit_value.ts'

const read = (source: string) => {
  const value = parseUnitValue(source)
  return [signature(value), value.type === 'a' ? value.value.map((one) => one.value) : value.value]
}

describe('a value in an annotation', () => {
  test.each<[string, string, unknown]>([
    ['true', 'b', true],
    [' false ', 'b', false],
    ['5', 'i', 5n],
    ['-0x10', 'i', -16n],
    ['1.5', 'd', 1.5],
    ["'text'", 's', 'text'],
    ['"a \\"b\\" c"', 's', 'a "b" c'],
    ['uint64 18446744073709551615', 't', 18446744073709551615n],
    ['@t 5', 't', 5n],
    ['byte 255', 'y', 255n],
    ['double 2', 'd', 2],
    ["objectpath '/a'", 'o', '/a'],
    ["['a', 'b']", 'as', ['a', 'b']],
    ['[uint64 1, 2]', 'at', [1n, 2n]],
    ['@as []', 'as', []],
    ['@au [1,2,3]', 'au', [1n, 2n, 3n]],
  ])('%s', (source, type, value) => {
    expect(read(source)).toEqual([type, value])
  })

  test.each([
    ['', 'a value is missing'],
    ['text', '"text" is no number'],
    ['5 6', 'unexpected "6"'],
    ['2147483648', 'out of range of type "i"'],
    ['uint32 -1', 'out of range of type "u"'],
    ["uint32 'a'", `'a' is no value of type "u"`],
    ['[]', 'an empty list needs a type'],
    ['[1', 'is missing'],
    ['[1 2]', '"," or "]" is missing'],
    ["[1, 'a']", 'is no value of type'],
    ['[[1]]', 'lists of "ai" are not supported'],
    ['@(ss) 5', 'is not supported'],
    ['(1, 2)', '"(" is no number'],
    ["'open", 'cannot read'],
  ])('%s is refused', (source, message) => {
    expect(() => parseUnitValue(source)).toThrow(message)
  })
})
