/** Files of an image that davit itself reads and writes: its folder may have anything under their names. */
import { RuntimeError } from '../../base/errors.ts'
import { closeFd, openAt, statIf } from '../../ffi/file.ts'
import { AT_SYMLINK_NOFOLLOW, O_NOFOLLOW, O_NONBLOCK, S_IFMT, S_IFREG } from '../../kernel/files.ts'

const isRegular = (status: { readonly mode: number }) => (status.mode & S_IFMT) === S_IFREG

/**
 * Throws 'criu' for a name that is there and is no regular file: of a FIFO the opening would wait for whoever opens the
 * other end, in criu too, which writes the log.
 */
export function checkRegular(folder: number, name: string): void {
  const status = statIf(name, folder, AT_SYMLINK_NOFOLLOW)
  if (status && !isRegular(status)) throw new RuntimeError('criu', `"${name}" of the image is no regular file`)
}

/** Opens a regular file, through no link and without waiting, whatever it was a moment ago. The fd is the caller's. */
export function openRegular(folder: number, name: string, flags: number, mode = 0): number {
  checkRegular(folder, name)
  const fd = openAt(folder, name, flags | O_NOFOLLOW | O_NONBLOCK, mode)
  const status = statIf('', fd)
  if (status && isRegular(status)) return fd
  closeFd(fd)
  throw new RuntimeError('criu', `"${name}" of the image is no regular file`)
}
