/** The file that an engine reads the container's pid from. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { openFile, rename, unlink, withFd, withFixedModes, writeFd } from '../ffi/file.ts'
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from '../kernel/files.ts'

/** Writes it atomically: engines read it as soon as it is there. Throws RuntimeError 'create'. */
export function writePidFile(path: string, pid: number): void {
  const cut = path.lastIndexOf('/')
  const temporary = `${path.slice(0, cut + 1)}.${path.slice(cut + 1)}`
  try {
    // SAFETY: the folder may be anybody's, /tmp for example: what is there under that name is neither followed nor used.
    unlink(temporary)
    const fd = withFixedModes(() => openFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644))
    withFd(fd, () => writeFd(fd, String(pid), `"${path}"`))
    rename(temporary, path)
  } catch (error) {
    try {
      unlink(temporary)
    } catch {
      // The folder is not there at all; the first error says so.
    }
    throw new RuntimeError('create', `write pid file: ${messageOf(error)}`)
  }
}
