/** `run`: create, start and, unless detached, stay until it ends, then clean up. */
import { messageOf } from '../base/errors.ts'
import { closeFd } from '../ffi/file.ts'
import { sys } from '../ffi/native.ts'
import { catchSignals } from '../host/signals.ts'
import { releaseContainer, unlockContainer } from '../state/claim.ts'
import { type CreateOptions, createContainer } from './create.ts'
import type { Creation } from './creation.ts'
import { deleteOwn } from './delete.ts'
import { runRecordedHooks } from './hooks.ts'
import { forgetPreserved } from './preserved.ts'
import type { Runtime } from './runtime.ts'
import { supervise } from './supervise.ts'

const PR_SET_CHILD_SUBREAPER = 36

export interface RunOptions extends CreateOptions {
  /** Leave the stopped container's state and cgroups. */
  readonly keep: boolean
  readonly noSubreaper: boolean
}

/** Runs a container. Returns its exit code, 128+n for death by signal n; 0 at once when detached. */
export async function runContainer(runtime: Runtime, options: RunOptions): Promise<number> {
  if (options.detach) {
    const creation = await createContainer(runtime, options)
    started(creation)
    return leave(creation)
  }
  const signals = catchSignals()
  if (!options.noSubreaper) adoptOrphans()
  const creation = await createContainer(runtime, options, signals)
  started(creation)
  forgetPreserved(creation.plan.keepFds)
  return stay(creation, options.keep)
}

/** From now on we are the parent of orphans below us. */
export function adoptOrphans(): void {
  sys('prctl', PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

/** Stays until the container has ended, and deletes it unless it is to be kept; its exit code. */
export function stay(creation: Creation, keep: boolean): number {
  // ORDER: others may start, kill or delete it while we only wait.
  unlockContainer(creation.claim)
  creation.handOver()
  const { notifier, signals } = creation
  // The service manager is to watch us: we end with the container's code.
  const code = supervise(creation, notifier?.watches(process.pid))
  if (!keep) cleanUp(creation)
  notifier?.settle(signals)
  return code
}

/** Leaves the container to itself, as soon as a service manager that waits for it has heard that it is ready. */
export function leave({ claim, init, notifier }: Creation): number {
  // ORDER: others may kill or delete it while we only wait.
  releaseContainer(claim)
  if (!init) throw new Error('bug: a container without init')
  notifier?.awaitReady(init.pid, init.pidfd)
  notifier?.settle()
  notifier?.close()
  closeFd(init.pidfd)
  return 0
}

/** The process runs: the hooks that follow, or everything is taken back. */
export function started(creation: Creation): void {
  creation.close()
  try {
    runRecordedHooks(creation.claim, creation.record, 'poststart', creation.runtime.log, creation.signals)
  } catch (error) {
    creation.undo()
    throw error
  }
}

/** What is left is removed; a failure to do so does not change the exit code of what ran. */
function cleanUp({ runtime, claim, record }: Creation): void {
  try {
    deleteOwn(runtime, claim, record)
  } catch (error) {
    runtime.log.warning(`delete container ${record.id}: ${messageOf(error)}`)
  }
}
