/**
 * The state directory: ROOT/ID/{state.json, config.json, start.sock, prepared, exec.N, hook}. Making the directory claims the id; flock(2) on
 * it serialises create, start and delete and is dropped by the kernel however the holder ends. state.json is replaced
 * by rename, so a reader sees the old or the new one, whole.
 */
import { messageOf, RuntimeError, SysError } from '../base/errors.ts'
import { decodeJson, encodeJson } from '../base/json.ts'
import {
  closeFd,
  listDir,
  makeDir,
  openAt,
  openFile,
  readTextIf,
  removeDir,
  rename,
  statIf,
  unlink,
  withFd,
  withFixedModes,
  writeFd,
} from '../ffi/file.ts'
import { must, sys } from '../ffi/native.ts'
import { O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } from '../kernel/files.ts'
import type { ContainerRecord } from './record.ts'
import { misfit } from './shape.ts'

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4
const LOCK_UN = 8
const ENOENT = 2
const F_SETFD = 2
const FD_CLOEXEC = 1
const EAGAIN = -11

/** What native/prepared.c looks for. */
export const PREPARED_FILE = 'prepared'

/** Who asks for the default root, and what its environment says. */
export interface RootInputs {
  readonly euid: number
  readonly initialUserns: boolean
  /** $XDG_RUNTIME_DIR; empty counts as unset. */
  readonly runtimeDir: string | undefined
  /** $USER. */
  readonly user: string | undefined
}

/**
 * Where state lives without --root: /run/davit, or below a user's $XDG_RUNTIME_DIR. As runc: root of a user namespace
 * is an ordinary user who entered one (rootless Podman), unless it calls itself root: then it is the root of a whole
 * system in a container, and its session's directory would go with the session.
 */
export function defaultRoot({ euid, initialUserns, runtimeDir, user }: RootInputs): string {
  const ordinary = euid !== 0 || (!initialUserns && user !== 'root')
  return ordinary && runtimeDir?.startsWith('/') ? `${runtimeDir}/davit` : '/run/davit'
}

/** runc's rule and words. Checked before any path is built. */
export function checkId(id: string): void {
  if (id === '') throw new RuntimeError('id-invalid', 'container id cannot be empty')
  if (id === '.' || id === '..' || id.length > 1024 || !isWord(id)) {
    throw new RuntimeError('id-invalid', `invalid container id format: ${JSON.stringify(id.slice(0, 80))}`)
  }
}

/** Letters, digits and "_+-." only. A loop: the first regular expression of a process costs it a tenth of a millisecond. */
function isWord(id: string): boolean {
  for (const char of id) {
    const letter = (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z')
    if (!letter && !(char >= '0' && char <= '9') && !'_+-.'.includes(char)) return false
  }
  return true
}

/** A claimed or opened container directory, locked. */
export interface Claim {
  readonly id: string
  readonly path: string
  readonly fd: number
}

function containerPath(root: string, id: string): string {
  checkId(id)
  return `${root}/${id}`
}

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

function inUse(id: string): RuntimeError {
  return new RuntimeError('id-in-use', `container with given ID already exists: ${id}`)
}

/**
 * Makes the root; its parents are anybody's, it is for its owner alone. Sticky, which keeps it from being cleaned up as
 * forgotten where it is below $XDG_RUNTIME_DIR (XDG Base Directory Specification).
 */
function makeRoot(root: string): void {
  if (statIf(root)) return
  const parts = root.split('/').slice(1)
  for (let i = 1; i <= parts.length; i++) {
    const path = `/${parts.slice(0, i).join('/')}`
    if (i === parts.length || !statIf(path)) makeDir(path, i === parts.length ? 0o1700 : 0o755)
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

/** Takes over the lock of a container's directory with the fd that it is held by; undefined: it is not of that directory. */
export function adoptContainer(root: string, id: string, fd: number): Claim | undefined {
  const path = containerPath(root, id)
  if (sys('fcntl', fd, F_SETFD, FD_CLOEXEC) < 0 || statIf(path)?.inode !== statIf('', fd)?.inode) return undefined
  must(`lock "${path}"`, sys('flock', fd, LOCK_EX))
  return { id, path, fd }
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

/** Replaces state.json. */
export function writeRecord(claim: Claim, record: ContainerRecord): void {
  writeStateFile(claim, 'state.json.new', `${encodeJson(record, 'state.json')}\n`)
  rename('state.json.new', 'state.json', claim.fd)
}

/** Writes another file of the directory. */
export function writeStateFile(claim: Pick<Claim, 'fd' | 'path'>, name: string, text: string | Uint8Array): void {
  const flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
  const open = () => openAt(claim.fd, name, flags, 0o600)
  withFd(withFixedModes(open), (fd) => writeFd(fd, text, `"${claim.path}/${name}"`))
}

/** Makes a folder in it, for anybody to look into whatever the umask. */
export function makeStateFolder(claim: Claim, name: string): void {
  withFixedModes(() => makeDir(name, 0o755, claim.fd))
}

/** The record; undefined when the directory has none (a create that was killed at once). Throws when there is no such id. */
export function readRecord(root: string, id: string): ContainerRecord | undefined {
  const path = containerPath(root, id)
  const text = readTextIf(`${path}/state.json`)
  if (text === undefined) {
    if (!statIf(path)) throw notFound(id)
    return undefined
  }
  const refuse = (why: string) => new RuntimeError('state', `read "${path}/state.json": ${why}`)
  let record: ContainerRecord | null
  try {
    record = decodeJson(text) as ContainerRecord | null
  } catch (error) {
    throw refuse(messageOf(error))
  }
  if (record?.format !== 1) throw refuse('it is no record of a container')
  const place = misfit(record, id)
  if (place !== undefined) throw refuse(`it is no record of this container: ${place}`)
  return record
}

/** Ids of all containers, sorted. `explicit`: a root that was named must be there. */
export function listContainers(root: string, explicit: boolean): string[] {
  try {
    return listDir(root).sort()
  } catch (error) {
    if (!explicit && error instanceof SysError && error.errno === ENOENT) return []
    throw error
  }
}

/** Removes the directory and everything in it; what is gone is gone. */
export function removeContainer(claim: Claim): void {
  removeContents(claim.fd)
  try {
    removeDir(claim.path)
  } catch (error) {
    if (!(error instanceof SysError && error.errno === ENOENT)) throw error
  }
}

/** SAFETY: by fds and without following: a container can put anything into a folder that it has. */
function removeContents(folder: number): void {
  for (const name of listDir('.', folder)) {
    try {
      unlink(name, folder)
    } catch (error) {
      if (!(error instanceof SysError && error.errnoName === 'EISDIR')) throw error
      withFd(openAt(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), removeContents)
      removeDir(name, folder)
    }
  }
}

/** runc's words, which containerd matches. */
export function notFound(id: string): RuntimeError {
  return new RuntimeError('not-found', `container does not exist: ${id}`)
}
