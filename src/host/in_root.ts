/**
 * Where a path of a container leads in a rootfs that is not to be trusted, without entering it: for whoever only looks.
 * SAFETY: one component at a time, links read here and never followed by the kernel, so that nothing outside is looked at
 * and a mount of the configuration that covers a part of the way is noticed.
 */
import { SysError } from '../base/errors.ts'
import { joinPath, parentPath } from '../base/path.ts'
import { readLink, statIf, withFd } from '../ffi/file.ts'
import { cstring, sys } from '../ffi/native.ts'
import { errnoText } from '../kernel/errno.ts'
import {
  O_CLOEXEC,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFLNK,
  S_IFMT,
} from '../kernel/files.ts'

const ENOENT = 2
const ENOTDIR = 20
const ELOOP = 40
/** As many as the kernel follows. */
const MAX_LINKS = 40

export type Looked =
  | { readonly kind: 'found'; readonly mode: number }
  | { readonly kind: 'missing'; readonly why: string }
  /** Something will be mounted on the way: what is there cannot be known. */
  | { readonly kind: 'covered'; readonly by: string }
  /** The caller may not look. */
  | { readonly kind: 'unknown'; readonly why: string }

/** Looks a path up from the root `root` (an fd), relative ones from `cwd`; `covered` says what is mounted over. */
export function lookInRoot(root: number, path: string, cwd: string, covered: (path: string) => boolean): Looked {
  const pending = `${path.startsWith('/') ? '' : `${cwd}/`}${path}`.split('/').reverse()
  let at = '/'
  let links = 0
  let mode = 0
  if (covered('/')) return { kind: 'covered', by: '/' }
  while (pending.length > 0) {
    const part = pending.pop()
    if (part === '' || part === '.') continue
    const next = part === '..' ? parentPath(at) : joinPath(at, part as string)
    if (covered(next)) return { kind: 'covered', by: next }
    const entry = entryAt(root, next)
    if (typeof entry === 'number') return failed(entry)
    if (entry.target === undefined) {
      at = next
      mode = entry.mode
      continue
    }
    if (++links > MAX_LINKS) return failed(ELOOP)
    pending.push(...entry.target.split('/').reverse())
    if (entry.target.startsWith('/')) at = '/'
  }
  return { kind: 'found', mode }
}

/** Mode, and for a link its target; the errno when it cannot be had. */
function entryAt(root: number, path: string): { readonly mode: number; readonly target?: string } | number {
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS
  const how = new Uint32Array([O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, 0, 0, resolve, 0]) // struct open_how
  const fd = sys('openat2', root, cstring(path), how, 24)
  if (fd < 0) return -fd
  return withFd(fd, () => {
    try {
      const mode = statIf('', fd)?.mode ?? 0
      return (mode & S_IFMT) === S_IFLNK ? { mode, target: readLink('', fd) } : { mode }
    } catch (error) {
      if (error instanceof SysError) return error.errno
      throw error
    }
  })
}

function failed(errno: number): Looked {
  const why = errnoText(errno)
  return errno === ENOENT || errno === ENOTDIR || errno === ELOOP ? { kind: 'missing', why } : { kind: 'unknown', why }
}
