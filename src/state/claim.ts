/**
 * Making a container's directory claims its id; flock(2) on it serialises create, start and delete, and is dropped by the
 * kernel however the holder ends.
 */
import { SysError } from '../base/errors.ts'
import { closeFd, listDir, makeDir, openFile, removeDir, statIf, withFd, withFixedModes } from '../ffi/file.ts'
import { must, sys } from '../ffi/native.ts'
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../kernel/files.ts'
import { type Claim, removeContainer } from './folder.ts'
import { containerPath, inUse, notFound } from './ids.ts'
import { makeRoot } from './root.ts'

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4
const LOCK_UN = 8
const ENOENT = 2
const F_SETFD = 2
const FD_CLOEXEC = 1
const EAGAIN = -11

/**
 * Makes the container's directory, which claims its id, and locks it. `root` is an absolute path.
 * A forced delete may find the new directory before it is locked and remove it: then it is made again. Whoever holds
 * the lock of a directory with something in it has the id.
 */
export function claimContainer(root: string, id: string): Claim {
  const path = containerPath(root, id)
  withFixedModes(() => makeRoot(root))
  for (;;) {
    if (!withFixedModes(() => makeDir(path, 0o700))) throw inUse(id)
    const claim = lockNew(path, id)
    if (claim) return claim
  }
}

/** Claims the id and gives it back when what begins with it fails. */
export function withClaim<T>(root: string, id: string, begin: (claim: Claim) => T): T {
  const claim = claimContainer(root, id)
  try {
    return begin(claim)
  } catch (error) {
    removeContainer(claim)
    releaseContainer(claim)
    throw error
  }
}

/** Locks the directory just made; undefined when somebody removed it first. */
function lockNew(path: string, id: string): Claim | undefined {
  let fd: number
  try {
    fd = openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  } catch (error) {
    if (error instanceof SysError && error.errno === ENOENT) return undefined
    unclaim(path)
    throw error
  }
  try {
    must(`lock "${path}"`, sys('flock', fd, LOCK_EX))
    if (statIf(path)?.inode === statIf('', fd)?.inode) {
      if (listDir('.', fd).length > 0) throw inUse(id)
      return { id, path, fd }
    }
  } catch (error) {
    closeFd(fd)
    unclaim(path)
    throw error
  }
  closeFd(fd)
  return undefined
}

/** Takes the directory back while nothing is in it: somebody else's that is still empty is made again. */
function unclaim(path: string): void {
  try {
    removeDir(path)
  } catch {
    // What is in use stays; the error on its way is the one that counts.
  }
}

/** Opens and locks an existing container's directory. undefined: somebody else holds the lock (only if not `wait`). */
export function openContainer(root: string, id: string, wait: boolean): Claim | undefined {
  const path = containerPath(root, id)
  let fd: number
  try {
    fd = openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  } catch (error) {
    if (error instanceof SysError && error.errno === ENOENT) throw notFound(id)
    throw error
  }
  const locked = sys('flock', fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB)
  // Removed, perhaps made anew, while we waited: the fd is of a directory that nobody will find again.
  const gone = locked === 0 && statIf(path)?.inode !== statIf('', fd)?.inode
  if (locked < 0 || gone) closeFd(fd)
  if (gone) throw notFound(id)
  if (locked === EAGAIN) return undefined
  must(`lock "${path}"`, locked)
  return { id, path, fd }
}

/**
 * Takes over a container's directory with the fd that it is held by, and locks it where it is not; undefined: it is not of
 * that directory.
 */
export function adoptContainer(root: string, id: string, fd: number): Claim | undefined {
  const claim = { id, path: containerPath(root, id), fd }
  if (sys('fcntl', fd, F_SETFD, FD_CLOEXEC) < 0) return undefined
  // ORDER: the lock before the look: whoever had it may have removed the directory, and another made it anew.
  return lockAgain(claim) ? claim : undefined
}

/** Whether somebody holds the lock of a container's directory; false when there is no such directory. */
export function isLocked(path: string): boolean {
  try {
    const fd = openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    return withFd(fd, () => sys('flock', fd, LOCK_SH | LOCK_NB) === EAGAIN)
  } catch (error) {
    if (error instanceof SysError && error.errno === ENOENT) return false
    throw error
  }
}

/** Lets others in, but keeps the directory open. */
export function unlockContainer(claim: Claim): void {
  sys('flock', claim.fd, LOCK_UN)
}

/** Locks what {@link unlockContainer} let go; false when the directory was removed, or made anew, in between. */
export function lockAgain(claim: Claim): boolean {
  must(`lock "${claim.path}"`, sys('flock', claim.fd, LOCK_EX))
  return statIf(claim.path)?.inode === statIf('', claim.fd)?.inode
}

/** Drops the lock. */
export function releaseContainer(claim: Claim): void {
  closeFd(claim.fd)
}
