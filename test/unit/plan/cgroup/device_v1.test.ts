import { expect, test } from 'vitest'
import type { AccessRule } from '../../../../src/plan/cgroup/device_rules.ts'
import { planDevicesV1 } from '../../../../src/plan/cgroup/device_v1.ts'
import type { CgroupStep, Draft } from '../../../../src/plan/cgroup/model.ts'
import type { DeviceRule } from '../../../../src/spec/types.gen.ts'
import { allRequests, type DeviceAccess, naive, randomRules, seeded } from './device_oracle.ts'
import { LEGACY, plan } from './helper.ts'

const DEFAULTS = [
  'allow c *:* m',
  'allow b *:* m',
  ...['1:3', '1:8', '1:7', '5:0', '1:5', '1:9', '136:*', '5:2', '10:200'].map((numbers) => `allow c ${numbers} rwm`),
]

/** The writes in short: "deny a", "allow c 1:3 rwm". */
function writes(steps: readonly CgroupStep[]): string[] {
  return steps.flatMap((step) => {
    const [, file] = (step.kind === 'write' && /\/devices\.(allow|deny)$/.exec(step.path)) || []
    return file && step.kind === 'write' ? [`${file} ${step.value}`] : []
  })
}

const written = (devices: DeviceRule[] | undefined) =>
  writes(plan(devices === undefined ? {} : { devices }, LEGACY).steps)

test('no rules and one deny-all are the same: the defaults', () => {
  expect(written(undefined)).toEqual(['deny a', ...DEFAULTS])
  expect(written([{ allow: false, access: 'rwm' }])).toEqual(['deny a', ...DEFAULTS])
})

test('rules come first, and what the defaults repeat is written once', () => {
  const devices = [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 1, minor: 3, access: 'r' },
    { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
  ]
  const rest = DEFAULTS.filter((line) => line !== 'allow c 1:3 rwm')
  expect(written(devices)).toEqual(['deny a', 'allow c 1:3 rwm', 'allow c 10:229 rw', ...rest])
})

test('a privileged container: one write', () => {
  expect(written([{ allow: true, access: 'rwm' }])).toEqual(['allow a'])
})

test('exceptions from allow-all', () => {
  const devices = [
    { allow: true, access: 'rwm' },
    { allow: false, type: 'b', major: 8, access: 'w' },
  ]
  expect(written(devices)).toEqual(['allow a', 'deny b 8:* w'])
})

test('"a" with less than everything is written for both types', () => {
  const devices = [{ allow: true, major: 8, minor: 1, access: 'r' }]
  expect(written(devices).slice(0, 3)).toEqual(['deny a', 'allow b 8:1 r', 'allow c 8:1 r'])
})

test('a hole in a wildcard, which the kernel would ignore, is refused', () => {
  const devices = [
    { allow: true, type: 'c', major: 10, access: 'rw' },
    { allow: false, type: 'c', major: 10, minor: 229, access: 'w' },
  ]
  expect(() => written(devices)).toThrow('/linux/resources/devices/1: cgroup v1 cannot punch a hole into the wildcard')
})

test('rootless may not: no error', () => {
  const [first] = plan({}, LEGACY, { rootless: true }).steps.filter((step) => step.kind === 'write')
  expect(first).toMatchObject({ value: 'a', tolerate: ['EPERM', 'EACCES'] })
})

/** The kernel's model (security/device_cgroup.c), but each access on its own, as davit promises no more. */
function kernel(lines: readonly string[], request: DeviceAccess): boolean {
  const [reset, ...exceptions] = lines
  const allowByDefault = reset === 'allow a'
  return ['m', 'r', 'w'].every((letter, index) => {
    if ((request.access & (1 << index)) === 0) return true
    const excepted = exceptions.some((line) => {
      const [, type, numbers = '', access = ''] = line.split(' ')
      const [major, minor] = numbers.split(':')
      const meets = (text: string | undefined, number: number) => text === '*' || text === String(number)
      return (
        type === request.type && meets(major, request.major) && meets(minor, request.minor) && access.includes(letter)
      )
    })
    return excepted !== allowByDefault
  })
}

test('property: what is written means what the rules read, for random lists', () => {
  const random = seeded(7)
  const requests = allRequests()
  let refused = 0
  for (let round = 0; round < 400; round++) {
    const rules: AccessRule[] = randomRules(random)
    const draft: Draft = { place: () => undefined, at: '', steps: [], late: [], warnings: [] }
    try {
      planDevicesV1(draft, { version: 1, dir: '/d' }, rules, false)
    } catch {
      refused++
      continue
    }
    const lines = writes(draft.steps)
    for (const request of requests) {
      const expected = naive(rules, request)
      if (kernel(lines, request) !== expected) expect({ rules, request, lines }).toEqual({ expected })
    }
  }
  // Many random lists punch holes; the others must be enough to mean something.
  expect(refused).toBeLessThan(300)
})
