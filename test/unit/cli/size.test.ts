import { describe, expect, it } from 'vitest'
import { parseInteger, parseSize } from '../../../src/cli/size.ts'

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['-1', -1],
    ['64k', 65536],
    ['64K', 65536],
    ['64kb', 65536],
    ['64KiB', 65536],
    ['1m', 2 ** 20],
    ['1.5g', 1.5 * 2 ** 30],
    ['.5g', 2 ** 29],
    ['1T', 2 ** 40],
    ['2p', 2 ** 51],
    ['10b', 10],
    ['10 b', 10],
    ['10 MB', 10 * 2 ** 20],
    ['1.7', 1],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize('memory', text)).toBe(bytes)
  })

  it.each([
    '',
    'x',
    '1x',
    '-2',
    '--1',
    '1  m',
    ' 1',
    '1m ',
    '1mbi',
    '1bb',
    '1kk',
    '1e3',
    '0x10',
    '1,5m',
    '1.2.3',
    'm',
    '.',
  ])('%j is none', (text) => {
    expect(() => parseSize('memory', text)).toThrow(`invalid value for memory: invalid size: '${text}'`)
  })

  it('has an end', () => {
    expect(parseSize('memory', '8191p')).toBe(8191n * 2n ** 50n)
    expect(parseSize('memory', `${2n ** 63n - 1n}`)).toBe(2n ** 63n - 1n)
    expect(() => parseSize('memory', `${2n ** 63n}`)).toThrow(/ is too large$/)
    expect(() => parseSize('memory', '9000p')).toThrow("invalid value for memory: size '9000p' is too large")
    expect(() => parseSize('memory', `${'9'.repeat(400)}.0`)).toThrow(/ is too large$/)
  })
})

describe('parseInteger', () => {
  it.each([
    ['0', false, 0],
    ['007', false, 7],
    ['-1', true, -1],
    ['-0', true, 0],
    ['+5', true, 5],
    ['9007199254740993', false, 9007199254740993n],
    ['-9223372036854775808', true, -(2n ** 63n)],
    ['18446744073709551615', false, 2n ** 64n - 1n],
  ])('%s (signed: %s) is %s', (text, signed, value) => {
    expect(parseInteger('cpu-quota', text, signed)).toBe(value)
  })

  it.each([
    ['-1', false],
    ['+1', false],
    ['1.5', true],
    ['1e3', true],
    ['0x1', true],
    ['', true],
    ['1 ', true],
    ['18446744073709551616', false],
    ['9223372036854775808', true],
    ['-99999999999999999999', true],
  ])('%j (signed: %s) is refused', (text, signed) => {
    expect(() => parseInteger('cpu-quota', text, signed)).toThrow(/^invalid value for cpu-quota: /)
  })
})
