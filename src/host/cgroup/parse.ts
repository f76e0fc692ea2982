/** Reads the kernel's descriptions of mounted hierarchies and of a process's cgroups. Pure: text in, data out. */
import type { CgroupFacts, CgroupV1Hierarchy } from '../../plan/facts.ts'

export interface CgroupMount {
  readonly version: 1 | 2
  readonly mount: string
  /** The directory of the hierarchy that is mounted: not "/" inside a container without a cgroup namespace. */
  readonly root: string
  /** Super block options: controllers and others mixed. */
  readonly options: readonly string[]
}

/** The cgroup mounts in the text of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function parseCgroupMounts(mountinfo: string): CgroupMount[] {
  const mounts: CgroupMount[] = []
  for (const line of mountinfo.split('\n')) {
    // Fields are separated by single spaces; optional fields end with " - ". Only few lines are of interest.
    const dash = line.indexOf(' - cgroup')
    if (dash < 0) continue
    const [type, , options = ''] = line.slice(dash + 3).split(' ')
    if (type !== 'cgroup' && type !== 'cgroup2') continue
    const [, , , root = '/', mount = ''] = line.slice(0, dash).split(' ')
    mounts.push({
      version: type === 'cgroup2' ? 2 : 1,
      mount: unescapeOctal(mount),
      root: unescapeOctal(root),
      options: options.split(','),
    })
  }
  return mounts
}

/** Space, tab, newline and backslash are written as \040 and so on. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

export interface OwnCgroup {
  /** Empty for v2. */
  readonly controllers: readonly string[]
  readonly path: string
}

/** The text of /proc/PID/cgroup (cgroups(7)): hierarchy-id:controllers:path, where the path may contain colons. */
export function parseOwnCgroups(text: string): OwnCgroup[] {
  const own: OwnCgroup[] = []
  for (const line of text.split('\n')) {
    // By hand: regular expressions are slow in a process that lives for milliseconds.
    const first = line.indexOf(':')
    const second = line.indexOf(':', first + 1)
    if (first < 1 || second < 0) continue
    const controllers = line.slice(first + 1, second)
    own.push({ controllers: controllers === '' ? [] : controllers.split(','), path: line.slice(second + 1) })
  }
  return own
}

/**
 * Puts both together; `v2Controllers` reads cgroup.controllers of the mount point it is given, and finds none where
 * something else is mounted over it: then the machine has no v2 for us.
 */
export function cgroupFacts(
  mounts: readonly CgroupMount[],
  own: readonly OwnCgroup[],
  v2Controllers: (mount: string) => readonly string[] | undefined,
): CgroupFacts {
  const v1: CgroupV1Hierarchy[] = []
  const byOption = new Map<string, CgroupMount>()
  let v2Mount: CgroupMount | undefined
  // A hierarchy can be mounted many times, for containers too: the one in the usual place is the machine's.
  for (const mount of mounts) {
    const usual = startsWithPath(mount.mount, '/sys/fs/cgroup')
    const better = (known: CgroupMount | undefined) =>
      known === undefined || (usual && !startsWithPath(known.mount, '/sys/fs/cgroup'))
    if (mount.version === 2) v2Mount = better(v2Mount) ? mount : v2Mount
    else for (const option of mount.options) if (better(byOption.get(option))) byOption.set(option, mount)
  }
  for (const { controllers, path } of own) {
    // A controller is in one hierarchy only, so the first finds those that are mounted with it.
    const found = byOption.get(controllers[0] ?? '')
    if (found !== undefined) v1.push({ mount: found.mount, controllers, own: below(found.root, path) })
  }
  const v2Own = own.find(({ controllers }) => controllers.length === 0)
  const controllers = v2Mount && v2Controllers(v2Mount.mount)
  if (v2Mount === undefined || controllers === undefined) return { mode: v1.length > 0 ? 'legacy' : 'none', v1 }
  const v2 = { mount: v2Mount.mount, own: below(v2Mount.root, v2Own?.path ?? '/'), controllers }
  return { mode: v1.length > 0 ? 'hybrid' : 'unified', v1, v2 }
}

/** A cgroup's path relative to the mounted part of its hierarchy; "/" where it lies outside and has no name here. */
function below(root: string, path: string): string {
  if (path.includes('/..') || !startsWithPath(path, root)) return '/'
  if (path === root) return '/'
  return root === '/' ? path : path.slice(root.length)
}

/** The kernel's paths are clean: no need to normalise them, which took most of the time here. */
function startsWithPath(path: string, ancestor: string): boolean {
  return ancestor === '/' || path === ancestor || path.startsWith(`${ancestor}/`)
}
