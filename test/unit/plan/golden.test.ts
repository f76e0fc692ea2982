/**
 * Plans by example: golden/*.md. A case is a heading, prose, the configuration (a merge patch on base.ts's), facts and
 * request likewise, and the expected sections. UPDATE_GOLDEN=1 writes what the planners say now; read the diff.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { messageOf } from '../../../src/base/errors.ts'
import { parseExact } from '../../../src/base/json.ts'
import { buildPlan, planPhases } from '../../../src/plan/build.ts'
import { checkPlan } from '../../../src/plan/check.ts'
import { printHostStep, printPlan, printStep } from '../../../src/plan/print.ts'
import type { Plan } from '../../../src/plan/step.ts'
import { checkRules } from '../../../src/spec/rules/check.ts'
import { validateFast } from '../../../src/spec/validate_fast.gen.ts'
import { FACTS, type Input, inputOf, planInput } from './base.ts'

const FOLDER = new URL('golden/', import.meta.url)

interface Case {
  readonly title: string
  readonly input: Input
  /** Sections of the expectation: "plan", "parent", "presets", "stage", "warnings", "error", or a phase's name. */
  readonly sections: readonly string[]
  readonly expected: string
}

/** ```kind words, content, ``` */
const BLOCK = /^```(\w+) ?([^\n]*)\n([\s\S]*?)^```$/gm

function parseCase(text: string): Case {
  const [title = ''] = text.split('\n', 1)
  const patch: { config?: object; facts?: object; request?: object } = {}
  let expectation: { sections: string[]; expected: string } | undefined
  for (const [, kind, words = '', content = ''] of text.matchAll(BLOCK)) {
    if (kind === 'plan') expectation = { sections: words.split(/, */), expected: content }
    else if (kind === 'json' && (words === 'config' || words === 'facts' || words === 'request')) {
      patch[words] = parseExact(content) as object
    } else throw new Error(`${title}: unknown block "${kind} ${words}"`)
  }
  if (!expectation) throw new Error(`${title}: no plan block`)
  return { title, input: inputOf(patch), ...expectation }
}

function numbered(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`)
}

function sectionLines(name: string, plan: Plan, input: Input): string[] {
  const parts = printPlan(plan).split(/\n(?=\w)/)
  switch (name) {
    case 'plan':
      return [printPlan(plan).trimEnd()]
    case 'parent':
      return ['parent:', ...numbered(plan.parent.map(printHostStep))]
    case 'stage':
      return ['stage:', ...numbered(plan.stage.map(printStep))]
    case 'presets':
      return [(parts.find((part) => part.startsWith('opened by')) ?? '').trimEnd()]
    case 'warnings':
      return ['warnings:', ...numbered(plan.warnings)]
    default: {
      const phase = planPhases(planInput(input)).find((each) => each.name === name)
      if (!phase) throw new Error(`no phase "${name}"`)
      return [`${name}:`, ...numbered(phase.steps.map(printStep))]
    }
  }
}

/** What the planners say of a case. */
function actual({ input, sections }: Case): string {
  let plan: Plan
  try {
    plan = buildPlan(planInput(input))
  } catch (error) {
    return `error: ${messageOf(error)}\n`
  }
  checkPlan(plan)
  return `${sections.flatMap((name) => sectionLines(name, plan, input)).join('\n')}\n`
}

function update(file: string): void {
  const url = new URL(file, FOLDER)
  const [head = '', ...cases] = readFileSync(url, 'utf8').split(/^## /m)
  const texts = cases.map((text) => {
    return text.replace(/^(```plan[^\n]*\n)[\s\S]*?^(```)$/m, (_, open, close) => {
      return `${open}${actual(parseCase(text))}${close}`
    })
  })
  writeFileSync(url, [head, ...texts].join('## '))
}

const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.md'))
if (process.env.UPDATE_GOLDEN === '1') for (const file of FILES) update(file)

describe.each(FILES)('%s', (file) => {
  const [, ...texts] = readFileSync(new URL(file, FOLDER), 'utf8').split(/^## /m)

  test.each(texts.map((text) => parseCase(text)))('$title', (example) => {
    const { config } = example.input
    expect(validateFast(config), 'the schema accepts the configuration').toBe(true)
    expect(checkRules(config).problems, 'the rules accept it').toEqual([])
    expect(actual(example)).toBe(example.expected)
  })
})

test('the facts of the base are complete', () => {
  expect(FACTS.boundingCaps).toHaveLength(16)
})
