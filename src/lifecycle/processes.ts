/** The processes of a container, for `ps`. */
import { RuntimeError } from '../base/errors.ts'
import { allPids } from '../host/cgroup/tree.ts'
import { notFound } from '../state/ids.ts'
import { readRecord } from '../state/store.ts'
import type { Runtime } from './runtime.ts'

/** Host pids of everything in the container's cgroups and those below, lowest first; none when it has stopped. */
export function containerPids(runtime: Runtime, id: string): number[] {
  const record = readRecord(runtime.root, id)
  if (!record) throw notFound(id)
  if (record.cgroup) return allPids(record.cgroup)
  throw new RuntimeError('unsupported', 'unable to get all container pids: the container has no cgroups')
}
