/** What criu forgets of the mounts that it restores. */
import { RuntimeError } from '../../base/errors.ts'
import { closeFd, openFile, statIf, withFd } from '../../ffi/file.ts'
import { cstring, must, sys } from '../../ffi/native.ts'
import { AT_EMPTY_PATH, O_DIRECTORY, O_PATH, O_RDONLY } from '../../kernel/files.ts'
import type { HostMount } from '../../plan/criu/mounts.ts'
import { mountFlags, openInRoot } from './mount_points.ts'
import { inMountsOf } from './own_mounts.ts'

interface Lacking {
  readonly fd: number
  readonly attributes: number
  readonly mount: HostMount
}

/**
 * Gives the host's mounts of a restored container, none of whose processes runs yet, the attributes that protect the host.
 * SAFETY: criu 4.1 clones a mount from the host, but leaves the attributes away when another mount of the same file system
 * has equal ones: what was read-only would come back writable.
 */
export function protectMounts(pid: number, mounts: readonly HostMount[]): void {
  const lacking: Lacking[] = []
  try {
    withFd(openFile(`/proc/${pid}/root`, O_PATH | O_DIRECTORY), (root) => {
      for (const mount of mounts) find(root, mount, lacking)
    })
    if (lacking.length === 0) return
    // Only by fds: no name means there what it means here.
    const namespace = openFile(`/proc/${pid}/ns/mnt`, O_RDONLY)
    withFd(namespace, () => inMountsOf(namespace, () => lacking.forEach(protect)))
  } finally {
    for (const { fd } of lacking) closeFd(fd)
  }
}

/**
 * SAFETY: the rootfs may have other links now than when the image was made, so that its target can lead elsewhere: only
 * what has its source under it is the mount, and one that is not found may be anywhere, and writable.
 */
function find(root: number, mount: HostMount, lacking: Lacking[]): void {
  if (mount.attributes === 0) return
  const fd = openInRoot(root, mount.target)
  if (fd !== undefined && isSource(fd, mount.source)) {
    const attributes = mount.attributes & ~mountFlags(fd)
    if (attributes === 0) closeFd(fd)
    else lacking.push({ fd, attributes, mount })
    return
  }
  if (fd !== undefined) closeFd(fd)
  if (mount.optional) return
  const { source, target, config } = mount
  throw new RuntimeError('criu', `"${target}" does not lead to the mount of "${source}", from ${config}`)
}

function isSource(fd: number, source: string): boolean {
  const [found, wanted] = [statIf('', fd), statIf(source)]
  return found !== undefined && found.inode === wanted?.inode && found.dev.join() === wanted.dev.join()
}

function protect({ fd, attributes, mount: { target, config } }: Lacking): void {
  const how = BigUint64Array.of(BigInt(attributes), 0n, 0n, 0n) // struct mount_attr
  const bytes = new Uint8Array(how.buffer)
  // KERNEL: refused for what is not the root of a mount.
  must(
    `protect the mount on "${target}", from ${config}`,
    sys('mount_setattr', fd, cstring(''), AT_EMPTY_PATH, bytes, bytes.length),
  )
}
