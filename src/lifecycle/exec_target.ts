/** The container that `exec` or `mounts` enters: its record, its configuration, and what the kernel says of its init now. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { closeFd, openFile, readLink, statIf, withFd } from '../ffi/file.ts'
import { readInRoot } from '../host/accounts.ts'
import { openPidfd } from '../host/process.ts'
import { O_DIRECTORY, O_PATH } from '../kernel/files.ts'
import { NAMESPACES, type NamespaceType } from '../kernel/namespaces.ts'
import type { AccountFiles } from '../plan/accounts.ts'
import type { CgroupRecord } from '../plan/cgroup/model.ts'
import type { Spec } from '../spec/types.gen.ts'
import { notFound } from '../state/ids.ts'
import { readConfig } from '../state/kept_config.ts'
import type { ContainerRecord } from '../state/record.ts'
import { isAlive, statusOf } from '../state/status.ts'
import { readRecord } from '../state/store.ts'
import type { Runtime } from './runtime.ts'

export interface Target {
  readonly record: ContainerRecord
  /** As it was when the container was created. */
  readonly spec: Spec
  /** pidfd of init. */
  readonly pidfd: number
  /** Types in which init's namespace is not ours. */
  readonly join: readonly NamespaceType[]
}

/**
 * Looks the container up; the pidfd is the caller's to close. Throws not-found, or bad-state in runc's words, which say
 * what cannot be done by `verb`.
 * Everything is read by pid and counts only if {@link checkAlive} still holds afterwards.
 */
export function openTarget(runtime: Runtime, id: string, ignorePaused: boolean, verb = 'exec in'): Target {
  const record = readRecord(runtime.root, id)
  if (!record) throw notFound(id)
  checkStatus(statusOf(`${runtime.root}/${id}`, record), ignorePaused, verb)
  const spec = readConfig(runtime.root, record)
  const pidfd = openPidfd(record.pid)
  if (pidfd === undefined) throw stopped(verb)
  try {
    const join = foreignNamespaces(record.pid)
    checkAlive(record, verb)
    return { record, spec, pidfd, join }
  } catch (error) {
    closeFd(pidfd)
    throw error
  }
}

/** Files of resctrl that take the pid of who enters. Who runs the machine may have removed a group, init from it, too. */
export function rdtTasksOf({ intelRdt }: ContainerRecord): string[] {
  const files: string[] = []
  for (const dir of [intelRdt?.group, intelRdt?.monitor])
    if (dir !== undefined && statIf(dir) !== undefined) files.push(`${dir}/tasks`)
  return files
}

function checkStatus(status: string, ignorePaused: boolean, verb: string): void {
  if (status === 'stopped') throw stopped(verb)
  if (status === 'paused' && !ignorePaused) {
    throw new RuntimeError('bad-state', 'cannot exec in a paused container (use --ignore-paused to override)')
  }
  if (status === 'creating') throw new RuntimeError('bad-state', `cannot ${verb} a container that is being created`)
}

function stopped(verb: string): RuntimeError {
  return new RuntimeError('bad-state', `cannot ${verb} a stopped container`)
}

/** SAFETY: the pidfd was opened before: as long as init lives, that and all else by its pid are of this process. */
export function checkAlive(record: ContainerRecord, verb = 'exec in'): void {
  if (!isAlive(record)) throw stopped(verb)
}

/** By identity: what init has in common with us need not, and a user namespace could not, be joined. */
function foreignNamespaces(pid: number): NamespaceType[] {
  const foreign: NamespaceType[] = []
  for (const type in NAMESPACES) {
    const file = `ns/${NAMESPACES[type as NamespaceType].file}`
    const own = readLinkIf(`/proc/self/${file}`)
    if (own !== undefined && own !== readLinkOf(pid, file)) foreign.push(type as NamespaceType)
  }
  return foreign
}

/** Undefined where the kernel has no namespaces of the type. */
function readLinkIf(path: string): string | undefined {
  try {
    return readLink(path)
  } catch {
    return undefined
  }
}

function readLinkOf(pid: number, file: string): string {
  try {
    return readLink(`/proc/${pid}/${file}`)
  } catch (error) {
    throw new RuntimeError('bad-state', `look at the container init: ${messageOf(error)}`)
  }
}

/** All cgroups that the container was put into, its own and others'. */
export function cgroupsOf({ cgroup, sharedCgroup }: ContainerRecord): CgroupRecord {
  const v2 = cgroup?.v2 ?? sharedCgroup?.v2
  const inner = cgroup?.v2 === undefined ? sharedCgroup?.inner : cgroup.inner
  return {
    v1: [...(cgroup?.v1 ?? []), ...(sharedCgroup?.v1 ?? [])],
    ...(v2 === undefined ? {} : { v2 }),
    ...(inner === undefined ? {} : { inner }),
  }
}

/** The container's account files as init sees them, each read when it is first asked for. */
export function accountFiles({ record }: Target): AccountFiles {
  const texts = new Map<string, string | undefined>()
  const read = (path: string) => {
    if (!texts.has(path)) {
      const root = openFile(`/proc/${record.pid}/root`, O_PATH | O_DIRECTORY)
      texts.set(
        path,
        withFd(root, () => readInRoot(root, path)),
      )
    }
    return texts.get(path)
  }
  return { passwd: () => read('etc/passwd'), group: () => read('etc/group') }
}
