/** Whose a container's cgroup is: a user namespace's own root may be meant to make cgroups below it. Pure. */
import { cleanPath } from '../../base/path.ts'
import type { Spec } from '../../spec/types.gen.ts'
import type { CgroupFacts } from '../facts.ts'

/**
 * The host's uid of the container's user, if that user is to own the cgroup.
 * SPEC: config-linux.md#cgroup-ownership: not with v1, where delegation is not safe; only with a cgroup namespace of its
 * own and a cgroup file system that can be written to.
 */
export function cgroupOwner({ linux, mounts, process }: Spec, facts: CgroupFacts): number | undefined {
  if (facts.mode !== 'unified') return undefined
  if (!linux?.namespaces?.some(({ type, path }) => type === 'cgroup' && !path)) return undefined
  const writable = mounts?.some(({ source, destination, options }) => {
    return source === 'cgroup' && cleanPath(destination) === '/sys/fs/cgroup' && !options?.includes('ro')
  })
  if (!writable) return undefined
  const uid = process?.user?.uid ?? 0
  if (!linux.namespaces.some(({ type }) => type === 'user')) return uid
  const map = linux.uidMappings?.find(({ containerID, size }) => uid >= containerID && uid < containerID + size)
  return map && map.hostID + uid - map.containerID
}
