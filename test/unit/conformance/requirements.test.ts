/** The table of requirements is whole, and cases name what is in it. */
import { describe, expect, test } from 'vitest'
import { CASES } from '../../../conformance/cases/catalog.ts'
import { KEY_WORDS, REQUIREMENTS } from '../../../conformance/requirements/catalog.ts'
import { linkTo } from '../../../conformance/requirements/requirement.ts'

const twice = (names: readonly string[]) => names.filter((name, i) => names.indexOf(name) !== i)

describe('requirements', () => {
  test('have a row for every key word of each document', () => {
    const words: Record<string, number> = {}
    for (const { clause, words: count } of REQUIREMENTS) {
      const document = clause.split('#')[0] as string
      words[document] = (words[document] ?? 0) + count
    }
    expect(words).toEqual(KEY_WORDS)
  })

  test('have ids of their own, and clauses that can be linked to', () => {
    expect(twice(REQUIREMENTS.map(({ id }) => id))).toEqual([])
    expect(REQUIREMENTS.filter(({ id }) => !/^(runtime|config|linux|features)-[\w-]+$/.test(id))).toEqual([])
    for (const { clause } of REQUIREMENTS) expect(linkTo(clause), clause).toMatch(/^https:\S+\/v1\.3\.0\/[\w-]+\.md#/)
  })
})

describe('cases', () => {
  test('have ids of their own', () => {
    expect(twice(CASES.map(({ id }) => id))).toEqual([])
  })

  test('cover requirements that exist, and that can be covered', () => {
    const coverable = new Set(REQUIREMENTS.filter((it) => it.uncoverable === undefined).map(({ id }) => id))
    const wrong = CASES.flatMap(({ id, covers = [] }) =>
      covers.filter((name) => !coverable.has(name)).map((name) => `${id}: ${name}`),
    )
    expect(wrong).toEqual([])
  })
})
