/**
 * A mount namespace for criu: what it mounts, and the rootfs bound onto itself, which it wants for a mount point, are seen
 * by nobody else and are gone with it, however it ends.
 */
import { closeFd, openFile } from '../../ffi/file.ts'
import { cstring, must, sys } from '../../ffi/native.ts'
import { O_DIRECTORY, O_PATH, O_RDONLY } from '../../kernel/files.ts'
import { MS_BIND, MS_REC, MS_SLAVE } from '../../kernel/mount.ts'
import { NAMESPACES } from '../../kernel/namespaces.ts'

/**
 * Starts something in a new copy of our mount namespace with `rootfs` as a mount point. Only this thread goes there, and
 * comes back.
 */
export function inOwnMounts<T>(rootfs: string, start: () => T): T {
  const opened: number[] = []
  const keep = (fd: number) => {
    opened.push(fd)
    return fd
  }
  try {
    const home = keep(openFile('/proc/thread-self/ns/mnt', O_RDONLY))
    const root = keep(openFile('/', O_PATH | O_DIRECTORY))
    const cwd = keep(openFile('.', O_PATH | O_DIRECTORY))
    must('unshare [mount]', sys('unshare', NAMESPACES.mount.flag))
    try {
      must('make mounts private', sys('mount', null, cstring('/'), null, MS_REC | MS_SLAVE, null))
      const path = cstring(rootfs)
      must(`bind "${rootfs}"`, sys('mount', path, path, null, MS_BIND | MS_REC, null))
      return start()
    } finally {
      // KERNEL: setns(2) changes root and working directory to the root of the namespace.
      must('return to the mount namespace', sys('setns', home, NAMESPACES.mount.flag))
      must('fchdir', sys('fchdir', root))
      must('chroot', sys('chroot', cstring('.')))
      must('fchdir', sys('fchdir', cwd))
    }
  } finally {
    for (const fd of opened) closeFd(fd)
  }
}
