/** Removes a container's cgroups. */
import { RuntimeError, SysError } from '../../base/errors.ts'
import { removeDir, statIf } from '../../ffi/file.ts'
import { errnoText } from '../../kernel/errno.ts'
import type { CgroupRecord } from '../../plan/cgroup/model.ts'
import { checkCgroup, childCgroups, directPids, isErrno, isGone, recordDirs, tasksLeft } from './tree.ts'
import { waitUntil, whileFewer } from './wait.ts'

/**
 * Removes the container's own directories and all below them; parents stay, they may be others'. Waits up to `bound`
 * milliseconds for processes that are about to vanish, and again while there are fewer and fewer. What is gone already is
 * no error.
 * @throws RuntimeError code "cgroup" after having tried all directories: the first failure.
 */
export function removeCgroup(record: CgroupRecord, bound = 2000): void {
  let first: unknown
  for (const dir of recordDirs(record)) {
    try {
      checkCgroup(dir)
      removeTree(dir, bound)
    } catch (error) {
      first ??= error
    }
  }
  if (first !== undefined) throw first
}

function removeTree(dir: string, bound: number): void {
  // Mostly the directory is empty and this is all.
  if (tryRemove(dir) === undefined) return
  let error: SysError | undefined
  const remove = () => {
    removeChildren(dir)
    error = tryRemove(dir)
    // KERNEL: EBUSY while there are processes, zombies included until they are reaped, or children.
    if (error !== undefined && error.errnoName !== 'EBUSY') throw failure(dir, error)
    return error === undefined
  }
  const removed = whileFewer(
    () => waitUntil(remove, bound),
    () => tasksLeft(dir),
  )
  if (!removed && error !== undefined) throw failure(dir, error)
}

/** Children first; what is still busy is left for the next round. */
function removeChildren(dir: string): void {
  for (const child of childCgroups(dir)) {
    removeChildren(child)
    const error = tryRemove(child)
    if (error !== undefined && error.errnoName !== 'EBUSY') throw failure(child, error)
  }
}

/** undefined when the directory is gone. */
function tryRemove(dir: string): SysError | undefined {
  try {
    removeDir(dir)
  } catch (error) {
    if (isGone(error)) return undefined
    // KERNEL: a read-only cgroup file system says EROFS for what does not exist, too.
    if (isErrno(error, 'EROFS', 'EACCES', 'EPERM') && statIf(dir) === undefined) return undefined
    if (error instanceof SysError) return error
    throw error
  }
  return undefined
}

function failure(dir: string, error: SysError): RuntimeError {
  const count = error.errnoName === 'EBUSY' ? directPids(dir).length : 0
  const who = count > 0 ? ` (${count} process(es) left)` : ''
  return new RuntimeError('cgroup', `remove cgroup ${dir}: ${errnoText(error.errno)}${who}`, [], { cause: error })
}
