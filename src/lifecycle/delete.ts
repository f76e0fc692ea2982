/** `delete`: removes what a container leaves: processes, cgroups, state. With force, whatever state it is in. */
import { RuntimeError } from '../base/errors.ts'
import { closeFd, removeDir, statIf } from '../ffi/file.ts'
import { killCgroup } from '../host/cgroup/kill.ts'
import { removeCgroup } from '../host/cgroup/remove.ts'
import { recordDirs, tasksLeft } from '../host/cgroup/tree.ts'
import { sleepMs, whileFewer } from '../host/cgroup/wait.ts'
import { openPidfd, reap, signalPidfd } from '../host/process.ts'
import { awaitReadable } from '../host/signals.ts'
import type { CgroupRecord } from '../plan/cgroup/model.ts'
import { lockAgain, openContainer, releaseContainer } from '../state/claim.ts'
import { type Claim, removeContainer } from '../state/folder.ts'
import type { ContainerRecord } from '../state/record.ts'
import { isAlive, statusOf } from '../state/status.ts'
import { readRecord } from '../state/store.ts'
import { killHook, runRecordedHooks } from './hooks.ts'
import type { Runtime } from './runtime.ts'
import { units, withOwnUnit } from './units.ts'

/** In ms; how long nothing may change while processes end. */
const PATIENCE = 10_000

/** In ms. Nearly all end within it, and need not be counted. */
const MOMENT = 1000

/**
 * Deletes a container. As runc (and unlike the letter of the specification) a created one may be deleted without force:
 * its init, which has run nothing, is killed. With force a container that is not there is no error.
 */
export function deleteContainer(runtime: Runtime, id: string, force: boolean): void {
  let claim: Claim | undefined
  try {
    claim = force ? interrupt(runtime, id) : openContainer(runtime.root, id, true)
  } catch (error) {
    if (force && error instanceof RuntimeError && error.code === 'not-found') return
    throw error
  }
  if (!claim) throw new RuntimeError('bad-state', `cannot delete container ${id}: it is busy`)
  try {
    const record = readRecord(runtime.root, id)
    if (record) {
      const status = statusOf(claim.path, record)
      // Nobody holds the lock but us: who was creating it is dead, though not the hook that it waited for.
      if (record.phase === 'creating') killHook(claim.path)
      if (!force && status !== 'stopped' && status !== 'created' && status !== 'creating') {
        throw new RuntimeError('bad-state', `cannot delete container ${id} that is not stopped: ${status}`)
      }
      removeAll(runtime, claim, record)
    } else removeContainer(claim)
  } finally {
    releaseContainer(claim)
  }
}

/** Deletes a container that has just ended, unless somebody did so already: then its directory is not ours any more. */
export function deleteOwn(runtime: Runtime, claim: Claim, record: ContainerRecord): void {
  try {
    if (lockAgain(claim)) removeAll(runtime, claim, record)
  } finally {
    releaseContainer(claim)
  }
}

/**
 * Kills, removes the cgroups, runs the poststop hooks, removes the state.
 * SPEC: runtime.md#lifecycle steps 12 and 13: the hooks come when the container is destroyed; the state goes last, so
 * that a delete which was killed can be repeated. For a container with a unit the caller has loaded the code for units.
 */
export function removeAll(runtime: Runtime, claim: Claim, record: ContainerRecord): void {
  const { unit, cgroup } = withOwnUnit(record)
  destroy(record)
  if (unit) endUnit(record, unit)
  // Of a unit that has ended a failure may be left; of another's that runs this takes nothing.
  else if (record.unit) units().forgetUnit(record.unit)
  if (cgroup) removeCgroups(cgroup)
  for (const path of record.intelRdt?.remove ?? []) if (statIf(path)) removeDir(path)
  runRecordedHooks(claim, record, 'poststop', runtime.log)
  removeContainer(claim)
}

/** ORDER: first all processes: systemd would ask them to end, and wait for that. */
function endUnit({ cgroup }: ContainerRecord, unit: NonNullable<ContainerRecord['unit']>): void {
  if (cgroup) killCgroup(cgroup)
  units().stopUnit(unit)
}

/** Mostly the directories are empty. If not, a process joined them from outside, and goes with the container. */
function removeCgroups(cgroup: CgroupRecord): void {
  try {
    removeCgroup(cgroup, 100)
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    killCgroup(cgroup)
    removeCgroup(cgroup)
  }
}

/** Takes the lock; whoever holds it is made to fail by killing what it waits for: its hook, its init. */
function interrupt(runtime: Runtime, id: string): Claim | undefined {
  const until = Date.now() + PATIENCE
  for (;;) {
    const claim = openContainer(runtime.root, id, false)
    if (claim || Date.now() > until) return claim
    const record = readRecord(runtime.root, id)
    killHook(`${runtime.root}/${id}`)
    if (record) kill(record)
    sleepMs(20)
  }
}

function kill(record: ContainerRecord): void {
  const pidfd = record.pid > 0 ? openPidfd(record.pid) : undefined
  try {
    if (pidfd !== undefined && isAlive(record)) signalPidfd(pidfd, 9)
  } finally {
    if (pidfd !== undefined) closeFd(pidfd)
  }
  const { cgroup } = withOwnUnit(record)
  if (cgroup) killCgroup(cgroup)
}

/** Kills all of the container and waits until its init is gone; a zombie that its parent has yet to reap is gone. */
function destroy(record: ContainerRecord): void {
  const pidfd = record.pid > 0 && isAlive(record) ? openPidfd(record.pid) : undefined
  // KERNEL: when the first process of a pid namespace ends, the kernel has killed all others in it.
  if (pidfd !== undefined || record.pid === 0 || !record.privatePid) kill(record)
  if (pidfd === undefined) return
  try {
    if (!awaitEnd(pidfd, record) && isAlive(record))
      throw new RuntimeError('kill', `container init ${record.pid} does not die`)
    reap(record.pid, false)
  } finally {
    closeFd(pidfd)
  }
}

/** KERNEL: init of a pid namespace goes after all others in it, which may be thousands: each that goes gives more time. */
function awaitEnd(pidfd: number, record: ContainerRecord): boolean {
  const { cgroup } = withOwnUnit(record)
  const left = () => (cgroup ? recordDirs(cgroup) : []).reduce((sum, dir) => sum + tasksLeft(dir), 0)
  return awaitReadable(pidfd, MOMENT) || whileFewer(() => awaitReadable(pidfd, PATIENCE), left)
}
