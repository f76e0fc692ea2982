/** Signals to everything in a container's cgroups. */

import { closeFd, writeText } from '../../ffi/file.ts'
import type { CgroupRecord } from '../../plan/cgroup/model.ts'
import { openPidfd, signalPidfd } from '../process.ts'
import { freezeState, resumeCgroup, thawTree, tryFreeze } from './freeze.ts'
import { allPids, checkRecord, isErrno, isGone } from './tree.ts'
import { waitUntil } from './wait.ts'

const SIGKILL = 9

/** Bound against a fork bomb that cannot be frozen; each round leaves fewer processes that could fork. */
const ROUNDS = 100

/** How many processes are held by a pidfd at once: the limit of open files may be low. */
const BATCH = 200

/**
 * Kills all processes of the container, paused ones too, and those in cgroups that it made itself. They may take a
 * moment to vanish: {@link removeCgroup} waits for that. A cgroup that is gone is no error.
 */
export function killCgroup(record: CgroupRecord): void {
  checkRecord(record)
  if (record.v2 !== undefined) killV2(record.v2)
  try {
    // Without a kill of v2, and for those that left their cgroup there: they are found in the other hierarchies.
    killByPids(record)
  } finally {
    // KERNEL: a process frozen on v1 dies only when it is thawed: whatever failed, nothing stays frozen.
    thawTree(record)
  }
}

/**
 * Sends a signal to every process that the container has at one moment: it is frozen meanwhile, so that none is forked
 * past the signal, and thawed again unless it was paused before. Returns how many got it.
 */
export function signalCgroup(record: CgroupRecord, signal: number): number {
  checkRecord(record)
  const paused = freezeState(record) === 'frozen'
  try {
    if (!paused) {
      tryFreeze(record)
      // One that cannot be frozen now forks nothing now either.
      waitUntil(() => freezeState(record) === 'frozen', 200)
    }
    return signalPids(record, allPids(record), signal)
  } finally {
    if (!paused) resumeCgroup(record)
  }
}

/** KERNEL(5.14): cgroup.kill, at once and without a race against fork. */
function killV2(dir: string): void {
  try {
    writeText(`${dir}/cgroup.kill`, '1')
  } catch (error) {
    // KERNEL: a threaded cgroup has no kill of its own.
    if (!isGone(error) && !isErrno(error, 'EOPNOTSUPP', 'EINVAL')) throw error
  }
}

function killByPids(record: CgroupRecord): void {
  const seen = new Set<number>()
  for (let round = 0; round < ROUNDS; round++) {
    const fresh = allPids(record).filter((pid) => !seen.has(pid))
    if (fresh.length === 0) return
    // It forks while we kill: a frozen one cannot. The caller thaws.
    if (round === 1) tryFreeze(record)
    signalPids(record, fresh, SIGKILL)
    for (const pid of fresh) seen.add(pid)
  }
}

/**
 * SAFETY: a pid may be another process's by the time that it gets the signal. So each is held by a pidfd, and only
 * those get it that are in the container's cgroups still when they are held.
 */
function signalPids(record: CgroupRecord, pids: readonly number[], signal: number): number {
  let count = 0
  for (let at = 0; at < pids.length; at += BATCH) {
    const held: { readonly pid: number; readonly pidfd: number }[] = []
    try {
      for (const pid of pids.slice(at, at + BATCH)) {
        const pidfd = openPidfd(pid)
        if (pidfd !== undefined) held.push({ pid, pidfd })
      }
      const still = new Set(held.length > 0 ? allPids(record) : [])
      for (const { pid, pidfd } of held) if (still.has(pid) && signalPidfd(pidfd, signal)) count++
    } finally {
      for (const { pidfd } of held) closeFd(pidfd)
    }
  }
  return count
}
