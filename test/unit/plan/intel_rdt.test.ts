import { describe, expect, test } from 'vitest'
import { schemataSay } from '../../../src/plan/intel_rdt.ts'

describe('a schemata file', () => {
  const text = '    L2:0=ff;1=ff;2=ff\n  L3CODE:0=7ff\n    L3:0=7f0;1=01f\n    MB:0= 20;1=100\n'

  test.each([
    'L3:0=7f0;1=1f',
    'L3:1=1F',
    'L3:1=1f;0=7f0',
    'L3:0=07f0',
    'L3CODE:0=7ff',
    'MB:0=20',
    'MB:00=020;1=100',
    'L3: 0 = 7f0',
  ])('says %s', (line) => {
    expect(schemataSay(text, line)).toBe(true)
  })

  test.each(['L3:0=7f', 'L3:2=1f', 'L3:0=7f0;2=1f', 'L3DATA:0=7ff', 'MB:0=2', 'MB:', 'L3'])(
    'does not say %j',
    (line) => {
      expect(schemataSay(text, line)).toBe(false)
    },
  )
})
