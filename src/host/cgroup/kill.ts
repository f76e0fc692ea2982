/** Kills everything in a container's cgroups. */

import { writeText } from '../../ffi/file.ts'
import { must, sys } from '../../ffi/native.ts'
import type { CgroupRecord } from '../../plan/cgroup/model.ts'
import { thawTree, tryFreeze } from './freeze.ts'
import { isErrno, isGone, readPids, recordDirs, treePids } from './tree.ts'

const SIGKILL = 9
const ESRCH = 3

/** Bound against a fork bomb that cannot be frozen; each round leaves fewer processes that could fork. */
const ROUNDS = 100

/**
 * Kills all processes of the container, paused ones too, and those in cgroups that it made itself. They may take a
 * moment to vanish: {@link removeCgroup} waits for that. A cgroup that is gone is no error.
 */
export function killCgroup(record: CgroupRecord): void {
  const killed = record.v2 !== undefined && killV2(record.v2)
  try {
    // One hierarchy that has processes is as good as all of v1.
    const populated = (killed ? record.v1 : recordDirs(record)).find((dir) => treePids(dir).length > 0)
    if (populated !== undefined) killByPids(record, populated)
  } finally {
    // KERNEL: a process frozen on v1 dies only when it is thawed: whatever failed, nothing stays frozen.
    thawTree(record)
  }
}

/** Sends a signal to every process of the container, once; returns how many got it. */
export function signalCgroup(record: CgroupRecord, signal: number): number {
  return readPids(record).filter((pid) => sendSignal(pid, signal)).length
}

/** KERNEL(5.14): cgroup.kill, at once and without a race against fork. False where it cannot be had. */
function killV2(dir: string): boolean {
  try {
    writeText(`${dir}/cgroup.kill`, '1')
    return true
  } catch (error) {
    // KERNEL: a threaded cgroup has no kill of its own.
    if (isGone(error) || isErrno(error, 'EOPNOTSUPP', 'EINVAL')) return false
    throw error
  }
}

function killByPids(record: CgroupRecord, dir: string): void {
  const seen = new Set<number>()
  for (let round = 0; round < ROUNDS; round++) {
    const fresh = treePids(dir).filter((pid) => !seen.has(pid))
    if (fresh.length === 0) return
    // It forks while we kill: a frozen one cannot. The caller thaws.
    if (round === 1) tryFreeze(record)
    for (const pid of fresh) {
      seen.add(pid)
      sendSignal(pid, SIGKILL)
    }
  }
}

/** False when the process is gone. */
function sendSignal(pid: number, signal: number): boolean {
  // SAFETY: 0 in cgroup.procs is a process of a foreign pid namespace; to kill(2) it would be our own process group.
  if (pid <= 0) return false
  const result = sys('kill', pid, signal)
  if (result === -ESRCH) return false
  must(`kill ${pid} with signal ${signal}`, result)
  return true
}
