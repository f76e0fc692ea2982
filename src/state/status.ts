/** The status of a container, derived each time from what the kernel says; only the pid and its start time are stored. */
import { SysError } from '../base/errors.ts'
import { readLink, statIf } from '../ffi/file.ts'
import { freezeState } from '../host/cgroup/freeze.ts'
import { processStat } from '../host/process.ts'
import type { ContainerRecord, Status } from './record.ts'

/** Name of the socket that init listens on until `start`; it exists as long as the container is only created. */
export const START_SOCKET = 'start.sock'

/** Whether init is alive: the same process (pids are used again, start times tell them apart) and not a zombie. */
export function isAlive(record: ContainerRecord): boolean {
  if (record.pid <= 0) return false
  const stat = processStat(record.pid)
  return stat !== undefined && stat.startTime === record.startTime && stat.state !== 'Z' && stat.state !== 'X'
}

/** Derives the status. `path` is the container's state directory. */
export function statusOf(path: string, record: ContainerRecord): Status {
  if (record.phase === 'creating') return record.pid === 0 || isAlive(record) ? 'creating' : 'stopped'
  if (!isAlive(record)) return 'stopped'
  if (record.cgroup && freezeState(record.cgroup) === 'frozen') return 'paused'
  return statIf(`${path}/${START_SOCKET}`) && isWaiting(record.pid) ? 'created' : 'running'
}

/** Whether a process still executes davit-init: a start that was killed before it removed the socket leaves a lie. */
function isWaiting(pid: number): boolean {
  try {
    return readLink(`/proc/${pid}/exe`).startsWith('/memfd:davit-init')
  } catch (error) {
    // Not ours to see: then the socket alone has to tell.
    if (error instanceof SysError) return true
    throw error
  }
}
