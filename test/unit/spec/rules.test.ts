import { describe, expect, test } from 'vitest'
import { checkRules, checkRulesBeside } from '../../../src/spec/rules/check.ts'
import { RULES } from '../../../src/spec/rules/list.ts'
import { validateFast } from '../../../src/spec/validate_fast.gen.ts'
import { loadCases } from './cases.ts'
import { type Json, plainConfig, userConfig } from './configs.ts'

const CASES = loadCases('rules.md')

describe('rules.md', () => {
  test.each(CASES)('line $line: $rule', ({ rule: name, config: make, expected }) => {
    const config = make()
    expect(validateFast(config), 'the schema accepts it').toBe(true)
    const { problems, warnings } = checkRules(config)
    const rule = RULES.find((each) => each.name === name)
    const [found, other] = rule?.severity === 'warning' ? [warnings, problems] : [problems, warnings]
    expect(found.map((each) => `${each.pointer}: ${each.message}`)).toEqual(expected)
    expect(other).toEqual([])
  })

  test('every rule has a bad case, and the good configurations pass all', () => {
    const bad = new Set(CASES.filter(({ expected }) => expected.length > 0).map(({ rule }) => rule))
    expect([...bad]).toEqual(RULES.map((rule) => rule.name))
    for (const config of [plainConfig(), userConfig()])
      expect(checkRules(config)).toEqual({ problems: [], warnings: [] })
  })

  test('more ranges than the kernel takes', () => {
    const config = userConfig()
    config.linux.uidMappings = Array.from({ length: 341 }, (_, id) => ({ containerID: id, hostID: id, size: 1 }))
    expect(checkRules(config).problems).toEqual([
      { pointer: '/linux/uidMappings', message: '341 ranges, the kernel takes 340' },
    ])
  })
})

describe('a rule reads only what it says', () => {
  /** The value with every read recorded as a JSON pointer. */
  const recorded = (value: Json, place: string, reads: Set<string>): Json => {
    if (typeof value !== 'object' || value === null) return value
    return new Proxy(value, {
      get(target, key) {
        const child = target[key]
        if (typeof key === 'symbol' || typeof child === 'function' || key === 'length') return child
        reads.add(`${place}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
        return recorded(child, `${place}/${key}`, reads)
      },
    })
  }
  const inside = (place: string, scope: string) => place === scope || place.startsWith(`${scope}/`)

  test.each(RULES.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
    const bases = [
      plainConfig(),
      userConfig(),
      ...CASES.filter((each) => each.rule === name).map((each) => each.config()),
    ]
    for (const config of bases) {
      const reads = new Set<string>()
      rule.check(recorded(config, '', reads), () => {})
      // The way to a declared place is read as well.
      const undeclared = [...reads].filter(
        (place) => !rule.reads.some((scope) => inside(place, scope) || inside(scope, place)),
      )
      expect(undeclared).toEqual([])
    }
  })

  test('a rule is left out when the schema refused what it reads', () => {
    const config = plainConfig()
    config.ociVersion = '2.0.0'
    delete config.root
    const pointers = (refused: string[]) => checkRulesBeside(config, refused).map((problem) => problem.pointer)
    expect(pointers(['/mounts/0'])).toEqual(['/ociVersion', '/root'])
    expect(pointers(['/root/path'])).toEqual(['/ociVersion'])
    expect(pointers([''])).toEqual([])
  })
})
