import { describe, expect, it } from 'vitest'
import { activationEnv, withActivation } from '../../../src/plan/activation.ts'
import { CONFIG, merged } from './base.ts'

describe('activationEnv', () => {
  it.each([
    [{ notify: false }, []],
    [{ notify: true }, ['NOTIFY_SOCKET=/run/notify/notify.sock']],
    [{ notify: false, listen: { count: 2 } }, ['LISTEN_FDS=2', 'LISTEN_PID=1']],
    [
      { notify: true, listen: { count: 1, names: 'a:b' } },
      ['NOTIFY_SOCKET=/run/notify/notify.sock', 'LISTEN_FDS=1', 'LISTEN_PID=1', 'LISTEN_FDNAMES=a:b'],
    ],
  ])('%o', (activation, env) => {
    expect(activationEnv(activation)).toEqual(env)
  })
})

describe('withActivation', () => {
  const config = merged(CONFIG, { process: { env: ['A=1', 'LISTEN_FDS=9', 'LISTEN_FDNAMES=x', 'LISTEN=y'] } })

  it('changes nothing where there is nothing to hand on', () => {
    expect(withActivation(config, { notify: false })).toBe(config)
  })

  it('replaces what it sets, and leaves names that it does not set', () => {
    const { process } = withActivation(config, { notify: false, listen: { count: 1 } })
    expect(process?.env).toEqual(['A=1', 'LISTEN_FDNAMES=x', 'LISTEN=y', 'LISTEN_FDS=1', 'LISTEN_PID=1'])
  })

  it('refuses a notify socket that cannot be mounted', () => {
    const bare = merged(config, { linux: { namespaces: [{ type: 'pid' }] } })
    expect(() => withActivation(bare, { notify: true })).toThrow(/needs a mount namespace/)
    expect(() => withActivation(bare, { notify: false, listen: { count: 1 } })).not.toThrow()
  })
})
