/** What runtimes are known to leave of any container: named once, as every case ends with a delete, and many refuse. */
import { type Case, type Deviation, deviationOf, type Left, type Place } from './suite.ts'
import type { Identity } from './versions.ts'

type Deviations = NonNullable<Case['deviations']>

const REFUSED: Deviations = {
  crun: {
    seen: '1.21',
    only: ['cgroup v2', 'cgroupfs'],
    clause: 'runtime.md#errors',
    why: 'leaves the cgroup of a container that it could not make',
  },
}

const DELETED: Deviations = {
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

/** The deviation that explains what is left after a delete or a refusal, if all of it are cgroups; other things never are. */
export function leavingOf(
  { left, after }: Pick<Left, 'left' | 'after'>,
  identity: Identity,
  places: readonly Place[],
): Deviation | undefined {
  if (left.length === 0 || !left.every((one) => one.startsWith('cgroup '))) return undefined
  return deviationOf({ deviations: after === 'delete' ? DELETED : REFUSED }, identity, places)
}
