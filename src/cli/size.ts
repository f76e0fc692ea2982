/** Numbers and sizes as the flags of `update` take them. Pure. */
import { RuntimeError } from '../base/errors.ts'

const UNITS = ['', 'k', 'm', 'g', 't', 'p'] as const

/** A number, maybe a space, a unit: b, or k m g t p with or without "b" or "ib", in small or capital letters. */
const SIZE = /^([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(?:([kmgtp])(?:i?b)?|b)?$/i

/**
 * Bytes: "-1" for no limit, else as go-units' RAMInBytes, which runc uses, reads them: 1024-based, fractions allowed.
 * `flag` is named in the error.
 */
export function parseSize(flag: string, text: string): number {
  if (text === '-1') return -1
  const [whole, number, unit = ''] = SIZE.exec(text) ?? []
  const size = Math.trunc(Number(number) * 1024 ** UNITS.indexOf(unit.toLowerCase() as (typeof UNITS)[number]))
  if (whole === undefined) throw new RuntimeError('usage', `invalid value for ${flag}: invalid size: '${text}'`)
  if (size >= 2 ** 63) throw new RuntimeError('usage', `invalid value for ${flag}: size '${text}' is too large`)
  return size
}

/** A decimal integer that fits in 64 bits: without a sign, or with one where it is allowed. */
export function parseInteger(flag: string, text: string, signed: boolean): number {
  const digits = signed ? /^[+-]?[0-9]+$/ : /^[0-9]+$/
  if (!digits.test(text)) throw new RuntimeError('usage', `invalid value for ${flag}: "${text}" is no number`)
  const value = Number(text)
  const [least, most] = signed ? [-(2 ** 63), 2 ** 63] : [0, 2 ** 64]
  if (value < least || value >= most) throw new RuntimeError('usage', `invalid value for ${flag}: out of range`)
  return value + 0 // -0 is 0
}
