/** AppArmor profiles that are refused since they are not loaded, and those that only the kernel can look up. */
import { describe, expect, test } from 'vitest'
import { buildExecPlan } from '../../../src/plan/exec.ts'
import type { ProcessFacts } from '../../../src/plan/facts.ts'
import { CONFIG, FACTS, planOf } from './base.ts'

const LOADED = ['davit test', 'docker-default', '/usr/bin/man', 'lxc//hat']
const REFUSED = /unable to apply apparmor profile: "[^"]*" is not loaded: no such file or directory/

const MAKERS: readonly (readonly [string, (name: string, profiles: readonly string[] | undefined) => unknown])[] = [
  [
    'a container',
    (apparmorProfile, profiles) => {
      const facts = { apparmor: true, ...(profiles ? { profiles } : {}) }
      return planOf({ config: { process: { apparmorProfile } }, facts })
    },
  ],
  [
    'exec',
    (apparmorProfile, profiles) => {
      const facts: ProcessFacts = { ...FACTS, apparmor: true, ...(profiles ? { profiles } : {}) }
      // Hooks of the container have run when a process enters it.
      const spec = { ...CONFIG, process: { ...CONFIG.process, cwd: '/', apparmorProfile } }
      const hooks = { createRuntime: [{ path: '/bin/load' }] }
      return buildExecPlan({
        spec: { ...spec, hooks },
        facts,
        request: { id: 'c1', noNewKeyring: false, preserveFds: 0 },
        pid: 77,
        join: ['mount'],
        cgroup: { tasks: [], into: false },
      })
    },
  ],
]

describe.each(MAKERS)('%s', (_, make) => {
  test.each(['davit', 'docker-default ', 'docker', 'man', 'hat', 'lxc', 'lxc//'])('%j is refused', (name) => {
    expect(() => make(name, LOADED)).toThrow(REFUSED)
  })

  test.each(LOADED)('%j is loaded', (name) => {
    expect(make(name, LOADED)).toHaveProperty('init')
  })

  test.each(['unconfined', ':ns:any', ':ns://any', 'any//&other', '&any'])(
    '%j is for the kernel to look up',
    (name) => {
      expect(make(name, LOADED)).toHaveProperty('init')
    },
  )

  test('where the list cannot be read the kernel tells', () => {
    expect(make('davit', undefined)).toHaveProperty('init')
  })
})

test.each(['prestart', 'createRuntime', 'createContainer'])('a %s hook may load it', (kind) => {
  const config = { process: { apparmorProfile: 'davit' }, hooks: { [kind]: [{ path: '/bin/load' }] } }
  expect(planOf({ config, facts: { apparmor: true, profiles: [] } })).toHaveProperty('init')
})

test.each(['startContainer', 'poststart', 'poststop'])('a %s hook runs too late for that', (kind) => {
  const config = { process: { apparmorProfile: 'davit' }, hooks: { [kind]: [{ path: '/bin/load' }] } }
  expect(() => planOf({ config, facts: { apparmor: true, profiles: [] } })).toThrow(REFUSED)
})
