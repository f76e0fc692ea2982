/** Go's notation of durations, which `--interval` has. Pure. */
import { RuntimeError } from '../base/errors.ts'

/** Milliseconds in each unit. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** As Go has it: 2^63 - 1 ns, in ms. */
const LONGEST = 9_223_372_036_854

const PART = /([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)/y

/**
 * "5s", "1m30s", "1.5h", "100ms", "-2s", "0": milliseconds, as Go's time.ParseDuration reads it. `flag` is named in the
 * error.
 */
export function parseDuration(flag: string, text: string): number {
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text
  if (unsigned === '0') return 0
  let total = 0
  PART.lastIndex = 0
  for (let at = 0; at < unsigned.length || at === 0; at = PART.lastIndex) {
    const [part, number, unit = ''] = PART.exec(unsigned) ?? []
    if (part === undefined) throw new RuntimeError('usage', `invalid value "${text}" for --${flag}: no duration`)
    total += Number(number) * (UNITS[unit] as number)
  }
  if (total > LONGEST) throw new RuntimeError('usage', `invalid value "${text}" for --${flag}: too long`)
  return text.startsWith('-') ? -total : total
}
