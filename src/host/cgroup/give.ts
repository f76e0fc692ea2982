/** Hands a cgroup over to a user (cgroups(7), "Cgroups delegation: delegating a hierarchy to a less privileged user"). */
import { RuntimeError, SysError } from '../../base/errors.ts'
import { readTextIf } from '../../ffi/file.ts'
import { cstring, must, sys } from '../../ffi/native.ts'
import { errnoText } from '../../kernel/errno.ts'
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../../kernel/files.ts'
import type { CgroupGive } from '../../plan/cgroup/model.ts'
import { isErrno } from './tree.ts'

/** SPEC: config-linux.md#cgroup-ownership: these, where the kernel has no list. */
const FALLBACK = 'cgroup.procs\ncgroup.subtree_control\ncgroup.threads'

/** Changes the owner of the directory and of the files in it that are for delegation, as far as they are there. */
export function giveCgroup({ dir, uid, optional }: CgroupGive): void {
  const files = (readTextIf('/sys/kernel/cgroup/delegate') ?? FALLBACK).split('\n').filter((name) => name !== '')
  try {
    for (const path of [dir, ...files.map((name) => `${dir}/${name}`)]) {
      const result = sys('fchownat', AT_FDCWD, cstring(path), uid, -1, AT_SYMLINK_NOFOLLOW)
      if (result !== -2) must(`chown "${path}"`, result)
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    if (optional && isErrno(error, 'EPERM', 'EACCES', 'EROFS')) return
    throw new RuntimeError('cgroup', `give cgroup ${dir} to uid ${uid}: ${errnoText(error.errno)}`, [], {
      cause: error,
    })
  }
}
