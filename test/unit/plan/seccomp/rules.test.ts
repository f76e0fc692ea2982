import { describe, expect, test } from 'vitest'
import { filterRules, namedCalls, wantsListener, wantsStub } from '../../../../src/plan/seccomp/rules.ts'
import type { Seccomp, SeccompArg, SeccompRule } from '../../../../src/spec/types.gen.ts'

const profile = (...syscalls: readonly SeccompRule[]): Seccomp => ({ defaultAction: 'SCMP_ACT_ERRNO', syscalls })
const arg = (index: number, value: number | bigint, op: SeccompArg['op'] = 'SCMP_CMP_EQ', valueTwo?: number) => {
  return { index, value, op, ...(valueTwo === undefined ? {} : { valueTwo }) } as SeccompArg
}

describe('actions', () => {
  test.each([
    ['SCMP_ACT_ALLOW', undefined, 0x7fff0000],
    ['SCMP_ACT_LOG', undefined, 0x7ffc0000],
    ['SCMP_ACT_NOTIFY', undefined, 0x7fc00000],
    ['SCMP_ACT_TRACE', undefined, 0x7ff00001],
    ['SCMP_ACT_TRACE', 65535, 0x7ff0ffff],
    ['SCMP_ACT_ERRNO', 38, 0x00050026],
    ['SCMP_ACT_ERRNO', 0, 0x00050000],
    ['SCMP_ACT_TRAP', undefined, 0x00030000],
    ['SCMP_ACT_KILL', undefined, 0],
    ['SCMP_ACT_KILL_THREAD', undefined, 0],
    ['SCMP_ACT_KILL_PROCESS', undefined, 0x80000000],
  ] as const)('%s %s', (action, errnoRet, number) => {
    const rule = { names: ['mkdir'], action, ...(errnoRet === undefined ? {} : { errnoRet }) }
    expect(filterRules(profile(rule))).toEqual([{ name: 'mkdir', action: number, conditions: [] }])
  })

  test('what the default says anyway is no rule', () => {
    const same: SeccompRule = { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }
    expect(filterRules(profile({ names: ['rmdir'], action: 'SCMP_ACT_ERRNO' }, same))).toEqual([])
    expect(filterRules({ ...profile(same), defaultErrnoRet: 2 })).toHaveLength(1)
  })
})

describe('conditions', () => {
  const conditionsOf = (...args: readonly SeccompArg[]) =>
    filterRules(profile({ names: ['clone'], action: 'SCMP_ACT_ALLOW', args })).map(({ conditions }) => conditions)

  test('on different arguments all in one rule', () => {
    expect(conditionsOf(arg(0, 5), arg(2, 2n ** 64n - 1n, 'SCMP_CMP_MASKED_EQ', 7))).toEqual([
      [
        { index: 0, operator: 4, a: 5n, b: 0n },
        { index: 2, operator: 7, a: 2n ** 64n - 1n, b: 7n },
      ],
    ])
  })

  test('on the same argument twice: a rule each, of all of them', () => {
    expect(conditionsOf(arg(0, 5), arg(1, 6), arg(0, 7))).toEqual([
      [{ index: 0, operator: 4, a: 5n, b: 0n }],
      [{ index: 1, operator: 4, a: 6n, b: 0n }],
      [{ index: 0, operator: 4, a: 7n, b: 0n }],
    ])
  })
})

test('the order and the names of rules', () => {
  const rules = filterRules(
    profile({ names: ['b', 'a'], action: 'SCMP_ACT_ALLOW' }, { names: ['a'], action: 'SCMP_ACT_LOG' }),
  )
  expect(rules.map(({ name }) => name)).toEqual(['b', 'a', 'a'])
  expect([...namedCalls(profile({ names: ['b', 'a', 'b'], action: 'SCMP_ACT_ALLOW' }))]).toEqual(['b', 'a'])
})

test('a listener is wanted by a rule that notifies', () => {
  expect(wantsListener(profile({ names: ['a'], action: 'SCMP_ACT_ALLOW' }))).toBe(false)
  expect(wantsListener(profile({ names: ['a'], action: 'SCMP_ACT_NOTIFY' }))).toBe(true)
  expect(wantsListener({ defaultAction: 'SCMP_ACT_ALLOW' })).toBe(false)
})

test.each([
  [{ defaultAction: 'SCMP_ACT_ERRNO' }, true],
  [{ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 }, true],
  [{ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 }, false],
  [{ defaultAction: 'SCMP_ACT_KILL' }, true],
  [{ defaultAction: 'SCMP_ACT_KILL_PROCESS' }, true],
  [{ defaultAction: 'SCMP_ACT_TRAP' }, true],
  [{ defaultAction: 'SCMP_ACT_ALLOW' }, false],
  [{ defaultAction: 'SCMP_ACT_LOG' }, false],
  [{ defaultAction: 'SCMP_ACT_TRACE' }, false],
] as [Seccomp, boolean][])('newer calls get ENOSYS, where the default is no permission: %o', (of, wanted) => {
  expect(wantsStub(of)).toBe(wanted)
})
