/** Why a config.json is not valid, in words. Loaded only when the fast validator has said no. */
import { type Problem, RuntimeError } from '../base/errors.ts'
import { escapeToken, parsePointer } from '../base/pointer.ts'
import { describeSchema, describeValue, type SchemaNode } from './describe.ts'
import { problemMessage } from './problems.ts'
import { checkRulesBeside } from './rules/check.ts'
import { schemaAt } from './schema.ts'
import type { Spec } from './types.gen.ts'
import { type AjvError, validateAll } from './validate.gen.ts'
import { validateFast } from './validate_fast.gen.ts'

/** The value without its null members if that makes it valid, else throws 'config-invalid' with all problems. */
export function explain(value: unknown): Spec {
  const clean = withoutNulls(value)
  if (validateFast(clean)) return clean
  const problems = schemaProblems(clean)
  if (problems.length === 0) throw new Error('bug: the two validators disagree')
  const places = problems.map((problem) => problem.pointer)
  const all = [...problems, ...checkRulesBeside(clean as Spec, places)]
  throw new RuntimeError('config-invalid', problemMessage(all), all)
}

/** Everything that the schema finds wrong, one problem per place. */
export function schemaProblems(value: unknown): Problem[] {
  if (validateAll(value)) return []
  const byPlace = new Map<string, Problem>()
  for (const error of validateAll.errors ?? []) {
    const problem = toProblem(error, value)
    if (problem && !byPlace.has(problem.pointer)) byPlace.set(problem.pointer, problem)
  }
  return [...byPlace.values()]
}

function toProblem(error: AjvError, value: unknown): Problem | undefined {
  // What failed inside a key is told by the keyword around it.
  if (/\/propertyNames\//.test(error.schemaPath)) return undefined
  const { instancePath, params } = error
  if (error.keyword === 'required') {
    return {
      pointer: `${instancePath}/${escapeToken(String(params.missingProperty))}`,
      message: 'required but missing',
    }
  }
  if (error.keyword === 'propertyNames') {
    const pointer = `${instancePath}/${escapeToken(String(params.propertyName))}`
    return { pointer, message: 'expected a key without NUL' }
  }
  const tokens = parsePointer(instancePath)
  const found = lookUp(value, tokens)
  // ajv's schemaPath would not do: it restarts at every $ref.
  const schema = schemaAt(tokens)
  if (schema === undefined) throw new Error(`bug: no schema for ${instancePath}`)
  // ajv knows no bigint.
  if (typeof found === 'bigint' && isInRange(schema, found)) return undefined
  const expected = describeSchema(schema, found)
  return { pointer: instancePath, message: `expected ${expected}, got ${describeValue(instancePath, found)}` }
}

/** Whether the schema has numbers that are no doubles, and this is one of them. */
function isInRange({ minimum = 0, maximum = 0 }: SchemaNode, value: bigint): boolean {
  if (Number.isSafeInteger(maximum)) return false
  return minimum < 0 ? BigInt.asIntN(64, value) === value : BigInt.asUintN(64, value) === value
}

function lookUp(root: unknown, tokens: readonly string[]): unknown {
  let value = root
  for (const token of tokens) value = (value as Record<string, unknown>)[token]
  return value
}

/** Deeper than any place that the schema looks at, and shallow enough for any stack. */
const DEPTH = 32

/** A copy without null members, which count as absent. */
export function withoutNulls(value: unknown, depth = 0): unknown {
  if (depth > DEPTH || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, depth + 1))
  const kept = Object.entries(value).filter(([, member]) => member !== null)
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNulls(member, depth + 1)]))
}
