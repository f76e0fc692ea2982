/** Findings by example: review.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { encodeExact } from '../../../src/base/json.ts'
import { pointer } from '../../../src/base/pointer.ts'
import { locate } from '../../../src/spec/locate.ts'
import { ADVICE, adviceOn } from '../../../src/spec/review/advice.ts'
import { ADVISORIES } from '../../../src/spec/review/advisories.ts'
import type { Finding } from '../../../src/spec/review/finding.ts'
import { findPlaces } from '../../../src/spec/review/places.ts'
import { reviewConfig } from '../../../src/spec/review/review.ts'
import { CLAUSES, sectionOf } from '../../../src/spec/review/sections.ts'
import { RULES } from '../../../src/spec/rules/list.ts'
import { type Case, loadCases } from './cases.ts'
import { type Json, places, plainConfig, userConfig } from './configs.ts'
import { OFFICIAL } from './official.ts'

const review = async (config: Json) => (await reviewConfig(encodeExact(config))).findings

function line({ pointer: place, message, clause, requirement, hint }: Finding): string {
  const source = [clause, requirement].filter((word) => word).join(', ')
  return `${place}: ${message} [${source}] ${hint ?? '(no hint)'}`
}

async function linesOf({ rule, config }: Case): Promise<string[]> {
  return (await review(config())).filter((finding) => finding.rule === rule).map(line)
}

async function update(): Promise<void> {
  const url = new URL('review.md', import.meta.url)
  const old = readFileSync(url, 'utf8').split('\n')
  const cases = new Map(loadCases('review.md').map((each) => [each.line, each]))
  const lines: string[] = []
  for (const [index, text] of old.entries()) {
    if (text.startsWith('  ')) continue
    lines.push(text)
    const found = cases.get(index + 1)
    if (found) lines.push(...(await linesOf(found)).map((each) => `  ${each}`))
  }
  writeFileSync(url, lines.join('\n'))
}

if (process.env.UPDATE_GOLDEN === '1') await update()
const CASES = loadCases('review.md')

describe('review.md', () => {
  test.each(CASES)('line $line: $rule', async (each) => {
    expect(await linesOf(each)).toEqual(each.expected)
  })

  test('has something bad for every rule and advisory', () => {
    const bad = new Set(CASES.filter(({ expected }) => expected.length > 0).map(({ rule }) => rule))
    const names = [...RULES, ...ADVISORIES].map(({ name }) => name)
    expect(names.filter((name) => !bad.has(name))).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })

  test('every rule has advice, every advice a rule and a case', async () => {
    expect(Object.keys(ADVICE).toSorted()).toEqual(RULES.map(({ name }) => name).toSorted())
    const used = new Set<object | undefined>()
    for (const { rule, config } of [...CASES, ...loadCases('rules.md')]) {
      for (const found of await review(config()))
        if (found.rule === rule) used.add(adviceOn(rule, found.pointer, found.message))
    }
    // Made by hand: too long for a case.
    used.add(adviceOn('user namespace mappings', '/linux/uidMappings', '341 ranges'))
    const unused = Object.entries(ADVICE).flatMap(([rule, all]) =>
      all.filter((each) => !used.has(each)).map(({ hint }) => `${rule}: ${hint}`),
    )
    expect(unused).toEqual([])
  })

  test('good configurations have no errors', async () => {
    for (const config of [plainConfig(), userConfig()]) {
      const found = await review(config)
      expect(found.filter(({ severity }) => severity === 'error')).toEqual([])
      for (const { line: at, column, hint } of found)
        expect([typeof at, typeof column, typeof hint]).not.toContain('undefined')
    }
  })
})

describe('clauses', () => {
  const folder = OFFICIAL?.replace(/\/schema$/, '')

  test.runIf(folder && existsSync(`${folder}/config-linux.md`))('are headings of the specification', () => {
    const anchors = ['config.md', 'config-linux.md'].flatMap((document) =>
      [...readFileSync(`${folder}/${document}`, 'utf8').matchAll(/^#+ (?:<a [^>]*>)? ?(.*)$/gm)].map(
        ([, heading]) =>
          `${document}#${(heading as string)
            .toLowerCase()
            .replace(/[^\w -]/g, '')
            .replaceAll(' ', '-')}`,
      ),
    )
    const advised = ADVISORIES.map(({ clause }) => clause)
    const named = [...CLAUSES, ...advised, 'config.md#extensibility']
    expect(named.filter((clause) => !anchors.includes(clause))).toEqual([])
  })

  test('of rules are those of the places that they tell of', () => {
    for (const { name, clause } of RULES) {
      const parts = clause.split(/[;,] /).filter((part) => /^(config|#)/.test(part))
      const document = parts[0]?.split('#')[0]
      const all = parts.map((part) => (part.startsWith('#') ? `${document}${part}` : part))
      if (all.length === 0) continue
      for (const { rule, expected } of CASES) {
        for (const text of expected)
          if (rule === name) expect(all, text).toContain(sectionOf(text.split(': ')[0] as string))
      }
    }
  })
})

describe('places', () => {
  test('are those of locate, for every value', () => {
    const text = JSON.stringify(plainConfig(), null, 3)
    const found = findPlaces(text)
    for (const path of places(plainConfig())) {
      const place = pointer(...path)
      expect(found.of(place), place).toEqual(locate(text, place))
    }
    expect(found.repeated).toEqual([])
  })

  test('of what is missing: the object that it is missing in', () => {
    const found = findPlaces('{\n  "a": [{"b": 1}]\n}')
    expect(found.of('/a/0/c/d')).toEqual({ line: 2, column: 9 })
    expect(found.of('/x')).toEqual({ line: 1, column: 1 })
  })

  test('of repeated members: the last', () => {
    const found = findPlaces('{"a": {"b": 1},\n"a": {}, "c~/": 1, "c~/": 2}')
    expect(found.of('/a/b')).toEqual({ line: 2, column: 6 })
    expect(found.repeated).toEqual(['/a', '/c~0~1'])
  })

  test('of repeated members, however many: in no time', { timeout: 5000 }, () => {
    const inside = Array.from({ length: 100_000 }, (_, i) => i).join()
    const found = findPlaces(`{"a": [${inside}], ${'"b": [1],'.repeat(100_000)} "b": []}`)
    expect(found.repeated).toEqual(['/b'])
    expect(found.of('/b/0')).toEqual(found.of('/b'))
    expect(found.of('/a/1')).toEqual({ line: 1, column: 10 })
  })

  test('of a text that breaks off', () => {
    expect(findPlaces('[1, 2, }').of('/1')).toEqual({ line: 1, column: 5 })
  })
})

describe('odd texts', () => {
  const only = async (text: string) => {
    const { findings } = await reviewConfig(text)
    expect(findings).toHaveLength(1)
    return findings[0]
  }

  test('syntax errors have a place', async () => {
    expect(await only('{\n"a": 1,}')).toMatchObject({ rule: 'syntax', line: 2, column: 8, requirement: 'MUST' })
    expect(await only('')).toMatchObject({ rule: 'syntax', line: 1, column: 1 })
  })

  test('no object at all', async () => {
    expect(await only('null')).toMatchObject({ rule: 'schema', pointer: '', message: 'expected an object, got null' })
  })

  test('a repeated member is told, and the last one counts', async () => {
    const text = JSON.stringify(plainConfig()).replace('{', '{"ociVersion": "9.9.9", ')
    const { findings, spec } = await reviewConfig(text)
    expect(findings.filter(({ rule }) => rule === 'repeated member').map((each) => each.pointer)).toEqual([
      '/ociVersion',
    ])
    expect(spec?.ociVersion).toBe('1.2.0')
  })

  test.each([1e5, 1e6])('%d levels deep', async (depth) => {
    const { findings } = await reviewConfig(`{"ociVersion": "1.0.0", "x": ${'['.repeat(depth)}${']'.repeat(depth)}}`)
    expect(findings.length).toBeGreaterThan(0)
  })

  test('a hundred thousand problems', { timeout: 20_000 }, async () => {
    const mounts = Array.from({ length: 100_000 }, () => ({}))
    const { findings } = await reviewConfig(JSON.stringify({ ociVersion: '1.0.0', mounts }, null, 1))
    expect(findings.length).toBeGreaterThan(100_000)
    expect(findings.find(({ pointer: place }) => place === '/mounts/99999/destination')?.line).toBeGreaterThan(99_999)
  })
})
