import { describe, expect, test } from 'vitest'
import { planUnit } from '../../../../src/plan/cgroup/unit.ts'
import { HYBRID, LEGACY, plan, UNIFIED } from './helper.ts'

const paths = (more: Parameters<typeof plan>[2], facts = UNIFIED) => plan({}, facts, more).dirs.map(({ path }) => path)

describe('where the cgroups are', () => {
  test('absolute: below the mount points', () => {
    expect(paths({ cgroupsPath: '/docker/x' })).toEqual(['/sys/fs/cgroup/docker/x'])
    expect(paths({ cgroupsPath: '/docker/x' }, LEGACY)).toContain('/sys/fs/cgroup/cpu,cpuacct/docker/x')
  })

  test('relative and absent: beside our own cgroup on v2, below it on v1 and hybrid', () => {
    expect(paths({ cgroupsPath: 'a/b' })).toEqual(['/sys/fs/cgroup/user.slice/a/b'])
    expect(paths({ id: 'c1', cgroupsPath: undefined })).toEqual(['/sys/fs/cgroup/user.slice/c1'])
    const own = { ...LEGACY, v1: LEGACY.v1.map((hierarchy) => ({ ...hierarchy, own: '/mine' })) }
    expect(paths({ id: 'c1', cgroupsPath: '' }, own)).toContain('/sys/fs/cgroup/memory/mine/c1')
    const v2 = { mount: '/sys/fs/cgroup/unified', own: '/mine', controllers: [] }
    expect(paths({ id: 'c1', cgroupsPath: 'x' }, { ...HYBRID, v2 })).toContain('/sys/fs/cgroup/unified/mine/x')
  })

  test.each([
    ['/../../etc/x', '/sys/fs/cgroup/etc/x'],
    ['/a/../../../b', '/sys/fs/cgroup/b'],
    ['../../b', '/sys/fs/cgroup/user.slice/b'],
    ['//a/./b//', '/sys/fs/cgroup/a/b'],
    ['/a:b', '/sys/fs/cgroup/a:b'],
  ])('%s leads to %s', (cgroupsPath, expected) => {
    expect(paths({ cgroupsPath })).toEqual([expected])
  })

  test('the root of a hierarchy and the form of systemd are refused', () => {
    expect(() => paths({ cgroupsPath: '/' })).toThrow('the root of the hierarchy')
    expect(() => paths({ cgroupsPath: 'a/..' })).toThrow('the root of the hierarchy')
    expect(() => paths({ cgroupsPath: 'system.slice:docker:1234' })).toThrow('needs --systemd-cgroup')
    expect(() => paths({ cgroupsPath: ':runc:1234' })).toThrow('needs --systemd-cgroup')
  })

  test('parents are listed from the outside', () => {
    const [dir] = plan({}, UNIFIED, { cgroupsPath: '/a/b/c' }).dirs
    expect(dir).toEqual({
      hierarchy: 'v2',
      path: '/sys/fs/cgroup/a/b/c',
      parents: ['/sys/fs/cgroup/a', '/sys/fs/cgroup/a/b'],
      mount: '/sys/fs/cgroup',
    })
  })
})

test('legacy: every process file, no directory to be born in', () => {
  const { tasks, into } = plan({}, LEGACY)
  expect(tasks).toHaveLength(LEGACY.v1.length)
  expect(tasks).toContain('/sys/fs/cgroup/systemd/c/tasks')
  expect(into).toBeUndefined()
})

test('hybrid: v1 files and the v2 side', () => {
  const { tasks, into, devices } = plan({}, HYBRID)
  expect(into).toBe('/sys/fs/cgroup/unified/c')
  expect(tasks).not.toContain('/sys/fs/cgroup/unified/c/tasks')
  expect(devices).toBeUndefined()
})

test('unknown v1 hierarchies are left alone', () => {
  const foo = { mount: '/sys/fs/cgroup/foo', controllers: ['name=foo'], own: '/' }
  const facts = { ...LEGACY, v1: [...LEGACY.v1, foo] }
  expect(plan({}, facts).dirs.map(({ hierarchy }) => hierarchy)).not.toContain('name=foo')
})

