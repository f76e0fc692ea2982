import { describe, expect, test } from 'vitest'
import { encodeBpf } from '../../../../src/kernel/bpf.ts'
import { deviceProgram } from '../../../../src/plan/cgroup/device_program.ts'
import { type AccessRule, accessRules } from '../../../../src/plan/cgroup/device_rules.ts'
import type { DeviceRule } from '../../../../src/spec/types.gen.ts'
import { allRequests, type DeviceAccess, interpret, naive, randomRules, reachable, seeded } from './device_oracle.ts'
import { plan, UNIFIED } from './helper.ts'

const draft = { place: () => undefined, at: '/linux/resources', steps: [], late: [], warnings: [] }
const program = (rules: readonly DeviceRule[]) => deviceProgram(accessRules(draft, rules))
const c = (major: number, minor: number, access: number): DeviceAccess => ({ type: 'c', major, minor, access })
const [M, R, W] = [1, 2, 4]

/** Docker's list (moby oci/defaults.go): deny all, then what its containers get. */
const DOCKER: DeviceRule[] = [
  { allow: false, access: 'rwm' },
  ...[
    [1, 5],
    [1, 3],
    [1, 9],
    [1, 8],
    [5, 0],
    [5, 1],
  ].map(([major, minor]) => ({
    allow: true,
    type: 'c',
    major: major as number,
    minor: minor as number,
    access: 'rwm',
  })),
  { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' },
]

test('golden: one rule after deny-all', () => {
  const deny: AccessRule = { allow: false, type: 'a', major: undefined, minor: undefined, access: 7, config: '' }
  const null_: AccessRule = { allow: true, type: 'c', major: 1, minor: 3, access: 6, config: '' }
  expect(
    Buffer.from(encodeBpf(deviceProgram([deny, null_])))
      .toString('hex')
      .match(/.{16}/g),
  ).toEqual([
    '6112000000000000', // r2 = access_type
    '54020000ffff0000', // r2 &= 0xffff
    '6113000000000000', // r3 = access_type
    '7403000010000000', // r3 >>= 16
    '6114040000000000', // r4 = major
    '6115080000000000', // r5 = minor
    '5502060002000000', // if r2 != char, to the next rule
    '5504050001000000', // if r4 != 1
    '5505040003000000', // if r5 != 3
    '5403000001000000', // r3 &= ~(read | write)
    '5503020000000000', // if anything is left, to the next rule
    'b700000001000000',
    '9500000000000000', // allow
    'b700000000000000',
    '9500000000000000', // deny
  ])
})

describe('lists that engines send', () => {
  test.each([
    ['none', []],
    ['one deny-all', [{ allow: false, access: 'rwm' }]],
    ['Docker', DOCKER],
  ] satisfies [string, DeviceRule[]][])('%s: the default devices and mknod of any, nothing else', (_, rules) => {
    const code = program(rules)
    expect(reachable(code)).toBe(true)
    for (const [major, minor] of [
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 2],
      [136, 9],
      [10, 200],
    ] as const) {
      expect(interpret(code, c(major, minor, M | R | W))).toBe(true)
    }
    expect(interpret(code, c(10, 229, M))).toBe(true)
    expect(interpret(code, c(10, 229, R))).toBe(false)
    expect(interpret(code, { type: 'b', major: 8, minor: 0, access: M })).toBe(true)
    expect(interpret(code, { type: 'b', major: 8, minor: 0, access: R })).toBe(false)
    expect(interpret(code, { type: 'b', major: 1, minor: 3, access: R })).toBe(false)
  })

  test('a privileged container needs no program', () => {
    expect(plan({ devices: [{ allow: true, access: 'rwm' }] }, UNIFIED).devices).toBeUndefined()
    const devices = [
      { allow: true, access: 'rwm' },
      { allow: false, type: 'c', major: 10, minor: 1, access: 'w' },
    ]
    expect(plan({ devices }, UNIFIED).devices?.dir).toBe('/sys/fs/cgroup/c')
  })

  test('rootless: doing without is no error', () => {
    expect(plan({}, UNIFIED, { rootless: true }).devices?.optional).toBe(true)
    expect(plan({}, UNIFIED).devices?.optional).toBeUndefined()
  })
})

test('two rules together allow what neither does alone', () => {
  const both = ['r', 'w'].map((access) => ({ allow: true, type: 'c', major: 4, minor: 1, access }))
  expect(interpret(program(both), c(4, 1, R | W))).toBe(true)
  expect(interpret(program(both.slice(1)), c(4, 1, R | W))).toBe(false)
})

test('a rule that denies writing is not passed by asking for more', () => {
  const code = program([
    { allow: true, access: 'rwm' },
    { allow: false, type: 'c', major: 4, minor: 1, access: 'w' },
  ])
  expect(interpret(code, c(4, 1, W))).toBe(false)
  expect(interpret(code, c(4, 1, R | W))).toBe(false)
  expect(interpret(code, c(4, 1, R))).toBe(true)
})

test('-1 is a wildcard, numbers that no device has match none', () => {
  expect(
    interpret(program([{ allow: true, type: 'b', major: 7, minor: -1, access: 'r' }]), {
      type: 'b',
      major: 7,
      minor: 9,
      access: R,
    }),
  ).toBe(true)
  const none = program([{ allow: true, type: 'c', major: 2 ** 31, minor: 1, access: 'rw' }])
  expect(interpret(none, c(2 ** 31, 1, R))).toBe(false)
})

test.each([
  [{ allow: true, type: 'p', access: 'r' }, '/linux/resources/devices/0/type: invalid cgroup device type "p"'],
  [{ allow: true, type: 'c' }, '/linux/resources/devices/0/access: device access cannot be empty'],
  [{ allow: true, type: 'c', access: 'rx' }, '/linux/resources/devices/0/access: invalid device access "rx"'],
])('%j is refused', (rule, message) => {
  expect(() => program([rule])).toThrow(message)
})

test('property: the program answers as the rules read, for random lists', () => {
  const random = seeded(20251101)
  const requests = allRequests()
  for (let round = 0; round < 400; round++) {
    const rules = randomRules(random)
    const code = deviceProgram(rules)
    expect(reachable(code)).toBe(true)
    for (const request of requests) {
      const expected = naive(rules, request)
      if (interpret(code, request) !== expected) expect({ rules, request }).toEqual({ expected })
    }
  }
})
