/** What is in a container's directory, by the fd that it is held by. */
import { SysError } from '../base/errors.ts'
import { listDir, makeDir, openAt, removeDir, unlink, withFd, withFixedModes, writeFd } from '../ffi/file.ts'
import { O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } from '../kernel/files.ts'

const ENOENT = 2

/** What native/prepared.c looks for. */
export const PREPARED_FILE = 'prepared'
export const ASKED_FILE = 'asked'

/** A claimed or opened container directory, locked. */
export interface Claim {
  readonly id: string
  readonly path: string
  readonly fd: number
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
