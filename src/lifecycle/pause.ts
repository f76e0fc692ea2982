/** `pause` and `resume`: the freezer of the container's cgroups. */
import { RuntimeError } from '../base/errors.ts'
import { readTextIf } from '../ffi/file.ts'
import { freezeCgroup, resumeCgroup, thawCgroup } from '../host/cgroup/freeze.ts'
import { openContainer, releaseContainer } from '../state/claim.ts'
import type { Claim } from '../state/folder.ts'
import { notFound } from '../state/ids.ts'
import type { ContainerRecord } from '../state/record.ts'
import { isAlive, statusOf } from '../state/status.ts'
import { readRecord } from '../state/store.ts'
import type { Runtime } from './runtime.ts'

/** Freezes all processes of a container that runs, or is created and waits. */
export function pauseContainer(runtime: Runtime, id: string): void {
  // ORDER: not beside a start, which waits for init, nor beside a delete, which waits for its death.
  const claim = openContainer(runtime.root, id, true) as Claim
  try {
    const record = readRecord(runtime.root, id)
    const status = record ? statusOf(claim.path, record) : 'creating'
    if (!record || (status !== 'running' && status !== 'created')) throw notRunning()
    if (!record.cgroup) throw noFreezer()
    freezeCgroup(record.cgroup)
    if (isAlive(record) && !isDying(record)) return
    // KERNEL: on v1 a killed process that is frozen before it could die would not die until somebody resumes it.
    thawCgroup(record.cgroup)
    throw notRunning()
  } finally {
    releaseContainer(claim)
  }
}

/** Thaws a paused container. Without a lock: a start may be waiting for an init that somebody has frozen. */
export function resumeContainer(runtime: Runtime, id: string): void {
  const record = readRecord(runtime.root, id)
  if (!record) throw notFound(id)
  if (statusOf(`${runtime.root}/${id}`, record) !== 'paused' || !record.cgroup)
    throw new RuntimeError('bad-state', 'container not paused')
  resumeCgroup(record.cgroup)
}

/** runc's words, which engines match. */
function notRunning(): RuntimeError {
  return new RuntimeError('bad-state', 'container not running')
}

function noFreezer(): RuntimeError {
  return new RuntimeError('unsupported', 'cannot pause: the container has no cgroups')
}

/** Whether init has been killed and has only to notice. */
function isDying({ pid }: ContainerRecord): boolean {
  const status = readTextIf(`/proc/${pid}/status`) ?? ''
  return ['SigPnd', 'ShdPnd'].some((name) => {
    const at = status.indexOf(`${name}:\t`) + name.length + 2
    // 64 signals as 16 digits; SIGKILL is bit 8 of them.
    return (Number.parseInt(status.slice(at, at + 16).slice(-3), 16) & 0x100) !== 0
  })
}
