import { describe, expect, test } from 'vitest'
import { expandSlice, type SystemdFacts, unitName } from '../../../../src/plan/cgroup/unit_name.ts'

const SYSTEM: SystemdFacts = { manager: 'system', version: 257, root: '' }
const USER: SystemdFacts = { manager: 'user', version: 257, root: '/user.slice/user-1000.slice/user@1000.service' }

describe('a unit’s name', () => {
  test.each([
    [undefined, 'davit-c1.scope', 'system.slice', '/system.slice/davit-c1.scope'],
    ['', 'davit-c1.scope', 'system.slice', '/system.slice/davit-c1.scope'],
    ['system.slice:docker:1234', 'docker-1234.scope', 'system.slice', '/system.slice/docker-1234.scope'],
    [':runc:1234', 'runc-1234.scope', 'system.slice', '/system.slice/runc-1234.scope'],
    [
      'kubepods-burstable-podab_1.slice:cri:x',
      'cri-x.scope',
      'kubepods-burstable-podab_1.slice',
      '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podab_1.slice/cri-x.scope',
    ],
    ['-.slice:a:b', 'a-b.scope', '-.slice', '/a-b.scope'],
    ['a.slice::a-b.slice', 'a-b.slice', 'a.slice', '/a.slice/a-b.slice'],
    ['::a.slice', 'a.slice', '-.slice', '/a.slice'],
  ])('%s', (cgroupsPath, name, slice, cgroup) => {
    expect(unitName(cgroupsPath, 'c1', SYSTEM)).toEqual({ name, slice, cgroup })
  })

  test('of a user is below the manager', () => {
    expect(unitName(undefined, 'c1', USER).cgroup).toBe(`${USER.root}/user.slice/davit-c1.scope`)
    expect(unitName('a-b.slice:x:y', 'c1', USER).cgroup).toBe(`${USER.root}/a.slice/a-b.slice/x-y.scope`)
  })

  test('escapes what an id may have and a unit may not', () => {
    expect(unitName(undefined, 'a+b', SYSTEM).name).toBe('davit-a\\x2bb.scope')
  })

  test.each([
    ['/a/b', 'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/a/b" instead'],
    ['a:b', 'expected cgroupsPath to be of format'],
    ['a.slice:b:c:d', 'expected cgroupsPath to be of format'],
    ['a.slice:b:', 'expected cgroupsPath to be of format'],
    ['a:b:c', 'invalid slice name: a'],
    ['a--b.slice:b:c', 'invalid slice name: a--b.slice'],
    ['-a.slice:b:c', 'invalid slice name: -a.slice'],
    ['.slice:b:c', 'invalid slice name: .slice'],
    ['a/b.slice:b:c', 'invalid slice name: a/b.slice'],
    ['..:b:c', 'invalid slice name: ..'],
    [':../b:c', 'is no name of a unit'],
    [':b:c d', 'is no name of a unit'],
    [`:b:${'c'.repeat(300)}`, 'is no name of a unit'],
    ['b.slice::a-b.slice', 'slice "a-b.slice" is not in slice "b.slice"'],
  ])('%s is refused', (cgroupsPath, message) => {
    expect(() => unitName(cgroupsPath, 'c1', SYSTEM)).toThrow(`/linux/cgroupsPath: `)
    expect(() => unitName(cgroupsPath, 'c1', SYSTEM)).toThrow(message)
  })

  test('slices one in another', () => {
    expect(expandSlice('-.slice')).toBe('')
    expect(expandSlice('a-b-c.slice')).toBe('/a.slice/a-b.slice/a-b-c.slice')
  })
})
