/** `kill`: a signal to init, or with --all (and for a shared pid namespace) to every process of the container. */
import { RuntimeError } from '../base/errors.ts'
import { closeFd } from '../ffi/file.ts'
import { freezeState } from '../host/cgroup/freeze.ts'
import { killCgroup, signalCgroup } from '../host/cgroup/kill.ts'
import { allPids } from '../host/cgroup/tree.ts'
import { openPidfd, signalPidfd } from '../host/process.ts'
import { notFound } from '../state/ids.ts'
import type { ContainerRecord } from '../state/record.ts'
import { isAlive, statusOf } from '../state/status.ts'
import { readRecord } from '../state/store.ts'
import type { Runtime } from './runtime.ts'
import { withOwnUnit } from './units.ts'

const SIGKILL = 9

/** Signals init; the pidfd is taken before the look at who it is, so a pid that is used again is never hit. */
export function signalInit(record: ContainerRecord, signal: number): boolean {
  const pidfd = record.pid > 0 ? openPidfd(record.pid) : undefined
  if (pidfd === undefined) return false
  try {
    return isAlive(record) && signalPidfd(pidfd, signal)
  } finally {
    closeFd(pidfd)
  }
}

/**
 * Sends a signal to init. With `all`, and for SIGKILL to a container that shares its pid namespace, to everything in its
 * cgroups, as its processes would outlive init otherwise. A container that is not running is an error, unless `all` of
 * it was asked for, as engines do when they clean up.
 */
export function killContainer(runtime: Runtime, id: string, signal: number, all: boolean): void {
  const known = readRecord(runtime.root, id)
  if (!known) throw notFound(id)
  const record = withOwnUnit(known)
  const running = statusOf(`${runtime.root}/${id}`, record) !== 'stopped'
  const everything = all || (signal === SIGKILL && !record.privatePid)
  if (everything && record.cgroup) {
    if (!running && !all && allPids(record.cgroup).length === 0) throw notRunning()
    // Init too if it left its cgroups; where it is the first of a pid namespace, all in that die with it.
    if (signal === SIGKILL) {
      signalInit(record, signal)
      killCgroup(record.cgroup)
    } else if (signal !== 0) signalCgroup(record.cgroup, signal)
    return
  }
  if (everything && !record.privatePid)
    runtime.log.warning(`the container has no cgroups: only its first process gets the signal, others may be left`)
  if (!running && all) return
  if (!running || !signalInit(record, signal)) throw notRunning()
  // KERNEL: a frozen process dies only when it is thawed (v1), and SIGKILL should not have to wait for `resume`. ORDER:
  // looked at after the signal, as a pause may come between; one that comes later sees the signal and gives way.
  if (signal === SIGKILL && record.cgroup && freezeState(record.cgroup) === 'frozen') killCgroup(record.cgroup)
}

/** runc's words, which engines match. */
function notRunning(): RuntimeError {
  return new RuntimeError('kill', 'container not running')
}
