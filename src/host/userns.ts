/** The user namespace that davit runs in. */
import { openFile, readLink, readTextIf, statIf, withFd } from '../ffi/file.ts'
import { sys } from '../ffi/native.ts'
import { O_RDONLY } from '../kernel/files.ts'

/** Inode of the initial user namespace (PROC_USER_INIT_INO, include/linux/proc_ns.h). */
const INITIAL = 'user:[4026531837]'

/** ioctl_ns(2): an fd of the user namespace that owns a namespace. */
const NS_GET_USERNS = 0xb701

/** KERNEL: by identity, not by the id map: systemd can make an identity map in a namespace of its own. */
export function inInitialUserns(): boolean {
  return readLink('/proc/self/ns/user') === INITIAL
}

/** Whether setgroups(2) is allowed here. */
export function setgroupsAllowed(): boolean {
  return readTextIf('/proc/self/setgroups')?.trim() !== 'deny'
}

/** Whether our mount namespace belongs to our user namespace, and not to one above it. */
export function ownsMountNamespace(): boolean {
  return withFd(openFile('/proc/self/ns/mnt', O_RDONLY), (fd) => {
    // KERNEL: EPERM when the owner is no namespace of ours.
    const owner = sys('ioctl', fd, NS_GET_USERNS, 0)
    if (owner < 0) return false
    return withFd(owner, () => statIf('', owner)?.inode === statIf('/proc/self/ns/user')?.inode)
  })
}
