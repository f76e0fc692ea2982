import { expect, test } from 'vitest'
import { validationJson, validationText } from '../../../src/cli/validation.ts'

const FOUND = {
  bundle: '/b',
  config: '/b/config.json',
  errors: [
    {
      severity: 'error',
      pointer: '/process/cwd',
      message: 'cwd must be an absolute path',
      rule: 'command',
      clause: 'config.md#process',
      requirement: 'MUST',
      hint: 'begin with "/"',
      line: 3,
      column: 9,
    },
  ],
  warnings: [{ severity: 'warning', pointer: '', message: 'a\nb\u009b', rule: 'machine' }],
} as const

test('as text: places as compilers write them, no control characters', () => {
  expect(validationText(FOUND)).toBe(
    [
      '/b/config.json:3:9: error: /process/cwd: cwd must be an absolute path [config.md#process, MUST]',
      '    begin with "/"',
      '/b/config.json: warning: a\\nb\\u009b',
      '1 error, 1 warning',
      '',
    ].join('\n'),
  )
  expect(validationText({ ...FOUND, errors: [], warnings: [] })).toBe('0 errors, 0 warnings\n')
})

test('as JSON: two lists, members in one order', () => {
  const text = validationJson(FOUND)
  expect(JSON.parse(text)).toEqual({
    bundle: '/b',
    config: '/b/config.json',
    valid: false,
    errors: [expect.objectContaining({ rule: 'command', line: 3, column: 9, clause: 'config.md#process' })],
    warnings: [{ rule: 'machine', pointer: '', message: 'a\nb\u009b' }],
  })
  expect(text).not.toContain('\u009b')
  expect(JSON.parse(validationJson({ ...FOUND, errors: [] })).valid).toBe(true)
})
