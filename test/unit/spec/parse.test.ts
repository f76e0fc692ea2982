import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../../src/base/errors.ts'
import { decodeJson, encodeJson } from '../../../src/base/json.ts'
import { locate } from '../../../src/spec/locate.ts'
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
      expect(['config-syntax', 'object']).toContain(typeof outcome === 'string' ? outcome : typeof outcome.value)
    }
  })

  test('20 MB are fine', async () => {
    const text = JSON.stringify({ annotations: { big: 'x'.repeat(20_000_000) } })
    expect(((await parseConfig(text)).value as Json).annotations.big).toHaveLength(20_000_000)
    expect(await syntaxError(text.slice(0, -1))).toMatch(/unexpected end of text/)
  })

  test('the last of duplicate keys counts', async () => {
    expect((await parseConfig('{"a":1,"a":2}')).value).toEqual({ a: 2 })
  })
})

describe('big integers', () => {
  const exact = async (text: string) => (await parseConfig(text)).exact()

  test.each<[string, number | bigint]>([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740993', -9007199254740993n],
    ['18446744073709551615', 18446744073709551615n],
    ['340282366920938463463374607431768211456', 2n ** 128n],
    ['0.1234567890123456789', 0.12345678901234568],
    ['9007199254740993.5', 9007199254740994],
    ['9007199254740993e1', Number('9007199254740993e1')],
    ['2114060288', 2114060288],
    ['1e19', 1e19],
  ])('%s, wherever it stands', async (literal, value) => {
    expect(await exact(literal)).toBe(value)
    expect(await exact(`{"a": [${literal}, {"b":${literal}\n,"":[[${literal}]]}], "a,":\t${literal}}`)).toEqual({
      a: [value, { b: value, '': [[value]] }],
      'a,': value,
    })
  })

  test('strings and keys are left alone', async () => {
    const digits = '12345678901234567890'
    const odd = {
      [digits]: digits,
      a: `x", ${digits}, "`,
      b: `\\", ${digits}, \\`,
      c: `"${digits}"`,
      n: [`[${digits}]`],
    }
    const text = JSON.stringify(odd)
    expect(await exact(text)).toEqual(odd)
    expect(await exact(`{"x":${digits},"y":${text}}`)).toEqual({ x: BigInt(digits), y: odd })
    expect(await exact(`{"__proto__":{"a":${digits}}}`)).toEqual(JSON.parse(`{"__proto__":{"a":"${digits}"}}`, big))
    expect(await exact(`{"a":${digits},"a":1,"b":1,"b":${digits}}`)).toEqual({ a: 1, b: BigInt(digits) })
  })

  test('neither depth nor size is too much', async () => {
    const deep = `${'{"a":'.repeat(200_000)}9007199254740993${'}'.repeat(200_000)}`
    let value = (await exact(deep)) as Json
    while (typeof value === 'object') value = value.a
    expect(value).toBe(9007199254740993n)
    const text = `{"big":"${'\\n'.repeat(2_000_000)}","n":9007199254740993,"m":${'9'.repeat(1_000_000)}}`
    expect(await exact(text)).toEqual({ big: '\n'.repeat(2_000_000), n: 9007199254740993n, m: Infinity })
  })

  test('documents of our own keep them', () => {
    const value = { a: [2n ** 64n - 1n, -(2n ** 63n), 1, 'x'], b: { c: null, d: '"' } }
    const text = encodeJson(value, 'x')
    expect(text).toBe(' {"a":[18446744073709551615,-9223372036854775808,1,"x"],"b":{"c":null,"d":"\\""}}')
    expect(decodeJson(text)).toEqual(value)
    expect(encodeJson({ a: 1 }, 'x')).toBe('{"a":1}')
    expect(decodeJson('{"a":1}')).toEqual({ a: 1 })
  })

  test('what is nested too deeply for a document of our own is told so', () => {
    for (const end of [1, 2n ** 60n]) {
      let value: Json = end
      for (let depth = 0; depth < 1_000_000; depth++) value = [value]
      expect(() => encodeJson(value, 'config.json')).toThrow(/^config.json is nested too deeply$/)
    }
  })
})

/** A JSON.parse reviver: strings of digits are bigints. */
function big(_: string, value: unknown): unknown {
  return typeof value === 'string' && /^\d{16,}$/.test(value) ? BigInt(value) : value
}

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
