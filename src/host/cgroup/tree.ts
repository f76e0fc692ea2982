/** Walks a container's cgroup directories. They may vanish at any moment: what is gone is empty. */
import { RuntimeError, SysError } from '../../base/errors.ts'
import { fileSystemOf, listDir, readText, readTextIf } from '../../ffi/file.ts'
import { cstring, sys } from '../../ffi/native.ts'
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC } from '../../kernel/files.ts'
import type { CgroupRecord } from '../../plan/cgroup/model.ts'

/** Errno names that say that a cgroup is gone: removed before open, or while it was open. */
const GONE = ['ENOENT', 'ENODEV', 'ENOTDIR']

/** Whether an error is a SysError with one of the errno names. */
export function isErrno(error: unknown, ...names: readonly string[]): error is SysError {
  return error instanceof SysError && names.includes(error.errnoName)
}

/** Whether an error says that the cgroup is gone. */
export function isGone(error: unknown): boolean {
  return isErrno(error, ...GONE)
}

/** Directories directly below `dir`; empty when it is gone. */
export function childCgroups(dir: string): string[] {
  // The names of interface files are no help: a container may call a directory "memory.x". Most have no children.
  if (linkCount(dir) <= 2) return []
  let names: string[]
  try {
    names = listDir(dir)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
  return names.map((name) => `${dir}/${name}`).filter((path) => linkCount(path) >= 2)
}

/**
 * Number of links: at least 2 for a directory, and one more for each directory in it (kernfs, fs/kernfs/inode.c);
 * 1 for a file, 0 for what is not there.
 */
function linkCount(path: string): number {
  const STATX_NLINK = 4
  const buffer = new Uint32Array(64)
  const result = sys('statx', AT_FDCWD, cstring(path), AT_SYMLINK_NOFOLLOW, STATX_NLINK, buffer)
  return result < 0 ? 0 : (buffer[4] as number)
}

/** `dir` and everything below it, parents first. */
export function cgroupTree(dir: string): string[] {
  return [dir, ...childCgroups(dir).flatMap(cgroupTree)]
}

/** The processes of one cgroup; empty when it is gone. Zero stands for processes of other pid namespaces. */
export function directPids(dir: string): number[] {
  try {
    return numbers(readText(`${dir}/cgroup.procs`))
  } catch (error) {
    if (isGone(error)) return []
    if (!isErrno(error, 'EOPNOTSUPP')) throw error
    // KERNEL: a threaded cgroup lists threads only: what is asked for is whose they are.
    return [...new Set(numbers(readTextIf(`${dir}/cgroup.threads`) ?? '').map(leaderOf))]
  }
}

/** The process that a thread belongs to; 0 when it is gone. */
function leaderOf(thread: number): number {
  const status = readTextIf(`/proc/${thread}/status`) ?? ''
  const at = status.indexOf('\nTgid:\t')
  return at < 0 ? 0 : Number.parseInt(status.slice(at + 7), 10)
}

function numbers(text: string): number[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
}

/** The processes of a cgroup and of all below it. */
export function treePids(dir: string): number[] {
  return [...new Set(cgroupTree(dir).flatMap(directPids))]
}

/** How many tasks a cgroup and all below it still have, those too that have ended and are not gone, where that is counted. */
export function tasksLeft(dir: string): number {
  const counted = readTextIf(`${dir}/pids.current`)
  return counted === undefined ? treePids(dir).length : Number(counted)
}

/**
 * The container's processes, in host pids, lowest first, from every hierarchy: one that left its cgroup in one of them
 * is still found in the others.
 */
export function allPids(record: CgroupRecord): number[] {
  const pids = new Set(recordDirs(record).flatMap(treePids))
  return [...pids].filter((pid) => pid > 0).sort((a, b) => a - b)
}

/** All directories of the record, v2 first. */
export function recordDirs(record: CgroupRecord): string[] {
  return record.v2 === undefined ? [...record.v1] : [record.v2, ...record.v1]
}

/** SAFETY: throws for what is no cgroup, as a record may say it by mistake. What is gone is no error. */
export function checkCgroup(dir: string): void {
  const type = fileSystemOf(dir)
  if (type !== undefined && type !== CGROUP_SUPER_MAGIC && type !== CGROUP2_SUPER_MAGIC)
    throw new RuntimeError('state', `"${dir}" is no cgroup`)
}

/** SAFETY: throws for a record by whose cgroups davit would kill or freeze itself, and everything else around it. */
export function checkRecord(record: CgroupRecord): void {
  const self = sys('getpid')
  for (const dir of recordDirs(record)) {
    checkCgroup(dir)
    if (treePids(dir).includes(self)) throw new RuntimeError('state', `"${dir}" is a cgroup that davit is in itself`)
  }
}
