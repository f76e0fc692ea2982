import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../../src/base/errors.ts'
import { locate } from '../../../src/spec/locate.ts'
import { toI64, toU64 } from '../../../src/spec/numbers.ts'
import { parseConfig } from '../../../src/spec/parse.ts'
import type { Json } from './configs.ts'

async function syntaxError(text: string): Promise<string> {
  const error = await parseConfig(text).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(RuntimeError)
  expect((error as RuntimeError).code).toBe('config-syntax')
  return (error as RuntimeError).message
}

describe('syntax errors have a place', () => {
  test.each([
    ['', 'line 1, column 1: unexpected end of text, expected a value'],
    ['{\n  "a": 1,\n}', 'line 3, column 1: unexpected "}", expected a key in double quotes'],
    ['{"a" 1}', 'line 1, column 6: unexpected "1", expected ":"'],
    ['{"a": 1 "b": 2}', 'line 1, column 9: unexpected "\\"", expected "," or "}"'],
    ['[1 2]', 'line 1, column 4: unexpected "2", expected "," or "]"'],
    ['[1,]', 'line 1, column 4: unexpected "]", expected a value'],
    ['{"a": }', 'line 1, column 7: unexpected "}", expected a value'],
    ["{'a': 1}", 'line 1, column 2: unexpected "\'", expected a key in double quotes'],
    ['{"a": 01}', 'line 1, column 8: unexpected "1", expected "," or "}"'],
    ['{"a": "b', 'line 1, column 7: string is not closed'],
    ['{"a": "\\x"}', 'line 1, column 8: bad escape in string'],
    ['{"a": "\n"}', 'line 1, column 8: control character in string'],
    ['{} {}', 'line 1, column 4: unexpected "{", expected nothing after the document'],
    ['{"a": nul}', 'line 1, column 7: unexpected "n", expected a value'],
    ['\uFEFF{}', 'line 1, column 1: unexpected "\uFEFF", expected a value'],
    ['[1}', 'line 1, column 3: unexpected "}", expected "," or "]"'],
    ['{"a": 1', 'line 1, column 8: unexpected end of text, expected "," or "}"'],
    ['// comment', 'line 1, column 1: unexpected "/", expected a value'],
  ])('%j', async (text, message) => {
    expect(await syntaxError(text)).toBe(`parse config.json: ${message}`)
  })

  test('the scanner refuses whatever JSON.parse refuses', async () => {
    const good = '{"a": [1, -2.5e+3, true, null, "x\\u00e9\\n"], "b": {"c": {}, "d": []}}'
    const chars = [
      '',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '0',
      '-',
      '.',
      'e',
      't',
      ' ',
      '\n',
      '\u0001',
      '\u00a0',
      'é',
    ]
    let refused = 0
    for (let at = 0; at <= good.length; at++) {
      for (const char of chars) {
        for (const text of [good.slice(0, at) + char + good.slice(at), good.slice(0, at) + char + good.slice(at + 1)]) {
          try {
            JSON.parse(text)
          } catch {
            refused++
            expect(await syntaxError(text)).not.toMatch(/nested too deeply/)
          }
        }
      }
    }
    expect(refused).toBeGreaterThan(1000)
  })
})

describe('unusual texts', () => {
  test('depth neither crashes the parser nor the scanner', async () => {
    for (const depth of [10_000, 200_000]) {
      const opened = '{"a":'.repeat(depth)
      expect(await syntaxError(opened)).toMatch(/^parse config.json: line 1, column \d+: unexpected end of text/)
      const outcome = await parseConfig(`${opened}1${'}'.repeat(depth)}`).catch((error: RuntimeError) => error.code)
      expect(['config-syntax', 'object']).toContain(typeof outcome === 'string' ? outcome : typeof outcome)
    }
  })

  test('20 MB are fine', async () => {
    const text = JSON.stringify({ annotations: { big: 'x'.repeat(20_000_000) } })
    expect(((await parseConfig(text)) as Json).annotations.big).toHaveLength(20_000_000)
    expect(await syntaxError(text.slice(0, -1))).toMatch(/unexpected end of text/)
  })

  test('the last of duplicate keys counts', async () => {
    expect(await parseConfig('{"a":1,"a":2}')).toEqual({ a: 2 })
  })
})

describe('big integers', () => {
  const withValue = (literal: string) =>
    `{"x":"a,\\"value\\": 18446744073709551615,","linux":{"seccomp":{"syscalls":[null,{},{"args":[{"index":0,\n"value" : ${literal},"valueTwo":3},{"value":3,"valueTwo":${literal}}]}]}},
     "annotations":{"value": 18446744073709551615, "valueTwo":"\\"value\\": 9007199254740993 "}}`

  test.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', '9007199254740993'],
    ['18446744073709551615', '18446744073709551615'],
    ['2114060288', 2114060288],
    ['1e19', 1e19],
  ])('seccomp argument %s', async (literal, value) => {
    const parsed = (await parseConfig(withValue(literal))) as Json
    expect(parsed.linux.seccomp.syscalls[2].args).toEqual([
      { index: 0, value, valueTwo: 3 },
      { value: 3, valueTwo: value },
    ])
    expect(parsed.x).toBe('a,"value": 18446744073709551615,')
    // Nothing but seccomp arguments changes its type.
    expect(parsed.annotations.value).toBe(2 ** 64)
    expect(parsed.annotations.valueTwo).toBe('"value": 9007199254740993 ')
  })

  test('limits saturate', () => {
    expect(toU64(JSON.parse('18446744073709551615'))).toBe(2n ** 64n - 1n)
    expect(toU64('18446744073709551614')).toBe(2n ** 64n - 2n)
    expect(toU64(0)).toBe(0n)
    expect(toI64(JSON.parse('9223372036854775807'))).toBe(2n ** 63n - 1n)
    expect(toI64(JSON.parse('-9223372036854775808'))).toBe(-(2n ** 63n))
    expect(toI64(-1)).toBe(-1n)
  })
})

describe('locate', () => {
  const text = '{\n  "a": [10, {"b/c": "x", "~": null}],\n  "a2": {}, "k": 1,\n "k": 2}'
  test.each([
    ['', 1, 1],
    ['/a', 2, 8],
    ['/a/0', 2, 9],
    ['/a/1', 2, 13],
    ['/a/1/b~1c', 2, 21],
    ['/a/1/~0', 2, 31],
    ['/a2', 3, 9],
    ['/k', 4, 7],
  ])('%s', (pointer, line, column) => {
    expect(locate(text, pointer)).toEqual({ line, column })
  })

  test('what is not there has no place', () => {
    for (const pointer of ['/b', '/a/2', '/a/1/b', '/a/0/0']) expect(locate(text, pointer)).toBeUndefined()
    expect(locate('{"a": 1, "b": }', '/a')).toEqual({ line: 1, column: 7 })
  })
})
