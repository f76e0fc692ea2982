/** The way to systemd, whose code is loaded only for containers that have a unit. */
import { RuntimeError, SysError } from '../base/errors.ts'
import { statIf } from '../ffi/file.ts'
import { type SystemdFacts, unitDir } from '../plan/cgroup/unit_name.ts'
import type { ProcessFacts } from '../plan/facts.ts'
import type { ContainerRecord } from '../state/record.ts'
import { readRecord } from '../state/store.ts'
import { isRootless, type Runtime } from './runtime.ts'

type Units = typeof import('../host/systemd/unit.ts')

let loaded: Units | undefined

/** What the planners need to know of systemd, where it is asked to make the cgroups. */
export async function systemdFacts(
  runtime: Pick<Runtime, 'cgroups' | 'rootless'>,
  facts: ProcessFacts,
): Promise<SystemdFacts | undefined> {
  if (runtime.cgroups !== 'systemd') return undefined
  loaded = await import('../host/systemd/unit.ts')
  const { gatherSystemdFacts } = await import('../host/systemd/facts.ts')
  return gatherSystemdFacts(isRootless(runtime, facts))
}

/** Loads what {@link units} gives, if the container has a unit. */
export async function loadUnits(record: Pick<ContainerRecord, 'unit'> | undefined): Promise<void> {
  if (record?.unit) loaded ??= await import('../host/systemd/unit.ts')
}

/** The same for a container by its id; what is wrong with that is for the verb to say. */
export async function loadUnitsOf({ root }: Pick<Runtime, 'root'>, id: string): Promise<void> {
  let record: ContainerRecord | undefined
  try {
    record = readRecord(root, id)
  } catch (error) {
    if (!(error instanceof RuntimeError || error instanceof SysError)) throw error
  }
  await loadUnits(record)
}

/**
 * The record without a unit and cgroup that are not the container's any more: when its last process has ended systemd
 * removes both, and whoever comes next, from another state directory too, may have made others of the same names.
 */
export function withOwnUnit(record: ContainerRecord): ContainerRecord {
  const { unit, cgroup, ...rest } = record
  if (!unit || !cgroup?.v2) return record
  const inode = statIf(unitDir(cgroup.v2, unit.name))?.inode
  return inode === undefined || (unit.inode !== undefined && inode !== unit.inode) ? rest : record
}

/** Loaded before by one of the functions above. */
export function units(): Units {
  if (!loaded) throw new Error('bug: the code for units was not loaded')
  return loaded
}
