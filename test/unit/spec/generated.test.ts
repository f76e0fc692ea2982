import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { generate } from '../../../spec/build.ts'
import { loadSchema, subschemas } from '../../../spec/schemas.ts'
import { PATTERN_WORDS } from '../../../src/spec/describe.ts'

describe('generated files', () => {
  test('are what the schemas give', { timeout: 60_000 }, async () => {
    for (const [name, source] of Object.entries(await generate())) {
      expect(readFileSync(new URL(`../../../src/spec/${name}`, import.meta.url), 'utf8') === source, name).toBe(true)
      expect(source.startsWith('// Generated from spec/*.json'), name).toBe(true)
      expect(/\brequire\(|^import (?!type)/m.test(source), `${name} loads nothing at run time`).toBe(false)
    }
  })

  test('every property of the types is readonly', () => {
    const source = readFileSync(new URL('../../../src/spec/types.gen.ts', import.meta.url), 'utf8')
    const properties = source.split('\n').filter((line) => /^ +[\w[].*:/.test(line) && !/^ +\*/.test(line))
    expect(properties.length).toBeGreaterThan(150)
    expect(properties.filter((line) => !/^ +readonly /.test(line))).toEqual([])
    expect(source.match(/(?<!readonly [\w' |()]*)\w\[\]/g) ?? []).toEqual([])
  })

  test('every pattern can be said in words', () => {
    const patterns = new Set([...subschemas(loadSchema('config.json'))].flatMap(({ pattern }) => pattern ?? []))
    expect([...patterns].sort()).toEqual(Object.keys(PATTERN_WORDS).sort())
  })
})
