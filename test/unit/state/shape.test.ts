import { expect, test } from 'vitest'
import { sumOf } from '../../../src/state/kept_config.ts'
import type { ContainerRecord } from '../../../src/state/record.ts'
import { misfit } from '../../../src/state/shape.ts'

const HOOK = { call: { path: '/h', args: ['h'], env: [], timeout: 1000 }, config: '/hooks/poststop/0', doing: 'run it' }

/** Every member that there is. */
const RECORD: Required<ContainerRecord> = {
  format: 1,
  ociVersion: '1.3.0',
  id: 'c',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-01-01T00:00:00Z',
  annotations: { a: 'b' },
  owner: 0,
  pid: 7,
  startTime: 8,
  phase: 'created',
  cgroup: { v2: '/sys/fs/cgroup/c', v1: ['/sys/fs/cgroup/cpu/c'], inner: '/sys/fs/cgroup/c/i' },
  unit: { name: 'c.scope', manager: 'system', inode: 9 },
  sharedCgroup: { v1: [] },
  noNewKeyring: true,
  privatePid: true,
  poststart: [],
  poststop: [HOOK],
  resources: { pids: { limit: 1 } },
  intelRdt: { root: '/sys/fs/resctrl', group: '/sys/fs/resctrl/c', remove: ['/sys/fs/resctrl/c'] },
  seccomp: { mark: 'm', listener: { path: '/s' } },
  configSum: '1-2',
  late: [{ record: 3, step: { kind: 'exec', args: [], env: [], keepFds: 0, origin: { doing: 'x', config: '' } } }],
}

test('a record fits with all that there is, and with no more than there must be', () => {
  expect(misfit(RECORD, 'c')).toBeUndefined()
  const { ociVersion, bundle, rootfs, created, owner, pid, startTime, phase, privatePid, poststart, poststop } = RECORD
  const least = { ociVersion, bundle, rootfs, created, owner, pid, startTime, phase, privatePid, poststart, poststop }
  expect(misfit({ format: 1, id: 'c', ...least, more: 1 }, 'c')).toBeUndefined()
})

test.each<[string, object]>([
  ['/id', { id: 'd' }],
  ['/pid', { pid: -1 }],
  ['/pid', { pid: 2 ** 22 + 1 }],
  ['/startTime', { startTime: 0.5 }],
  ['/bundle', { bundle: 'b' }],
  ['/rootfs', { rootfs: '/b/..' }],
  ['/created', { created: undefined }],
  ['/phase', { phase: 'gone' }],
  ['/privatePid', { privatePid: 1 }],
  ['/annotations', { annotations: [] }],
  ['/annotations/a', { annotations: { a: 1 } }],
  ['/cgroup/v1', { cgroup: {} }],
  ['/cgroup/v1/0', { cgroup: { v1: ['/a\0b'] } }],
  ['/cgroup/v2', { cgroup: { v1: [], v2: '/sys/fs/cgroup/c/../..' } }],
  ['/poststop/0/call/path', { poststop: [{ ...HOOK, call: { ...HOOK.call, path: null } }] }],
  ['/intelRdt/remove', { intelRdt: { root: '/', group: '/' } }],
  ['/late/0/step/kind', { late: [{ record: 1, step: { kind: 'mount' } }] }],
  ['/resources', { resources: null }],
])('what does not fit is told by its place: %s', (place, change) => {
  expect(misfit({ ...RECORD, ...change }, 'c')).toBe(place)
})

test('what is no object is none at all', () => {
  for (const value of [null, 1, 'x', []]) expect(misfit(value, 'c')).toBe('')
})

test('the sum of a text tells it from what is left of it', () => {
  const sums = ['', 'a', 'ab', 'abcd', 'abcde', 'abcdf', 'bbcde', 'é'].map(sumOf)
  expect(new Set(sums).size).toBe(sums.length)
})
