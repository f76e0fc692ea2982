import { describe, expect, test } from 'vitest'
import { layerOf, lengthProblems, shortOptions } from '../../../src/plan/long_options.ts'

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
    const words = 'the value of "redirect_dir" has more than the 255 bytes that the kernel takes'
    expect(lengthProblems('overlay', [long('redirect_dir=/long', '/u')], { kernel: [7, 3] })).toEqual([words])
  })

  test.each(['upperdir=/', 'workdir=/', 'lowerdir=/', 'lowerdir=/short:/'])('%s is opened from 6.13 on', (start) => {
    const option = `${start}${'x'.repeat(260)}`
    const words = `a value of "${start.slice(0, start.indexOf('='))}" with more than 255 bytes takes Linux 6.13 or newer`
    expect(lengthProblems('overlay', [option], { kernel: [6, 12] })).toEqual([words])
    expect(lengthProblems('overlay', [option], { kernel: [6, 13] })).toEqual([])
    expect(lengthProblems('tmpfs', [option], { kernel: [6, 13] })).toHaveLength(1)
  })

  test('a long layer is opened by the name that it has without backslashes', () => {
    expect(layerOf('overlay', long('upperdir=/a\\:b/', '/c'))).toEqual({ key: 'upperdir', path: long('/a:b/', '/c') })
    expect(layerOf('overlay', long('lowerdir+=/a\\:b/', '/c'))?.path).toBe(long('/a\\:b/', '/c'))
    expect(layerOf('overlay', 'upperdir=/short')).toBeUndefined()
    expect(layerOf('overlay', long('lowerdir=/a/', '/c'))).toBeUndefined()
  })

  test('are counted in bytes', () => {
    expect(lengthProblems('overlay', [`upperdir=/${'ü'.repeat(127)}`], { kernel: [5, 12] })).toEqual([])
    expect(lengthProblems('overlay', [`upperdir=/${'ü'.repeat(128)}`], NEW)).toHaveLength(1)
  })
})
