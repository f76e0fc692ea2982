/** Long device lists: planned in time that grows with them, and as a search through the whole list would have it. */
import { expect, test } from 'vitest'
import {
  type AccessRule,
  accessLetters,
  covers,
  effectiveRules,
  isDefault,
  overlaps,
} from '../../../../src/plan/cgroup/device_rules.ts'
import { planDeviceChangeV1, planDevicesV1 } from '../../../../src/plan/cgroup/device_v1.ts'
import type { CgroupStep, Draft } from '../../../../src/plan/cgroup/model.ts'
import type { DeviceRule } from '../../../../src/spec/types.gen.ts'
import { randomRules, seeded } from './device_oracle.ts'
import { LEGACY, plan, UNIFIED } from './helper.ts'

const draft = (): Draft => ({ place: () => undefined, at: '', steps: [], late: [], warnings: [] })
const words = (steps: readonly CgroupStep[]) =>
  steps.map((step) => (step.kind === 'write' ? `${step.path.replace('/d/devices.', '')} ${step.value}` : step.kind))

/** By definition: a later rule about the same devices, or more of them, and the same accesses, or more. */
function effective(rules: readonly AccessRule[]): AccessRule[] {
  return rules.filter((rule, index) => {
    return !rules.slice(index + 1).some((later) => covers(later, rule) && (rule.access & ~later.access) === 0)
  })
}

/** The exceptions as a plain list that is looked through for each rule; undefined where a hole would be punched. */
function exceptionsOf(rules: readonly AccessRule[]): { allow: boolean; list: AccessRule[] } | undefined {
  let [allow, list]: [boolean, AccessRule[]] = [false, []]
  const both = (rule: AccessRule) => (['b', 'c'] as const).map((type) => ({ ...rule, type }))
  for (const rule of rules.flatMap((one) => (one.type === 'a' && !isDefault(one) ? both(one) : [one]))) {
    if (isDefault(rule)) [allow, list] = [rule.allow, []]
    else if (rule.allow !== allow) {
      const same = list.findIndex((one) => covers(one, rule) && covers(rule, one))
      const known = list[same]
      if (known) list[same] = { ...known, access: known.access | rule.access }
      else list.push(rule)
    } else {
      if (list.some((one) => !covers(rule, one) && overlaps(rule, one) && one.access & rule.access)) return undefined
      list = list
        .map((one) => (covers(rule, one) ? { ...one, access: one.access & ~rule.access } : one))
        .filter(({ access }) => access !== 0)
    }
  }
  return { allow, list }
}

const text = ({ type, major, minor, access }: AccessRule) =>
  `${type} ${major ?? '*'}:${minor ?? '*'} ${accessLetters(access)}`

test('what is pointless is what a later rule covers, for random lists', () => {
  const random = seeded(31)
  let dropped = 0
  for (let round = 0; round < 5000; round++) {
    const rules = randomRules(random)
    const expected = effective(rules)
    dropped += rules.length - expected.length
    expect(effectiveRules(rules)).toEqual(expected)
  }
  expect(dropped).toBeGreaterThan(500)
})

test('the exceptions of v1 are those of a plain list, for random lists', () => {
  const random = seeded(32)
  let [planned, refused] = [0, 0]
  for (let round = 0; round < 5000; round++) {
    const rules = randomRules(random)
    const expected = exceptionsOf(rules)
    const made = draft()
    const act = () => planDevicesV1(made, { version: 1, dir: '/d' }, rules, false)
    if (expected === undefined) {
      refused++
      expect(act).toThrow('cgroup v1 cannot punch a hole')
      continue
    }
    planned++
    act()
    const { allow, list } = expected
    const [first, other] = allow ? ['allow', 'deny'] : ['deny', 'allow']
    expect(words(made.steps)).toEqual([`${first} a`, ...list.map((rule) => `${other} ${text(rule)}`)])
    expect(planDeviceChangeV1(draft(), { version: 1, dir: '/d' }, rules, rules)).toEqual([])
  }
  expect(Math.min(planned, refused)).toBeGreaterThan(500)
})

test('twenty thousand rules are no matter', () => {
  const devices = Array.from({ length: 20_000 }, (_, index): DeviceRule => {
    return { allow: index % 3 !== 0, type: 'c', major: index >> 8, minor: index & 255, access: 'rw' }
  })
  const before = performance.now()
  expect(plan({ devices }, UNIFIED).devices?.instructions.length).toBeGreaterThan(100_000)
  expect(plan({ devices }, LEGACY).steps.length).toBeGreaterThan(13_000)
  // A search for each rule takes more than a minute.
  expect(performance.now() - before).toBeLessThan(10_000)
})
