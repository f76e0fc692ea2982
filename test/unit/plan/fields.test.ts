/**
 * `davit plan` shows what every field of config.json does: when a field changes, so does something of the plan that names
 * it as the reason, or fields.ts says why not. A new field of the schema fails this test until it has an effect.
 */
import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../../src/base/errors.ts'
import { parsePointer, pointer } from '../../../src/base/pointer.ts'
import { buildPlan } from '../../../src/plan/build.ts'
import { hooksOf } from '../../../src/plan/hooks.ts'
import type { SchemaNode } from '../../../src/spec/describe.ts'
import { childSchema, configSchema } from '../../../src/spec/schema.ts'
import { type Json, withPlace } from '../spec/configs.ts'
import { CGROUPS, FACTS, planInput, REQUEST } from './base.ts'
import { BASES, ELSEWHERE, OTHER_VALUES, SILENT } from './fields.ts'

/** Every field that has a value of its own, as tokens; `*` stands for any index or key. */
function fields(schema: SchemaNode, path: readonly string[] = []): (readonly string[])[] {
  const names = Object.keys(schema.properties ?? {})
  const inner = names.length > 0 ? names : schema.items || schema.additionalProperties ? ['*'] : []
  if (inner.length === 0) return [path]
  return inner.flatMap((token) => fields(childSchema(schema, token) as SchemaNode, [...path, token]))
}

/** The field in a configuration that has it, with its first index or key; undefined where it has not. */
function concrete(config: Json, field: readonly string[]): readonly string[] | undefined {
  const path: string[] = []
  let at = config
  for (const token of field) {
    if (typeof at !== 'object' || at === null) return undefined
    // The last of several: the first may be covered by it.
    const real = token === '*' ? Object.keys(at).at(-1) : token
    if (real === undefined || !Object.hasOwn(at, real)) return undefined
    path.push(real)
    at = at[real]
  }
  return path
}

type Base = (typeof BASES)[number]

/** Something of a plan and the place in config.json that it comes from. */
type Effect = readonly [what: string, place: string]

/** Numbers of slots say nothing. */
const plain = (value: unknown) =>
  JSON.stringify(value, (key, member) =>
    /^(slot|out|root|mount|stdin|output|dir|to|from)$/.test(key) && typeof member === 'number' ? '' : member,
  )

function effects({ config, cgroup }: Base): Effect[] {
  const facts = { ...FACTS, cgroup: CGROUPS[cgroup], apparmor: true, selinux: true, resctrl: '/sys/fs/resctrl' }
  const input = planInput({ config, facts, request: REQUEST })
  const { parent, presets, stage, init } = buildPlan(input)
  const steps = [...parent, ...presets, ...stage, ...init].map((step): Effect => {
    return [plain(step), ('origin' in step ? step.origin?.config : undefined) ?? '']
  })
  const { dirs = [], steps: limits = [], late = [], devices } = input.cgroup ?? {}
  return [
    ...steps,
    ...dirs.map(({ path }): Effect => [path, '/linux/cgroupsPath']),
    ...[...limits, ...late].map((step): Effect => [plain(step), 'config' in step ? step.config : '']),
    [plain(devices), '/linux/resources/devices'],
    ...(['poststart', 'poststop'] as const).flatMap((kind) =>
      hooksOf({ spec: config }, kind).map((hook): Effect => [plain(hook), hook.config]),
    ),
  ]
}

/** Places of what is in one list and not in the other, and what davit says when it refuses. */
function changed(before: Base, after: Base): string[] {
  try {
    const [old, now] = [effects(before), effects(after)]
    const only = (a: Effect[], b: Effect[]) => {
      const texts = new Set(b.map(([what]) => what))
      return a.filter(([what]) => !texts.has(what)).map(([, place]) => place)
    }
    return [...only(old, now), ...only(now, old)]
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    return error.problems.map((problem) => problem.pointer)
  }
}

const covers = (place: string, field: string) => place !== '' && (field === place || field.startsWith(`${place}/`))

function otherValue(field: string, schema: SchemaNode, value: unknown): Json {
  const other = OTHER_VALUES.find(([pattern]) => pattern.test(field))
  if (other) return other[1]
  if (schema.enum) return schema.enum.find((word) => word !== value)
  if (typeof value === 'boolean') return !value
  return typeof value === 'number' ? value + 1 : `${value}x`
}

/** Whether some plan of some configuration shows the field. */
function isShown(field: readonly string[], schema: SchemaNode): boolean {
  return BASES.some((base) => {
    const path = concrete(base.config, field)
    if (!path) return false
    const value = path.reduce((at, token) => at[token], base.config)
    const config = withPlace(base.config, path, otherValue(`/${field.join('/')}`, schema, value))
    const name = pointer(...path)
    const elsewhere = ELSEWHERE.filter(([which]) => which.test(name))
    return changed(base, { ...base, config }).some(
      (place) => covers(place, name) || elsewhere.some(([, where]) => where.test(place)),
    )
  })
}

describe('every field', () => {
  const all = fields(configSchema)

  test.each(all.map((field) => [pointer(...field), field] as const))('%s', (name, field) => {
    let schema = configSchema
    for (const token of field) schema = childSchema(schema, token) as SchemaNode
    const silent = SILENT.find(([place]) => covers(place, name))
    if (silent) expect(isShown(field, schema), `fields.ts says of ${silent[0]}: ${silent[1]}`).toBe(false)
    else expect(isShown(field, schema), `a change of ${name} shows nowhere in the plan`).toBe(true)
  })

  test.each(BASES)('the configurations can be planned, $#', (base) => {
    expect(effects(base).length).toBeGreaterThan(50)
  })

  test('of the list of those without effect is in the schema', () => {
    const names = all.map((field) => pointer(...field))
    expect(SILENT.filter(([place]) => !names.some((name) => covers(place, name)))).toEqual([])
    expect(new Set(SILENT.map(([place]) => parsePointer(place).join('/'))).size).toBe(SILENT.length)
  })
})
