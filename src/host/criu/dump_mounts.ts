/** Where the host's mounts are in a container that runs, as criu sees them. */
import { RuntimeError } from '../../base/errors.ts'
import { readLink, withFd } from '../../ffi/file.ts'
import { ATTR } from '../../kernel/mount.ts'
import type { ExternalMount } from '../../plan/criu/model.ts'
import { checkReadable, type HostMount } from '../../plan/criu/mounts.ts'
import { isDevice, mountFlags, openInRoot } from './mount_points.ts'

/**
 * The names of the mounts by their places below `root`, the container's root (an fd). What has been taken off is left out.
 * SAFETY: the container may change links while we look; a mount must not pass for another that it may write to.
 */
export function dumpMounts(root: number, mounts: readonly HostMount[]): ExternalMount[] {
  const found = new Map<string, HostMount>()
  for (const mount of mounts) {
    const place = placeOf(root, mount)
    if (place === undefined) continue
    const other = found.get(place)
    if (other && other.name !== mount.name) {
      throw new RuntimeError(
        'unsupported',
        `criu cannot save two mounts on "${place}", from ${other.config} and ${mount.config}`,
      )
    }
    found.set(place, mount)
  }
  return [...found].map(([key, { name }]) => ({ key, val: name }))
}

/** Its mount point, all links followed; undefined when it is not there. */
function placeOf(root: number, mount: HostMount): string | undefined {
  const fd = openInRoot(root, mount.target)
  if (fd === undefined) return undefined
  return withFd(fd, () => {
    if (mount.device && !isDevice(fd, mount.device)) return undefined
    checkProtection(fd, mount)
    // KERNEL: of a mount whose file has been removed on the host.
    const place = readLink(`/proc/self/fd/${fd}`).replace(/ \(deleted\)$/, '')
    checkReadable(place, mount)
    return place
  })
}

/** Throws when a mount that must be read-only is not. */
function checkProtection(fd: number, { attributes, target, config }: HostMount): void {
  if ((attributes & ATTR.rdonly & ~mountFlags(fd)) === 0) return
  throw new RuntimeError('criu', `the mount on "${target}" is not read-only, from ${config}`)
}
