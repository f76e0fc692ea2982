/** Users by number and name, HOME, and sub-cgroups: what is taken and what is refused. */
import { describe, expect, test } from 'vitest'
import { parseId, resolveUser, withHome } from '../../../src/plan/accounts.ts'
import { parseSubCgroups, subCgroupOf } from '../../../src/plan/exec_cgroup.ts'
import { passwdPlace } from '../../../src/plan/home.ts'
import { CONFIG } from './base.ts'

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1001::/home/bob:\nbad:x:1x:1::/bad:\nshort:x\n\n'
const GROUP = 'root:x:0:\nstaff:x:50:alice,bob\nodd:x:x:bob\n'
const files = { passwd: () => PASSWD, group: () => GROUP }

describe('resolveUser', () => {
  test.each([
    ['0', { uid: 0 }],
    ['4294967294', { uid: 4294967294 }],
    ['1:2', { uid: 1, gid: 2 }],
    ['bob', { uid: 1000, gid: 1001, additionalGids: [50] }],
    ['bob:0', { uid: 1000, gid: 0, additionalGids: [50] }],
    ['7:staff', { uid: 7, gid: 50 }],
  ])('%s', (text, account) => expect(resolveUser(text, files)).toEqual(account))

  test('a number asks for no file', () => {
    const never = () => {
      throw new Error('read')
    }
    expect(resolveUser('1:2', { passwd: never, group: never })).toEqual({ uid: 1, gid: 2 })
  })

  test.each(['', ':', '1:', ':1', '01', '-1', '+1', '4294967295', '1x', 'bad', 'short', 'x', 'bob:odd', '1:2:3'])(
    '"%s" is refused',
    (text) => expect(() => resolveUser(text, files)).toThrow(/^invalid user /),
  )

  test('ids', () =>
    expect(['', '0', '00', '9999999999', '1.5'].map(parseId)).toEqual([undefined, 0, undefined, undefined, undefined]))
})

test('HOME is added where there is none that says anything', () => {
  const passwd = () => PASSWD
  expect(withHome(['A=1'], 1000, passwd)).toEqual(['A=1', 'HOME=/home/bob'])
  expect(withHome(['HOME=', 'A=1'], 0, passwd)).toEqual(['A=1', 'HOME=/root'])
  expect(withHome(['HOME=/x'], 0, passwd)).toEqual(['HOME=/x'])
  expect(withHome([], 5, () => undefined)).toEqual(['HOME=/'])
})

test('the passwd to come is that of the last mount that covers it', () => {
  const at = (...mounts: NonNullable<(typeof CONFIG)['mounts']>) =>
    passwdPlace({ ...CONFIG, mounts }, '/b/rootfs', '/b')
  const bind = { type: 'bind', options: ['rbind'] }
  expect(at()).toEqual({ base: '/b/rootfs', inner: '/etc/passwd' })
  expect(at({ destination: '/etc/passwords' })).toEqual({ base: '/b/rootfs', inner: '/etc/passwd' })
  expect(at({ destination: '/etc', source: 'e', ...bind })).toEqual({ base: '/b/e', inner: '/passwd' })
  expect(
    at({ destination: '/etc', source: '/e', ...bind }, { destination: '//etc/./passwd', source: '/p', ...bind }),
  ).toEqual({ base: '/p', inner: '' })
  expect(at({ destination: '/etc', type: 'tmpfs' })).toBeUndefined()
  expect(at({ destination: '/etc', type: 'tmpfs', options: ['tmpcopyup'] })).toEqual({
    base: '/b/rootfs',
    inner: '/etc/passwd',
  })
})

describe('--cgroup', () => {
  test('by controller, by several, for all', () => {
    const sub = parseSubCgroups(['cpu,cpuacct:a//b/.', 'systemd:/c/'])
    expect([['cpu', 'cpuacct'], ['name=systemd'], ['pids'], []].map((names) => subCgroupOf(sub, names))).toEqual([
      'a/b',
      'c',
      undefined,
      undefined,
    ])
    expect(subCgroupOf(parseSubCgroups(['/x/']), ['pids'])).toBe('x')
  })

  test.each([['..'], ['a/../b'], ['pids:..'], [':a'], ['pids,:a'], ['a', 'b'], ['pids:a', 'pids:b']])(
    '%s %s is refused',
    (...flags) => expect(() => parseSubCgroups(flags)).toThrow(/^invalid --cgroup argument/),
  )
})
