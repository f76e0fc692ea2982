import { describe, expect, test } from 'vitest'
import { lengthProblems, shortOptions } from '../../../src/plan/long_options.ts'

const NEW = { kernel: [6, 8] } as const
const long = (start: string, end = '') => `${start}${'x'.repeat(250)}${end}`

describe('options that fsconfig would cut', () => {
  test('stay as they are while they are short', () => {
    expect(shortOptions('overlay', ['lowerdir=/a:/b', 'upperdir=/u'])).toEqual(['lowerdir=/a:/b', 'upperdir=/u'])
    expect(lengthProblems('overlay', ['lowerdir=/a:/b', long('upperdir=')], { kernel: [5, 12] })).toEqual([])
  })

  test('lower layers are given one by one', () => {
    expect(shortOptions('overlay', [long('lowerdir=/a\\:b:/', ':/c\\\\d::/e::/f'), 'index=off'])).toEqual([
      'lowerdir+=/a:b',
      long('lowerdir+=/'),
      'lowerdir+=/c\\d',
      'datadir+=/e',
      'datadir+=/f',
      'index=off',
    ])
  })

  test.each([':/a', '/a:', '/a:::/b', '/a\\'])('%j is left for the kernel to refuse', (odd) => {
    const option = `lowerdir=/${'x'.repeat(250)}${odd === ':/a' ? '' : ':'}${odd}${odd === ':/a' ? '::' : ''}`
    expect(shortOptions('overlay', [option])).toEqual([option])
  })

  test('only for overlay', () => {
    expect(shortOptions('other', [long('lowerdir=/lower:/')])).toEqual([long('lowerdir=/lower:/')])
  })

  test('are refused where the kernel has no way', () => {
    const lower = [long('lowerdir=/lower:/')]
    expect(lengthProblems('overlay', lower, NEW)).toEqual([])
    expect(lengthProblems('overlay', lower, { kernel: [6, 7] })).toEqual([
      'a value of "lowerdir" with more than 255 bytes takes Linux 6.8 or newer',
    ])
    const words = 'the value of "upperdir" has more than the 255 bytes that the kernel takes'
    expect(lengthProblems('overlay', [long('upperdir=/long', '/u')], NEW)).toEqual([words])
  })

  test('are counted in bytes', () => {
    expect(lengthProblems('overlay', [`upperdir=/${'ü'.repeat(127)}`], NEW)).toEqual([])
    expect(lengthProblems('overlay', [`upperdir=/${'ü'.repeat(128)}`], NEW)).toHaveLength(1)
  })
})
