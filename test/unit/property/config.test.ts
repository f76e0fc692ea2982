/**
 * What holds for every configuration, on configurations made up from the schema. A failure prints seed and path, which
 * go into SEED and FC_PATH to see it again.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RuntimeError } from '../../../src/base/errors.ts'
import { encodeExact } from '../../../src/base/json.ts'
import { parsePointer } from '../../../src/base/pointer.ts'
import { buildPlan } from '../../../src/plan/build.ts'
import { checkPlan } from '../../../src/plan/check.ts'
import type { Facts } from '../../../src/plan/facts.ts'
import { printPlan } from '../../../src/plan/print.ts'
import type { Plan } from '../../../src/plan/step.ts'
import { parseSpec } from '../../../src/spec/config.ts'
import { reviewConfig } from '../../../src/spec/review/review.ts'
import { checkRules } from '../../../src/spec/rules/check.ts'
import type { Spec } from '../../../src/spec/types.gen.ts'
import { encodePlan } from '../../../src/wire/encode.ts'
import { CGROUPS, FACTS, planInput, REQUEST } from '../plan/base.ts'
import { type Json, ODD_VALUES, places, withPlace } from '../spec/configs.ts'
import { isThere, validConfig, withoutPlace } from './configs.ts'

const { SEED, FC_PATH } = process.env
const settings = (numRuns: number) => ({
  numRuns,
  seed: SEED === undefined ? 20260101 : Number(SEED),
  ...(FC_PATH === undefined ? {} : { path: FC_PATH }),
})

const facts: fc.Arbitrary<Facts> = fc
  .record({
    cgroup: fc.constantFrom(...Object.values(CGROUPS)),
    initialUserns: fc.boolean(),
    apparmor: fc.boolean(),
    selinux: fc.boolean(),
    kernel: fc.constantFrom<readonly [number, number]>([5, 10], [5, 15], [6, 12], [6, 18], [7, 3]),
    user: fc.constantFrom({}, { euid: 1000, egid: 1000, boundingCaps: '0', effectiveCaps: '0', mayMount: false }),
  })
  .map(({ user, ...rest }) => ({ ...FACTS, ...rest, ...user }))

/** The plan of a configuration, or of what is left of it without what this host or davit cannot do. */
function planOf(config: Json, host: Facts): { readonly plan?: Plan; readonly config: Spec } {
  for (let left = config; ; ) {
    try {
      return { plan: buildPlan(planInput({ config: left, facts: host, request: REQUEST })), config: left }
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      expect(error.message).toMatch(/^[^\n]+$/)
      for (const { pointer } of error.problems) expectPlace(left, pointer)
      const [problem] = error.problems
      if (!problem || checkRules(left).problems.length > 0) return { config: left }
      left = withoutPlace(left, parsePointer(problem.pointer))
      // What stood there may have excused what is missing elsewhere, as "remount" a mount without a type.
      if (checkRules(left).problems.length > 0) return { config: left }
    }
  }
}

/** A pointer leads to a value, or to a member that is missing in a value that is there. */
function expectPlace(value: Json, pointer: string): void {
  const path = parsePointer(pointer)
  if (!isThere(value, path) && !isThere(value, path.slice(0, -1)))
    expect.fail(`${pointer} is nowhere in ${encodeExact(value)}`)
}

test('a valid configuration is read as it is written, and reviewed without errors', async () => {
  await fc.assert(
    fc.asyncProperty(validConfig, async (config) => {
      const text = encodeExact(config)
      const { spec } = await parseSpec(text)
      expect(encodeExact(spec)).toBe(text)
      const { findings } = await reviewConfig(text)
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
      for (const { pointer } of findings) expectPlace(config, pointer)
    }),
    settings(120),
  )
})

test('a valid configuration is planned, checked, encoded and printed, or refused with a place', () => {
  let planned = 0
  fc.assert(
    fc.property(validConfig, facts, (config, host) => {
      const { plan, config: left } = planOf(config, host)
      if (!plan) return
      planned++
      checkPlan(plan)
      const fds = new Map(plan.presets.map(({ slot }, i) => [slot, 10 + i]))
      for (const arch of ['x64', 'arm64'] as const) encodePlan(plan, fds, arch)
      const printed = printPlan(plan)
      expect(printed).not.toMatch(/undefined|NaN|\[object/)
      // The same again from the same, and from the plan as JSON.
      expect(JSON.stringify(planOf(left, host).plan)).toBe(JSON.stringify(plan))
      if (!left.linux?.seccomp) expect(printPlan(JSON.parse(JSON.stringify(plan)))).toBe(printed)
    }),
    settings(250),
  )
  console.log(`${planned} of 250 generated configurations were planned`)
  if (FC_PATH === undefined) expect(planned).toBeGreaterThan(125)
})

test('a mutated configuration is accepted, or refused with places that are there', async () => {
  let refused = 0
  const change = fc.tuple(fc.nat(), fc.constantFrom(...ODD_VALUES))
  const check = async (config: Json, [at, value]: [number, Json]) => {
    const all = places(config).filter((path) => path.length > 0)
    const mutant = withPlace(config, all[at % all.length] as readonly string[], value)
    const text = encodeExact(mutant)
    const problems = await parseSpec(text).then(
      () => [],
      (error) => {
        if (!(error instanceof RuntimeError) || error.code !== 'config-invalid') throw error
        return error.problems
      },
    )
    for (const { pointer, message } of problems) {
      expectPlace(mutant, pointer)
      expect(message).not.toBe('')
    }
    // The careful reader sees the same errors, each with its place in the text.
    const errors = (await reviewConfig(text)).findings.filter(({ severity }) => severity === 'error')
    expect(errors.map(({ pointer }) => pointer).toSorted()).toEqual(problems.map(({ pointer }) => pointer).toSorted())
    for (const { line, column } of errors) expect([line, typeof column]).toEqual([1, 'number'])
    if (problems.length > 0) refused++
  }
  await fc.assert(
    fc.asyncProperty(validConfig, fc.array(change, { minLength: 10, maxLength: 20 }), async (config, changes) => {
      for (const each of changes) await check(config, each)
    }),
    settings(80),
  )
  if (FC_PATH === undefined) expect(refused).toBeGreaterThan(200)
})
