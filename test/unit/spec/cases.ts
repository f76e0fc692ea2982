/** Configurations in Markdown, as rules.md explains them. */
import { readFileSync } from 'node:fs'
import { parseExact } from '../../../src/base/json.ts'
import { parsePointer } from '../../../src/base/pointer.ts'
import { type Json, plainConfig, userConfig, withPlace } from './configs.ts'

export interface Case {
  readonly rule: string
  /** The line of the document. */
  readonly line: number
  readonly config: () => Json
  readonly expected: readonly string[]
}

/** Applies a patch as rules.md explains it. */
function patched(base: Json, patch: Json): Json {
  let config = base
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('/')) config = withPlace(config, parsePointer(key), value === null ? undefined : value)
    else {
      const others = config.linux.namespaces.filter((each: Json) => each.type !== key.slice(1))
      const joined = key.startsWith('+') ? [{ type: key.slice(1), path: value }] : []
      config = withPlace(config, ['linux', 'namespaces'], [...others, ...joined])
    }
  }
  return config
}

/** The cases of a document of this folder. */
export function loadCases(name: string): Case[] {
  const cases: Case[] = []
  let rule = ''
  let expected: string[] = []
  for (const [index, line] of readFileSync(new URL(name, import.meta.url), 'utf8')
    .split('\n')
    .entries()) {
    const config = /^- (plain|user) `(.*)`$/.exec(line)
    if (line.startsWith('## ')) rule = line.slice(3)
    if (line.startsWith('  ')) expected.push(line.slice(2))
    if (!config) continue
    expected = []
    const base = config[1] === 'user' ? userConfig : plainConfig
    const patch = parseExact(config[2] as string) as Json
    cases.push({ rule, line: index + 1, config: () => patched(base(), patch), expected })
  }
  return cases
}
