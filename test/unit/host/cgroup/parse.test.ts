import { describe, expect, test } from 'vitest'
import { cgroupFacts, parseCgroupMounts, parseOwnCgroups } from '../../../../src/host/cgroup/parse.ts'

const facts = (mountinfo: string, own: string, controllers = ['cpu', 'memory']) =>
  cgroupFacts(parseCgroupMounts(mountinfo), parseOwnCgroups(own), () => controllers)

const tmpfs = '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n'
const v1 = (name: string, options = name, root = '/') =>
  `33 31 0:30 ${root} /sys/fs/cgroup/${name} rw,nosuid shared:9 master:1 - cgroup cgroup rw,${options}\n`
const unified = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n'

test('pure v2', () => {
  const mountinfo =
    '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n'
  expect(facts(mountinfo, '0::/user.slice/session-1.scope\n')).toEqual({
    mode: 'unified',
    v1: [],
    v2: { mount: '/sys/fs/cgroup', own: '/user.slice/session-1.scope', controllers: ['cpu', 'memory'] },
  })
})

test('v1 with co-mounted controllers, a named hierarchy and an unknown controller', () => {
  const mountinfo = tmpfs + v1('cpu,cpuacct') + v1('memory') + v1('systemd', 'xattr,name=systemd') + v1('misc')
  const own = '4:misc:/\n3:memory:/a:b\n2:cpu,cpuacct:/x y\n1:name=systemd:/init.scope\n0::/\n'
  expect(facts(mountinfo, own)).toEqual({
    mode: 'legacy',
    v1: [
      { mount: '/sys/fs/cgroup/misc', controllers: ['misc'], own: '/' },
      { mount: '/sys/fs/cgroup/memory', controllers: ['memory'], own: '/a:b' },
      { mount: '/sys/fs/cgroup/cpu,cpuacct', controllers: ['cpu', 'cpuacct'], own: '/x y' },
      { mount: '/sys/fs/cgroup/systemd', controllers: ['name=systemd'], own: '/init.scope' },
    ],
  })
})

test('cpu and cpuacct apart are not taken for each other', () => {
  const { v1: hierarchies } = facts(v1('cpuacct') + v1('cpu'), '2:cpu:/\n1:cpuacct:/\n')
  expect(hierarchies.map(({ mount }) => mount)).toEqual(['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpuacct'])
})

test('hybrid', () => {
  const { mode, v2 } = facts(tmpfs + v1('pids') + unified, '1:pids:/\n0::/\n', ['hugetlb'])
  expect(mode).toBe('hybrid')
  expect(v2).toEqual({ mount: '/sys/fs/cgroup/unified', own: '/', controllers: ['hugetlb'] })
})

test('none', () => {
  expect(facts('1 0 8:1 / / rw - ext4 /dev/sda1 rw\n', '')).toEqual({ mode: 'none', v1: [] })
  expect(facts('1 0 8:1 / /a - cgroup rw - ext4 /dev/sda1 rw\n', '')).toEqual({ mode: 'none', v1: [] })
})

describe('inside a container', () => {
  test('without a cgroup namespace: the mount shows only a part of the hierarchy', () => {
    const { v1: hierarchies } = facts(v1('memory', 'memory', '/docker/abc'), '1:memory:/docker/abc/child\n')
    expect(hierarchies).toEqual([{ mount: '/sys/fs/cgroup/memory', controllers: ['memory'], own: '/child' }])
    const same = facts(v1('memory', 'memory', '/docker/abc'), '1:memory:/docker/abc\n')
    expect(same.v1[0]?.own).toBe('/')
  })

  test('a cgroup outside of the mounted part has no name here', () => {
    expect(facts(v1('memory', 'memory', '/docker/abc'), '1:memory:/docker/abcd\n').v1[0]?.own).toBe('/')
    expect(facts(v1('memory'), '1:memory:/../../other\n').v1[0]?.own).toBe('/')
  })
})

test('octal escapes', () => {
  const line = '33 31 0:30 /a\\040b /mnt/c\\134d\\011e rw - cgroup cgroup rw,pids\n'
  expect(parseCgroupMounts(line)).toEqual([
    { version: 1, mount: '/mnt/c\\d\te', root: '/a b', options: ['rw', 'pids'] },
  ])
})

test('of many mounts of a hierarchy the one in the usual place is taken', () => {
  const copy = '90 31 0:30 / /var/lib/x/sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n'
  expect(facts(copy + v1('pids'), '1:pids:/\n').v1[0]?.mount).toBe('/sys/fs/cgroup/pids')
  expect(facts(copy, '1:pids:/\n').v1[0]?.mount).toBe('/var/lib/x/sys/fs/cgroup/pids')
})

test('a v2 mount with something else mounted over it is none', () => {
  const covered = cgroupFacts(
    parseCgroupMounts(tmpfs + v1('memory') + unified),
    parseOwnCgroups('1:memory:/\n0::/\n'),
    () => undefined,
  )
  expect(covered).toEqual({
    mode: 'legacy',
    v1: [{ mount: '/sys/fs/cgroup/memory', controllers: ['memory'], own: '/' }],
  })
})
