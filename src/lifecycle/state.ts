/** `state` and `list`: what davit knows of a container and what the kernel says of it now. */
import { SysError } from '../base/errors.ts'
import { isLocked } from '../state/claim.ts'
import { notFound } from '../state/ids.ts'
import type { ContainerRecord, Status } from '../state/record.ts'
import { statusOf } from '../state/status.ts'
import { listContainers, readRecord } from '../state/store.ts'
import type { Runtime } from './runtime.ts'

/** A container as `state` and `list` show it; pid is 0 when it is stopped. */
export interface ContainerState {
  readonly ociVersion: string
  readonly id: string
  readonly pid: number
  readonly status: Status
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  readonly annotations?: Readonly<Record<string, string>>
  /** uid of who created it. */
  readonly owner: number
}

function stateOf(path: string, record: ContainerRecord): ContainerState {
  const derived = statusOf(path, record)
  // Nobody is making it any more: its create was killed half-way, and its init with it.
  const status = derived === 'creating' && !isLocked(path) ? 'stopped' : derived
  return viewOf(record, status)
}

/** A container with a status that somebody has found out. */
export function viewOf(record: ContainerRecord, status: Status): ContainerState {
  const { ociVersion, id, bundle, rootfs, created, annotations, owner } = record
  const pid = status === 'stopped' ? 0 : record.pid
  return { ociVersion, id, pid, status, bundle, rootfs, created, ...(annotations ? { annotations } : {}), owner }
}

/** The state of one container; throws not-found. */
export function containerState(runtime: Runtime, id: string): ContainerState {
  const record = readRecord(runtime.root, id)
  // A directory without a record: its create has only just begun, or was killed before it wrote one.
  if (!record) throw notFound(id)
  return stateOf(`${runtime.root}/${id}`, record)
}

/** All containers; those that vanish during the look are left out. */
export function listStates(runtime: Runtime): ContainerState[] {
  return listContainers(runtime.root, runtime.rootExplicit).flatMap((id) => {
    try {
      return [containerState(runtime, id)]
    } catch (error) {
      if (error instanceof SysError) runtime.log.debug(`list: ${id}: ${error.message}`)
      return []
    }
  })
}
