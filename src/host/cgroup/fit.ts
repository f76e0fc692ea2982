/**
 * Whether a cgroup is fit for a container. SPEC: a runtime may check, and then must fail where it is not: a frozen one
 * would hang us, a used one mixes two containers up.
 */
import { RuntimeError } from '../../base/errors.ts'
import { readTextIf, statIf, writeText } from '../../ffi/file.ts'
import type { CgroupDir, CgroupStep } from '../../plan/cgroup/model.ts'
import { isFrozen } from './freeze.ts'
import { directPids, treePids } from './tree.ts'

/** v2 controllers that work on whole processes only (cgroup-v2.rst "Threads"). */
const DOMAIN_FILE = /\/(memory|io|hugetlb|rdma|misc)\.[^/]*$/

/** Checks one directory that exists now; `isNew` when we made it. @throws RuntimeError code "cgroup". */
export function checkFit(dir: CgroupDir, isNew: boolean, steps: readonly CgroupStep[], warnings: string[]): void {
  // Directly below the root of a hierarchy, what is new is fit.
  if (isNew && dir.parents.length === 0) return
  // A new directory below a frozen one is frozen from the beginning.
  const freezes = dir.hierarchy === 'v2' || dir.hierarchy.split(',').includes('freezer')
  if (freezes && isFrozen(dir.path))
    throw new RuntimeError('cgroup', `cgroup ${dir.path} is frozen: the container could not start`)
  if (dir.hierarchy === 'v2') checkType(dir.path, steps)
  if (isNew) return
  const count = directPids(dir.path).length
  if (count > 0) warnings.push(`cgroup ${dir.path} is not empty: ${count} process(es) found`)
}

/** Whether processes of somebody else are in a cgroup that a container is about to join. */
export function isUsed({ path }: CgroupDir): boolean {
  return statIf(path) !== undefined && treePids(path).length > 0
}

/**
 * KERNEL: below a threaded cgroup a new one is "domain invalid" and takes no process until it is made threaded, and
 * then the controllers that work on whole processes cannot be had. As runc does.
 */
function checkType(dir: string, steps: readonly CgroupStep[]): void {
  const type = readTextIf(`${dir}/cgroup.type`)?.trim() ?? 'domain'
  if (type === 'domain') return
  const limit = steps.find((step) => step.kind === 'write' && step.path.startsWith(dir) && DOMAIN_FILE.test(step.path))
  if (limit?.kind === 'write') {
    const message = `cannot enter cgroup ${dir} with a limit for whole processes: its type is "${type}"`
    throw new RuntimeError('cgroup', `${message} (${limit.config})`, [{ pointer: limit.config, message }])
  }
  if (type === 'domain invalid') writeText(`${dir}/cgroup.type`, 'threaded')
}
