/** The rest of a `run` whose engine had become native/watch.c, where that takes words, or more than was prepared. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { absolutePath } from '../base/path.ts'
import { unlink } from '../ffi/file.ts'
import type { CallerEnded, CallerStart } from '../host/caller.ts'
import { takeLeft } from '../host/signals.ts'
import { adoptContainer, releaseContainer } from '../state/claim.ts'
import type { Claim } from '../state/folder.ts'
import type { ContainerRecord } from '../state/record.ts'
import { readRecord } from '../state/store.ts'
import { removeAll } from './delete.ts'
import type { Runtime } from './runtime.ts'
import { hearInit } from './start.ts'
import { KILLED, tellLackOfMemory } from './supervise.ts'
import { loadUnits } from './units.ts'

/** The container has ended, and is deleted, unless somebody did so already. Its exit code. */
export async function endRun(runtime: Runtime, id: string, { code, folder }: CallerEnded): Promise<number> {
  await attempt(runtime, `delete container ${id}`, () =>
    withContainer(runtime, id, folder, (claim, record) => {
      if (code === KILLED && record.cgroup) tellLackOfMemory(runtime, record.cgroup)
      removeAll(runtime, claim, record)
    }),
  )
  return code
}

/** Init could not execute the process, or was not to: throws what there is to say of that, and nothing is left. */
export async function failRun(runtime: Runtime, id: string, told: CallerStart, pidFile?: string): Promise<never> {
  await withContainer(runtime, id, told.folder, async (claim, record) => {
    try {
      await hearInit(runtime, claim, record, told.peer)
      takeLeft()
    } finally {
      await attempt(runtime, `delete container ${id}`, () => removeAll(runtime, claim, record))
      await attempt(
        runtime,
        'remove pid file',
        () => pidFile !== undefined && unlink(absolutePath(pidFile, runtime.cwd)),
      )
    }
  })
  throw new RuntimeError('create', 'container init is gone')
}

/** Acts on a container by the directory that is open, if that is still the container's. */
async function withContainer(
  runtime: Runtime,
  id: string,
  folder: number,
  act: (claim: Claim, record: ContainerRecord) => void | Promise<void>,
): Promise<void> {
  const claim = adoptContainer(runtime.root, id, folder)
  if (!claim) return
  try {
    const record = readRecord(runtime.root, id)
    if (!record) return
    await loadUnits(record)
    await act(claim, record)
  } finally {
    releaseContainer(claim)
  }
}

/** As much as can be: the exit code, or an error, is on its way already. */
async function attempt({ log }: Runtime, what: string, act: () => unknown): Promise<void> {
  try {
    await act()
  } catch (error) {
    log.warning(`${what}: ${messageOf(error)}`)
  }
}