test('v2: all controllers are enabled on the way, not in the container itself', () => {
  const { steps } = plan({}, UNIFIED, { cgroupsPath: '/a/b' })
  const controllers = UNIFIED.v2?.controllers
  expect(steps).toEqual([
    { kind: 'enable', dir: '/sys/fs/cgroup', controllers },
    { kind: 'enable', dir: '/sys/fs/cgroup/a', controllers },
  ])
})

describe('a delegated cgroup', () => {
  const more = { cgroupsPath: '/a/b', delegate: 'own', owner: 1000 }
  const controllers = UNIFIED.v2?.controllers
  const systemd = { manager: 'system', version: 252, root: '' } as const
  const unit = planUnit({ id: 'c', systemd })

  test('is below the one with the limits, has controllers, and is what the user owns', () => {
    const planned = plan({ pids: { limit: 50 } }, UNIFIED, more)
    expect(planned).toMatchObject({ into: '/sys/fs/cgroup/a/b/own', inner: '/sys/fs/cgroup/a/b/own' })
    expect(planned.dirs.map(({ path }) => path)).toEqual(['/sys/fs/cgroup/a/b'])
    expect(planned.devices?.dir).toBe('/sys/fs/cgroup/a/b')
    expect(planned.steps).toEqual([
      { kind: 'enable', dir: '/sys/fs/cgroup', controllers },
      { kind: 'enable', dir: '/sys/fs/cgroup/a', controllers },
      { kind: 'write', path: '/sys/fs/cgroup/a/b/pids.max', value: '50', config: '/linux/resources/pids/limit' },
      { kind: 'enable', dir: '/sys/fs/cgroup/a/b', controllers },
      { kind: 'give', dir: '/sys/fs/cgroup/a/b/own', uid: 1000 },
    ])
  })

  test.each([
    ['legacy', LEGACY],
    ['hybrid', HYBRID],
  ] as const)('is refused where v1 is: %s', (_, facts) => {
    expect(() => plan({}, facts, more)).toThrow('/annotations/run.oci.delegate-cgroup: a cgroup can be delegated with')
  })

  test('and a subgroup are below the unit, where its process goes on to', () => {
    const scope = '/sys/fs/cgroup/system.slice/davit-c.scope'
    const both = plan({}, UNIFIED, { unit, subgroup: 'sub', delegate: 'own' })
    expect(both.dirs.map(({ path }) => path)).toEqual([`${scope}/sub`])
    expect(both).toMatchObject({ inner: `${scope}/sub/own`, onward: `${scope}/sub/own` })
    expect(both.into).toBeUndefined()
    const enabled = both.steps.flatMap((step) => (step.kind === 'enable' ? [step.dir] : []))
    expect(enabled).toEqual(['/sys/fs/cgroup', '/sys/fs/cgroup/system.slice', scope, `${scope}/sub`])
    const one = plan({}, UNIFIED, { unit, subgroup: 'sub' })
    expect(one).toMatchObject({ onward: `${scope}/sub` })
    expect(one.inner).toBeUndefined()
    expect(plan({}, UNIFIED, { unit }).onward).toBeUndefined()
  })

  test('a subgroup without systemd is none', () => {
    expect(plan({}, UNIFIED, { subgroup: 'sub' })).toEqual(plan({}, UNIFIED))
  })
})

test('rootless without a path: the directories are optional; with one they are not', () => {
  expect(plan({}, UNIFIED, { rootless: true, cgroupsPath: undefined }).dirs[0]?.optional).toBe(true)
  expect(plan({}, UNIFIED, { rootless: true, cgroupsPath: '/x' }).dirs[0]?.optional).toBeUndefined()
})

describe('no cgroup file system', () => {
  const facts = { mode: 'none', v1: [] } as const

  test('is fine, with a warning, when nothing is asked for', () => {
    const { dirs, tasks, warnings } = plan({}, facts)
    expect([dirs, tasks]).toEqual([[], []])
    expect(warnings[0]).toMatch(/no mounted cgroup hierarchy can restrict devices/)
  })

  test('is an error when devices are denied, but not for rootless', () => {
    const devices = [{ allow: false, access: 'rwm' }]
    expect(() => plan({ devices }, facts)).toThrow('/linux/resources/devices: no mounted cgroup hierarchy')
    expect(plan({ devices }, facts, { rootless: true }).dirs).toEqual([])
  })
})
