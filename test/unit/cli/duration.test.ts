import { describe, expect, it } from 'vitest'
import { parseDuration } from '../../../src/cli/duration.ts'

describe('parseDuration', () => {
  it.each([
    ['5s', 5000],
    ['0', 0],
    ['0s', 0],
    ['100ms', 100],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1000],
    ['1h2m3s4ms5us', 3_723_004.005],
    ['10us', 0.01],
    ['10µs', 0.01],
    ['10μs', 0.01],
    ['1000000ns', 1],
    ['-2s', -2000],
    ['+2s', 2000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration('interval', text)).toBeCloseTo(milliseconds, 9)
  })

  it.each(['', '5', 's', '5 s', ' 5s', '5s ', '5sec', '1d', '1s2', '.s', '--1s', '1,5s', '5S', '1e3s', 'x5s'])(
    '%j is none',
    (text) => {
      expect(() => parseDuration('interval', text)).toThrow(`invalid value "${text}" for --interval: no duration`)
    },
  )

  it('has an end', () => {
    expect(parseDuration('interval', '2562047h')).toBe(2562047 * 3_600_000)
    for (const text of ['2562048h', `${'9'.repeat(400)}s`])
      expect(() => parseDuration('interval', text)).toThrow(`invalid value "${text}" for --interval: too long`)
  })
})
