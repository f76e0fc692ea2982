/** In which cgroups a process is, as directories. */
import { isWithin } from '../../base/path.ts'
import { readText } from '../../ffi/file.ts'
import { type CgroupMount, cgroupFacts, parseCgroupMounts, parseOwnCgroups } from './parse.ts'

/** A hierarchy and the directory in it that a process is in. */
export interface ProcessCgroup {
  /** [] for v2. */
  readonly controllers: readonly string[]
  readonly mount: string
  /** Absolute; undefined where it lies outside of what is mounted here and so has no name. */
  readonly dir: string | undefined
}

/** The cgroups of a process in all mounted hierarchies. Throws SysError when it is gone. */
export function processCgroups(pid: number | 'self'): ProcessCgroup[] {
  const own = parseOwnCgroups(readText(`/proc/${pid}/cgroup`))
  const mounts = parseCgroupMounts(readText('/proc/self/mountinfo'))
  const { v1, v2 } = cgroupFacts(mounts, own, () => [])
  const place = (controllers: readonly string[], mount: string): ProcessCgroup => {
    const root = mounts.findLast((entry) => entry.mount === mount)
    const path = own.find((entry) => entry.controllers.join() === controllers.join())?.path
    return { controllers, mount, dir: root && path !== undefined ? dirOf(root, path) : undefined }
  }
  return [...v1.map(({ controllers, mount }) => place(controllers, mount)), ...(v2 ? [place([], v2.mount)] : [])]
}

function dirOf({ mount, root }: CgroupMount, path: string): string | undefined {
  if (path.includes('/..') || !isWithin(path, root)) return undefined
  const below = root === '/' ? path : path.slice(root.length)
  return below === '/' || below === '' ? mount : mount + below
}

/** The entry whose hierarchy a directory is in. */
export function hierarchyOf(dir: string, cgroups: readonly ProcessCgroup[]): ProcessCgroup | undefined {
  let best: ProcessCgroup | undefined
  for (const entry of cgroups) {
    if (isWithin(dir, entry.mount) && entry.mount.length > (best?.mount.length ?? 0)) best = entry
  }
  return best
}
