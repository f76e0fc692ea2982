/** Makes what mounts of a restored container are to be mounted on: criu expects it to be there. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { openFile, statIf, withFd } from '../ffi/file.ts'
import { makeMountPoint } from '../host/criu/mount_points.ts'
import { O_PATH, S_IFDIR, S_IFMT } from '../kernel/files.ts'
import { type HostMount, type MountPoint, mountPoints } from '../plan/criu/mounts.ts'
import type { Bundle } from './load.ts'

/** SAFETY: resolved inside what they are below, a rootfs or a bound folder, and nothing is made where it is read-only. */
export function prepareMountPoints({ spec, rootfs }: Bundle, mounts: readonly HostMount[]): void {
  for (const point of mountPoints(spec, rootfs, mounts)) {
    try {
      make(point)
    } catch (error) {
      throw new RuntimeError('criu', `make a mount point, from ${point.config}: ${messageOf(error)}`)
    }
  }
}

function make({ base, path, source }: MountPoint): void {
  const mode = source === undefined ? S_IFDIR : (statIf(source)?.mode ?? S_IFDIR)
  const type = (mode & S_IFMT) === S_IFDIR ? 'directory' : 'file'
  withFd(openFile(base, O_PATH), (root) => makeMountPoint(root, path, type))
}
