/** Where a container's cgroups are: linux.cgroupsPath and the runtime's own cgroups to absolute directories. */
import { RuntimeError } from '../../base/errors.ts'
import { cleanPath, parentPath } from '../../base/path.ts'
import type { CgroupFacts } from '../facts.ts'
import type { CgroupDir } from './model.ts'

/**
 * v1 hierarchies that a container joins, as runc does. Others (name=foo, what a future kernel brings) are none of our
 * business: the container stays where the runtime is.
 */
const JOINED = new Set(
  'blkio cpu cpuacct cpuset devices freezer hugetlb memory misc net_cls net_prio perf_event pids rdma name=systemd'.split(
    ' ',
  ),
)

/** The cgroup's place below the hierarchies; the base is put before it where `relative`. */
interface InnerPath {
  readonly relative: boolean
  readonly path: string
}

/**
 * SPEC: an absolute cgroupsPath is relative to the mount point. A relative one, and `id` where none is given, goes
 * where runc puts it: on v1 and hybrid below the runtime's own cgroup of each hierarchy, on pure v2 beside it, as a
 * cgroup with processes in it cannot have children with controllers.
 */
export function innerPath(cgroupsPath: string | undefined, id: string): InnerPath {
  if (cgroupsPath === undefined || cgroupsPath === '') return { relative: true, path: `/${id}` }
  const pointer = '/linux/cgroupsPath'
  if (/^[^/:]*:[^/:]*:[^/:]+$/.test(cgroupsPath)) {
    const message = `cgroupsPath "${cgroupsPath}" has systemd's form slice:prefix:name, which needs --systemd-cgroup`
    throw new RuntimeError('config-invalid', message, [{ pointer, message }])
  }
  // Rooting it before cleaning folds ".." at the top: nothing leaves the hierarchy.
  const path = cleanPath(`/${cgroupsPath}`)
  if (path === '/') {
    const message = `cgroupsPath "${cgroupsPath}" is the root of the hierarchy, which cannot be a container's cgroup`
    throw new RuntimeError('config-invalid', message, [{ pointer, message }])
  }
  return { relative: !cgroupsPath.startsWith('/'), path }
}

/** The directories of the container in every hierarchy that it joins, v1 first. */
export function cgroupDirs(facts: CgroupFacts, inner: InnerPath, optional: boolean): CgroupDir[] {
  const dir = (hierarchy: string, mount: string, own: string): CgroupDir => {
    const base = inner.relative && own !== '/' ? own : ''
    const place = { hierarchy, path: mount + base + inner.path, parents: parentsIn(mount, base + inner.path), mount }
    return optional ? { ...place, optional } : place
  }
  const dirs = facts.v1
    .filter(({ controllers }) => controllers.some((controller) => JOINED.has(controller)))
    .map(({ mount, controllers, own }) => dir(controllers.join(','), mount, own))
  if (facts.v2 !== undefined) {
    const { mount, own } = facts.v2
    dirs.push(dir('v2', mount, facts.mode === 'unified' ? parentPath(own) : own))
  }
  return dirs
}

/** The directories above a clean `path` below `mount`, outermost first. */
export function parentsIn(mount: string, path: string): string[] {
  const parents: string[] = []
  for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) parents.push(mount + path.slice(0, at))
  return parents
}
