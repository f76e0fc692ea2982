/**
 * The way into a running container's cgroups: fds of its v1 `tasks` files and of its v2 directory. Those that the
 * container was put into, or a cgroup below them; where these are gone or take no process, the one init is in now.
 */
import { RuntimeError, SysError } from '../../base/errors.ts'
import { closeFd, openFile } from '../../ffi/file.ts'
import { errnoText } from '../../kernel/errno.ts'
import { O_DIRECTORY, O_PATH, O_WRONLY } from '../../kernel/files.ts'
import type { CgroupRecord } from '../../plan/cgroup/model.ts'
import { type SubCgroups, subCgroupOf } from '../../plan/exec_cgroup.ts'
import { isErrno, recordDirs } from './tree.ts'
import { hierarchyOf, type ProcessCgroup, processCgroups } from './whereabouts.ts'

/** KERNEL: no process may be in a v2 cgroup whose children have controllers, nor in one that is half threaded. */
const TAKES_NONE = ['EBUSY', 'EOPNOTSUPP', 'ENODEV']

export interface EntranceInput {
  /** The directories that the container was put into. */
  readonly record: CgroupRecord
  /** Its init. */
  readonly pid: number
  readonly sub: SubCgroups
  /** Where we may not enter we stay outside. */
  readonly rootless: boolean
}

export interface Entrance {
  /** Paths of the v1 `tasks` files. */
  readonly tasks: readonly string[]
  /** Whether there is a v2 directory. */
  readonly into: boolean
  /** Hands the fd of a `tasks` file over, once. */
  takeTasks(path: string): number | undefined
  /** Hands the fd of the v2 directory over, once; of another when the kernel has refused the first, if there is one. */
  takeInto(refused?: SysError): number | undefined
  /** Closes what nobody took. */
  close(): void
}

/** Where init is now; looked up only where it is needed, as it takes the mount table. */
type Init = () => readonly ProcessCgroup[]

/** Opens everything. @throws RuntimeError 'cgroup'. */
export function openEntrance(input: EntranceInput): Entrance {
  const { record, sub } = input
  let found: readonly ProcessCgroup[] | undefined
  const init: Init = () => {
    found ??= processCgroups(input.pid)
    return found
  }
  if (sub.size > 0) checkControllers(sub, record, init())
  const tasks = new Map<string, number>()
  let into: number | undefined
  const takeTasks = (path: string) => {
    const fd = tasks.get(path)
    tasks.delete(path)
    return fd
  }
  const takeInto = (refused?: SysError) => {
    if (refused) return openInstead(input, refused, init)
    const fd = into
    into = undefined
    return fd
  }
  const close = () => {
    for (const fd of tasks.values()) closeFd(fd)
    if (into !== undefined) closeFd(into)
  }
  try {
    for (const dir of recordDirs(record)) {
      const v2 = dir === record.v2
      const inner = sub.size > 0 ? subCgroupOf(sub, hierarchyOf(dir, init())?.controllers ?? []) : undefined
      const own = (v2 ? record.inner : undefined) ?? dir
      const opened = inner === undefined ? openOwn(input, own, v2, init) : openSub(dir, v2, inner)
      if (opened && v2) into = opened.fd
      else if (opened) tasks.set(opened.path, opened.fd)
    }
  } catch (error) {
    close()
    throw error
  }
  return { tasks: [...tasks.keys()], into: into !== undefined, takeTasks, takeInto, close }
}

/** Where a v2 cgroup cannot be entered, the one that init is in; not in the place of one that was asked for by name. */
function openInstead({ record, sub }: EntranceInput, refused: SysError, init: Init): number | undefined {
  const { v2 } = record
  if (v2 === undefined || subCgroupOf(sub, []) !== undefined || !isErrno(refused, ...TAKES_NONE)) return undefined
  const now = hierarchyOf(v2, init())?.dir
  return now === undefined || now === (record.inner ?? v2) ? undefined : open(now, true).fd
}

function checkControllers(sub: SubCgroups, record: CgroupRecord, all: readonly ProcessCgroup[]): void {
  const known = recordDirs(record).flatMap((dir) => hierarchyOf(dir, all)?.controllers ?? [])
  for (const name of sub.keys()) {
    if (name === '' ? recordDirs(record).length > 0 : known.includes(name) || known.includes(`name=${name}`)) continue
    const what = name === '' ? 'the container has no cgroup' : `the container has no cgroup of controller ${name}`
    throw new RuntimeError('cgroup', `invalid --cgroup argument: ${what}`)
  }
}

interface Opened {
  readonly path: string
  readonly fd: number
}

/** @throws RuntimeError 'cgroup', its cause the SysError. */
function open(dir: string, v2: boolean): Opened {
  const path = v2 ? dir : `${dir}/tasks`
  try {
    return { path, fd: openFile(path, v2 ? O_PATH | O_DIRECTORY : O_WRONLY) }
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    throw new RuntimeError('cgroup', `enter cgroup ${dir}: ${errnoText(error.errno)}`, [], { cause: error })
  }
}

function openSub(dir: string, v2: boolean, inner: string): Opened {
  return open(inner === '' ? dir : `${dir}/${inner}`, v2)
}

/** The container's own directory, or where its init has gone. */
function openOwn({ rootless }: EntranceInput, dir: string, v2: boolean, init: Init): Opened | undefined {
  try {
    return open(dir, v2)
  } catch (error) {
    const { cause } = error as Error
    if (rootless && isErrno(cause, 'EACCES', 'EPERM', 'EROFS')) return undefined
    if (!isErrno(cause, 'ENOENT', 'ENODEV')) throw error
    const now = hierarchyOf(dir, init())?.dir
    // Never made, since that was not ours to do (rootless): init is where it was started, and perhaps so are we.
    if (now === hierarchyOf(dir, processCgroups('self'))?.dir) return undefined
    if (now === undefined) throw error
    return open(now, v2)
  }
}
