/**
 * A mount namespace for criu: what it mounts, and the rootfs bound onto itself, which it wants for a mount point, are seen
 * by nobody else and are gone with it, however it ends.
 */
import { closeFd, openFile } from '../../ffi/file.ts'
import { cstring, must, sys } from '../../ffi/native.ts'
import { O_DIRECTORY, O_PATH, O_RDONLY } from '../../kernel/files.ts'
import { MS_BIND, MS_REC, MS_SLAVE } from '../../kernel/mount.ts'
import { NAMESPACES } from '../../kernel/namespaces.ts'

const CLONE_FS = 0x200

/**
 * Starts something in a new copy of our mount namespace with `rootfs` as a mount point.
 */
export function inOwnMounts<T>(rootfs: string, start: () => T): T {
  const enter = () => must('unshare [mount]', sys('unshare', NAMESPACES.mount.flag))
  return elsewhere(enter, () => {
    must('make mounts private', sys('mount', null, cstring('/'), null, MS_REC | MS_SLAVE, null))
    const path = cstring(rootfs)
    must(`bind "${rootfs}"`, sys('mount', path, path, null, MS_BIND | MS_REC, null))
    return start()
  })
}

/** Does something in another mount namespace, where no path of ours means anything. */
export function inMountsOf(namespace: number, act: () => void): void {
  const enter = () => {
    // KERNEL: for whoever shares its root and working directory with other threads setns(2) fails.
    must('unshare [fs]', sys('unshare', CLONE_FS))
    must('join the mount namespace', sys('setns', namespace, NAMESPACES.mount.flag))
  }
  elsewhere(enter, act)
}

/** Only this thread goes there, and comes back. */
function elsewhere<T>(enter: () => void, act: () => T): T {
  const opened: number[] = []
  const keep = (fd: number) => {
    opened.push(fd)
    return fd
  }
  try {
    const home = keep(openFile('/proc/thread-self/ns/mnt', O_RDONLY))
    const root = keep(openFile('/', O_PATH | O_DIRECTORY))
    const cwd = keep(openFile('.', O_PATH | O_DIRECTORY))
    enter()
    try {
      return act()
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
