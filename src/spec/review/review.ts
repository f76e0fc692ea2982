/** Everything that can be said of a config.json by reading it: what is wrong, what should be otherwise. Pure. */
import { RuntimeError } from '../../base/errors.ts'
import { encodeJson } from '../../base/json.ts'
import { parsePointer } from '../../base/pointer.ts'
import { schemaProblems, withoutNulls } from '../explain.ts'
import { parseConfig } from '../parse.ts'
import { rulesBeside } from '../rules/check.ts'
import { RULES } from '../rules/list.ts'
import type { Rule } from '../rules/rule.ts'
import { syntaxError } from '../scan.ts'
import { schemaAt } from '../schema.ts'
import type { Spec } from '../types.gen.ts'
import { adviceOn } from './advice.ts'
import { ADVISORIES } from './advisories.ts'
import type { Finding, PlacedFinding } from './finding.ts'
import { findPlaces } from './places.ts'
import { sectionOf } from './sections.ts'
import { unknownMembers } from './unknown.ts'

/** A text with what was found in it. */
export interface Review {
  readonly findings: readonly PlacedFinding[]
  /** The configuration, when the schema accepts it; rules may have found errors all the same. */
  readonly spec?: Spec
  /** Line and column of further findings. */
  place(finding: Finding): PlacedFinding
}

/** Reads the text of a config.json as `create` does, and then once more with care. Never throws for what is in it. */
export async function reviewConfig(text: string): Promise<Review> {
  const syntax = syntaxError(text)
  if (syntax) return { findings: [brokenText(syntax)], place: (finding) => finding }
  const places = findPlaces(text)
  const place = (finding: Finding): PlacedFinding => ({ ...finding, ...places.of(finding.pointer) })
  const parsed = await parsedOrTooDeep(text)
  if (parsed.error) return { findings: [brokenText({ line: 1, column: 1, message: parsed.error })], place }
  const value = withoutNulls(parsed.value)
  const schema = schemaProblems(value).map(({ pointer, message }) => mismatch(pointer, message))
  const found = [...schema, ...byRules(value as Spec, schema), ...unknownMembers(value), ...repeated(places.repeated)]
  const findings = found.map(place)
  return { findings, place, ...(schema.length > 0 ? {} : { spec: value as Spec }) }
}

/** The grammar is fine, but the engine may run out of stack. */
async function parsedOrTooDeep(text: string): Promise<{ readonly value?: unknown; readonly error?: string }> {
  try {
    const value = (await parseConfig(text)).exact()
    // As create keeps it.
    encodeJson(value, 'config.json')
    return { value }
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    return { error: 'nested too deeply or too large' }
  }
}

function brokenText({ line, column, message }: NonNullable<ReturnType<typeof syntaxError>>): PlacedFinding {
  const hint = 'config.json is JSON as RFC 8259 has it: no comments, no comma after the last member'
  const clause = 'config.md#configuration'
  return { severity: 'error', pointer: '', message, rule: 'syntax', clause, requirement: 'MUST', hint, line, column }
}

function mismatch(pointer: string, message: string): Finding {
  const missing = message.startsWith('required')
  const words = pointer === '' ? undefined : schemaAt(parsePointer(pointer))?.description
  return {
    severity: 'error',
    pointer,
    message,
    rule: 'schema',
    clause: sectionOf(pointer),
    requirement: missing ? 'REQUIRED' : 'MUST',
    ...(words === undefined ? {} : { hint: `it is: ${words}` }),
  }
}

/** Rules and advisories that read nothing which the schema has refused. */
function byRules(spec: Spec, refused: readonly Finding[]): Finding[] {
  const places = refused.map(({ pointer }) => pointer)
  const found: Finding[] = []
  for (const rule of rulesBeside(RULES, places)) {
    rule.check(spec, (pointer, message) => found.push(fromRule(rule, pointer, message)))
  }
  const advisories = rulesBeside(ADVISORIES, places)
  for (const { name: rule, clause, requirement, hint, check } of advisories) {
    const rest = { rule, clause, ...(requirement ? { requirement } : {}), hint }
    check(spec, (pointer, message) => found.push({ severity: 'warning', pointer, message, ...rest }))
  }
  return found
}

function fromRule({ name, severity }: Rule, pointer: string, message: string): Finding {
  const { requirement, hint } = adviceOn(name, pointer, message) ?? {}
  return {
    severity: severity === 'problem' ? 'error' : 'warning',
    pointer,
    message,
    rule: name,
    clause: sectionOf(pointer),
    ...(requirement ? { requirement } : {}),
    ...(hint ? { hint } : {}),
  }
}

function repeated(pointers: readonly string[]): Finding[] {
  return pointers.map((pointer) => ({
    severity: 'warning',
    pointer,
    message: 'given more than once, only this one counts',
    rule: 'repeated member',
    clause: 'config.md#configuration',
    hint: 'keep one of them',
  }))
}
