import { describe, expect, test } from 'vitest'
import { cgroupOwner } from '../../../../src/plan/cgroup/owner.ts'
import type { Spec } from '../../../../src/spec/types.gen.ts'
import { HYBRID, LEGACY, plan, UNIFIED } from './helper.ts'

const MOUNT = { source: 'cgroup', destination: '/sys/fs/cgroup', type: 'cgroup', options: ['nosuid'] }
const BOTH = [{ type: 'cgroup' }, { type: 'user' }] as const
const MAPS = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1, hostID: 100000, size: 1000 },
]

function spec(linux: object, mount: object = MOUNT, uid = 0): Spec {
  const process = { cwd: '/', args: ['x'], user: { uid, gid: 0 } }
  return { ociVersion: '1.0.0', process, mounts: [mount], linux } as Spec
}

const userns = { namespaces: BOTH, uidMappings: MAPS }

describe('who owns the cgroup', () => {
  test('the host’s uid of the container’s user', () => {
    expect(cgroupOwner(spec(userns), UNIFIED)).toBe(1000)
    expect(cgroupOwner(spec(userns, MOUNT, 1), UNIFIED)).toBe(100000)
    expect(cgroupOwner(spec(userns, { ...MOUNT, destination: '/sys/fs/cgroup/' }, 1000), UNIFIED)).toBe(100999)
    expect(cgroupOwner(spec({ namespaces: [{ type: 'cgroup' }] }, MOUNT, 7), UNIFIED)).toBe(7)
  })

  test('nobody: v1, no namespace of its own, a mount that cannot be written to, a user without a uid outside', () => {
    for (const facts of [LEGACY, HYBRID]) expect(cgroupOwner(spec(userns), facts)).toBeUndefined()
    expect(cgroupOwner(spec({ ...userns, namespaces: [{ type: 'user' }] }), UNIFIED)).toBeUndefined()
    const joined = { ...userns, namespaces: [{ type: 'cgroup', path: '/x' }, { type: 'user' }] }
    expect(cgroupOwner(spec(joined), UNIFIED)).toBeUndefined()
    expect(cgroupOwner(spec(userns, { ...MOUNT, options: ['ro'] }), UNIFIED)).toBeUndefined()
    expect(cgroupOwner(spec(userns, { ...MOUNT, destination: '/cgroup' }), UNIFIED)).toBeUndefined()
    expect(cgroupOwner(spec(userns, MOUNT, 1001), UNIFIED)).toBeUndefined()
  })

  test('is given it last, when all limits are set; root has it anyway', () => {
    const resources = { memory: { limit: 1 }, unified: { 'pids.max': '1' } }
    expect(plan(resources, UNIFIED, { owner: 1000 }).steps.at(-1)).toEqual({
      kind: 'give',
      dir: '/sys/fs/cgroup/c',
      uid: 1000,
    })
    expect(plan({}, UNIFIED, { owner: 1, rootless: true }).steps.at(-1)).toMatchObject({ kind: 'give', optional: true })
    expect(plan({}, UNIFIED, { owner: 0 }).steps.some(({ kind }) => kind === 'give')).toBe(false)
  })
})
