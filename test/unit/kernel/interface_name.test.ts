import { describe, expect, test } from 'vitest'
import { isInterfaceName, isNameOrTemplate, nameOf } from '../../../src/kernel/interface_name.ts'

describe('names of interfaces', () => {
  test.each(['eth0', 'a', 'fifteen-letters', 'eth0.100', '...', 'ä', 'ääääääa'])('%s', (name) => {
    expect([isInterfaceName(name), isNameOrTemplate(name)]).toEqual([true, true])
  })

  test.each(['', '.', '..', 'a/b', 'a:b', 'a b', 'a\tb', 'a\vb', 'a\0', 'à', 'sixteen-letters-', 'ääääääää'])(
    'not %j',
    (name) => {
      expect([isInterfaceName(name), isNameOrTemplate(name)]).toEqual([false, false])
    },
  )

  test.each(['eth%d', '%d', 'a%db'])('%s is a template', (name) => {
    expect([isInterfaceName(name), isNameOrTemplate(name)]).toEqual([false, true])
  })

  test.each(['eth%', 'eth%s', '%d%d', '%%d', '%%'])('%s is none', (name) => {
    expect([isInterfaceName(name), isNameOrTemplate(name)]).toEqual([false, false])
  })
})

describe('a template', () => {
  test.each([
    ['eth0', ['eth0'], 'eth0'],
    ['eth%d', [], 'eth0'],
    ['eth%d', ['lo', 'eth0', 'eth2'], 'eth1'],
    ['%d', ['0', '1'], '2'],
    ['a%db', ['a0', 'a0b'], 'a1b'],
    ['thirteen---%d-', [], 'thirteen---0-'],
    ['fourteenchar%d', Array.from({ length: 1000 }, (_, i) => `fourteenchar${i}`), undefined],
  ])('%s beside %j', (template, taken, name) => {
    expect(nameOf(template, new Set(taken))).toBe(name)
  })
})
