/** What runtimes are known to leave of any container now and then: named once, as every case ends with a delete. */
import { type Case, type Deviation, deviationOf, type Place } from './suite.ts'
import type { Identity } from './versions.ts'

const DEVIATIONS: NonNullable<Case['deviations']> = {
  runc: {
    seen: '1.1.15',
    only: ['cgroup v2', 'cgroupfs'],
    race: true,
    clause: 'runtime.md#delete',
    why:
      'takes a created container for gone once the first thread of its process is, and tries only once to remove the ' +
      'cgroup, in which the others still are: it logs that it is busy, and succeeds',
  },
}

/** The deviation that explains what is left, if all of it are cgroups; other things never are. */
export function leavingOf(
  left: readonly string[],
  identity: Identity,
  places: readonly Place[],
): Deviation | undefined {
  return left.every((one) => one.startsWith('cgroup '))
    ? deviationOf({ deviations: DEVIATIONS }, identity, places)
    : undefined
}
