/** Numbers and sizes as the flags of `update` take them. Pure. */
import { RuntimeError } from '../base/errors.ts'
import type { Integer } from '../spec/numbers.ts'

const I64_MAX = 2n ** 63n - 1n
const UNITS = ['', 'k', 'm', 'g', 't', 'p'] as const

/** A number, maybe a space, a unit: b, or k m g t p with or without "b" or "ib", in small or capital letters. */
const SIZE = /^([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(?:([kmgtp])(?:i?b)?|b)?$/i

/**
 * Bytes: "-1" for no limit, else as go-units' RAMInBytes, which runc uses, reads them: 1024-based, fractions allowed.
 * `flag` is named in the error.
 */
export function parseSize(flag: string, text: string): Integer {
  if (text === '-1') return -1
  const [whole, number = '', unit = ''] = SIZE.exec(text) ?? []
  if (whole === undefined) throw new RuntimeError('usage', `invalid value for ${flag}: invalid size: '${text}'`)
  const factor = 1024 ** UNITS.indexOf(unit.toLowerCase() as (typeof UNITS)[number])
  // Where a fraction leaves a double no room, there is no more to say than what it holds.
  const fraction = number.includes('.') ? Math.min(Math.trunc(Number(number) * factor), Number.MAX_VALUE) : undefined
  const size = fraction === undefined ? BigInt(number) * BigInt(factor) : BigInt(fraction)
  if (size > I64_MAX) throw new RuntimeError('usage', `invalid value for ${flag}: size '${text}' is too large`)
  return smallest(size)
}

/** A decimal integer that fits in 64 bits: without a sign, or with one where it is allowed. */
export function parseInteger(flag: string, text: string, signed: boolean): Integer {
  const digits = signed ? /^[+-]?[0-9]+$/ : /^[0-9]+$/
  if (!digits.test(text)) throw new RuntimeError('usage', `invalid value for ${flag}: "${text}" is no number`)
  const value = BigInt(text.replace('+', ''))
  const fits = (signed ? BigInt.asIntN : BigInt.asUintN)(64, value) === value
  if (!fits) throw new RuntimeError('usage', `invalid value for ${flag}: out of range`)
  return smallest(value)
}

/** As in a Spec: a number where a double holds it. */
function smallest(value: bigint): Integer {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
