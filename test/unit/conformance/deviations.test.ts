import { describe, expect, test } from 'vitest'
import { leavingOf } from '../../../conformance/leaving.ts'
import { deviationOf } from '../../../conformance/suite.ts'

const RUNC = { name: 'runc', version: '1.1.15+ds1' }

describe('a deviation', () => {
  test('is of a runtime, and of its versions', () => {
    const deviations = { runc: { versions: '<1.2', why: 'cannot' } }
    expect(deviationOf({ deviations }, RUNC, [])?.why).toBe('cannot')
    expect(deviationOf({ deviations }, { ...RUNC, version: '1.2.0' }, [])).toBeUndefined()
    expect(deviationOf({ deviations }, { ...RUNC, name: 'crun' }, [])).toBeUndefined()
    expect(deviationOf({}, RUNC, [])).toBeUndefined()
  })

  test('is of all versions where one was seen', () => {
    const deviations = { runc: { seen: '1.1.5', why: 'cannot' } }
    expect(deviationOf({ deviations }, { ...RUNC, version: '9.0' }, [])?.why).toBe('cannot')
  })

  test('is of the versions on its side of one that was seen not to do so', () => {
    const older = { runc: { seen: '1.1.5', unseen: '1.1.15', why: 'cannot' } }
    expect(deviationOf({ deviations: older }, { ...RUNC, version: '1.1.14' }, [])?.why).toBe('cannot')
    expect(deviationOf({ deviations: older }, RUNC, [])).toBeUndefined()
    const newer = { runc: { seen: '1.1.15', unseen: '1.1.5', why: 'cannot' } }
    expect(deviationOf({ deviations: newer }, { ...RUNC, version: '1.1.6' }, [])?.why).toBe('cannot')
    expect(deviationOf({ deviations: newer }, { ...RUNC, version: '1.1.5' }, [])).toBeUndefined()
  })

  test('is of some machines only, where it says so', () => {
    const deviations = { runc: { seen: '1.1.15', only: ['cgroup v2', 'cgroupfs'], why: 'cannot' } } as const
    expect(deviationOf({ deviations }, RUNC, ['cgroup v2', 'cgroupfs'])?.why).toBe('cannot')
    expect(deviationOf({ deviations }, RUNC, ['cgroup v2', 'systemd'])).toBeUndefined()
    expect(deviationOf({ deviations }, RUNC, ['cgroup v1', 'cgroupfs'])).toBeUndefined()
  })
})

describe('what is left of a container', () => {
  const places = ['cgroup v2', 'cgroupfs'] as const

  test('is a cgroup now and then, of runc with v2', () => {
    expect(leavingOf({ left: ['cgroup /sys/fs/cgroup/one'], after: 'delete' }, RUNC, places)).toMatchObject({
      race: true,
    })
    expect(
      leavingOf({ left: ['cgroup /sys/fs/cgroup/one'], after: 'delete' }, RUNC, ['cgroup v1', 'cgroupfs']),
    ).toBeUndefined()
    expect(
      leavingOf({ left: ['cgroup /sys/fs/cgroup/one'], after: 'delete' }, RUNC, ['cgroup v2', 'systemd']),
    ).toBeUndefined()
    expect(
      leavingOf({ left: ['cgroup /sys/fs/cgroup/one'], after: 'delete' }, { ...RUNC, name: 'davit' }, places),
    ).toBeUndefined()
  })

  test('is a cgroup of a refused container, of crun that makes it itself', () => {
    const crun = { name: 'crun', version: '1.21' }
    expect(leavingOf({ left: ['cgroup /sys/fs/cgroup/one'], after: 'refusal' }, crun, places)?.clause).toBe(
      'runtime.md#errors',
    )
    expect(leavingOf({ left: ['cgroup /sys/fs/cgroup/one'], after: 'delete' }, crun, places)).toBeUndefined()
    expect(
      leavingOf({ left: ['cgroup /sys/fs/cgroup/one'], after: 'refusal' }, crun, ['cgroup v2', 'systemd']),
    ).toBeUndefined()
    expect(leavingOf({ left: [], after: 'refusal' }, crun, places)).toBeUndefined()
  })

  test('is never explained where there is more than that', () => {
    expect(
      leavingOf({ left: ['cgroup /sys/fs/cgroup/one', 'process 7'], after: 'delete' }, RUNC, places),
    ).toBeUndefined()
    expect(leavingOf({ left: ['mount /tmp/one'], after: 'delete' }, RUNC, places)).toBeUndefined()
  })
})
