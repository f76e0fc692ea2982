/** Reads /etc/passwd and /etc/group of a rootfs that is not to be trusted. */
import { SysError } from '../base/errors.ts'
import { openFile, readFd, statIf, withFd } from '../ffi/file.ts'
import { cstring, sys } from '../ffi/native.ts'
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  S_IFMT,
  S_IFREG,
} from '../kernel/files.ts'

/** More is not an account file but an attempt to fill our memory. */
const LIMIT = 16 << 20
const EAGAIN = -11

/** The text of a file below a directory of the host, or of the file `base` itself; undefined as with readInRoot. */
export function readBelow(base: string, inner: string): string | undefined {
  const found = sys('openat', AT_FDCWD, cstring(base), O_PATH | O_CLOEXEC, 0)
  if (found < 0) return undefined
  return withFd(found, () => (inner === '' ? readRegular(found, base) : readInRoot(found, inner)))
}

/**
 * The text of a file below a root, undefined when it has none that could be read.
 * SAFETY: looked at before it is opened, so that a FIFO cannot block and no device is touched; links stay in the root.
 */
export function readInRoot(root: number, path: string): string | undefined {
  const found = openInRoot(root, path)
  if (found < 0) return undefined
  return withFd(found, () => readRegular(found, path))
}

function readRegular(found: number, name: string): string | undefined {
  try {
    if (((statIf('', found)?.mode ?? 0) & S_IFMT) !== S_IFREG) return undefined
    // O_NONBLOCK: the holder of a lease on the file could make us wait.
    const file = openFile(`/proc/self/fd/${found}`, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    return withFd(file, () => readFd(file, `"${name}"`, LIMIT).toString('utf8'))
  } catch (error) {
    if (error instanceof SysError) return undefined
    throw error
  }
}

/** O_PATH fd or -errno. */
function openInRoot(root: number, path: string): number {
  const how = new Uint32Array([O_PATH | O_CLOEXEC, 0, 0, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 0]) // struct open_how
  for (let tries = 0; ; tries++) {
    const fd = sys('openat2', root, cstring(path), how, 24)
    // KERNEL: a rename raced with the walk below the root.
    if (fd !== EAGAIN || tries === 128) return fd
  }
}
