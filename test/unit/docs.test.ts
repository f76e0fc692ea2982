/** Documents that name what is in the code are held against it. */

import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { CASES } from '../../conformance/cases/catalog.ts'
import { ERROR_CODES } from '../../src/base/errors.ts'
import { VERBS } from '../../src/cli/table.ts'
import { TAGS } from '../../src/plan/tags.ts'
import { CUSTOM } from '../../src/wire/ops.ts'
import { BROKEN } from '../weakened/conformance.ts'
import { phasesOf } from './plan/base.ts'
import { listProject, readProject, withoutComments } from './source.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A section of a document by its heading. */
function section(path: string, heading: string): string {
  const [, rest] = readProject(path).split(`\n## ${heading}\n`)
  if (rest === undefined) throw new Error(`${path} has no section "${heading}"`)
  return rest.split('\n## ')[0] as string
}

describe('docs/ARCHITECTURE.md', () => {
  test('lists the phases of create in the order of the code', () => {
    const listed = [
      ...section('docs/ARCHITECTURE.md', 'What create does, in order').matchAll(/^(\d+)\. \*\*([^*]+)\*\*/gm),
    ]
    expect(listed.map(([, , name]) => name)).toEqual(phasesOf().map(({ name }) => name))
    expect(listed.map(([, number]) => Number(number))).toEqual(listed.map((_, i) => i + 1))
  })

  test('names a planner that has the phase', () => {
    const build = readProject('src/plan/build.ts') + readProject('src/plan/process_phases.ts')
    const lines = section('docs/ARCHITECTURE.md', 'What create does, in order').matchAll(
      /^\d+\. \*\*([^*]+)\*\*[^\n]*?\/plan\/(\w+)\.ts/gm,
    )
    for (const [, phase, file] of lines) {
      if (file !== 'build') expect(build, `${phase} in ${file}`).toContain(`from './${file}.ts'`)
    }
  })

  test('explains every tag', () => {
    const table = section('docs/ARCHITECTURE.md', 'Programs and processes')
    expect([...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, tag]) => tag).toSorted()).toEqual(
      Object.keys(TAGS).toSorted(),
    )
  })
})

describe('README.md', () => {
  test('says what every command does', () => {
    const cells = [...section('README.md', 'Commands').matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell]) => cell as string)
    const named = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)[^`]*`/g)].map(([, verb]) => verb))
    const shown = Object.keys(VERBS).filter((verb) => !verb.startsWith('_'))
    expect([...new Set(named)].toSorted()).toEqual(shown.toSorted())
  })
})

describe('docs/ERRORS.md', () => {
  const documented = [...readProject('docs/ERRORS.md').matchAll(/^### `([^`]+)`$/gm)].map(([, code]) => code)

  test('documents every code, and no other', () => {
    expect(documented.toSorted()).toEqual(ERROR_CODES.toSorted())
  })

  test('every code is in use', () => {
    const code = listProject('src', '.ts').map((path) => withoutComments(readProject(path)))
    for (const each of ERROR_CODES) {
      const thrown = code.filter((text) => new RegExp(`['"]${each}['"]`).test(text))
      expect(thrown.length, `"${each}" is declared and used`).toBeGreaterThan(1)
    }
  })
})

describe('docs/SECURITY.md', () => {
  const rows = section('docs/SECURITY.md', 'Published flaws of runtimes, and what shows that davit does not have them')
    .split('\n')
    .filter((line) => /^\| (CVE|GHSA|cgroup)/.test(line))

  test('names tests that exist, at least one for each flaw', () => {
    for (const row of rows) {
      const named = [...row.matchAll(/(\w+): "((?:[^"\\]|\\.)+)"( \(proved\))?/g)]
      expect(named.length, row).toBeGreaterThan(0)
      const cases = [...row.matchAll(/`((?:security|device)-[\w-]+)`( \(proved\))?/g)]
      expect(cases.length > 0 || row.includes('| none: '), row).toBe(true)
      for (const [, id, proved] of cases) {
        expect(CASES.map((it) => it.id)).toContain(id)
        expect([id, proved !== undefined]).toEqual([
          id,
          Object.values(BROKEN)
            .flat()
            .includes(id ?? ''),
        ])
      }
      for (const [, file, name, proved] of named) {
        const plain = (name as string).replaceAll('\\"', '"')
        expect(readProject(`test/system/${file}.test.ts`)).toContain(plain)
        // A name of a table of tests stands for all of them.
        const proof = plain.replace('%s', plain.startsWith('/dev') ? 'console' : '/proc')
        if (proved) expect(readProject('test/system/security_guards.test.ts')).toContain(proof)
      }
    }
  })
})

test('links in documents lead somewhere', () => {
  const documents = ['README.md', 'CHANGELOG.md', ...listProject('docs', '.md')].filter((path) =>
    existsSync(ROOT + path),
  )
  const dead = documents.flatMap((path) =>
    [...readProject(path).matchAll(/\]\(([^)\s#]+)(#[^)]*)?\)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(`${ROOT}${dirname(path)}/${target}`))
      .map((target) => `${path}: ${target}`),
  )
  expect(dead).toEqual([])
})

test('what the executor means by an errno of its own is an errno', () => {
  expect(Object.values(CUSTOM).every((errno) => errno > 0 && errno < 134)).toBe(true)
})
