/** The id maps of a new user namespace (user_namespaces(7)). */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { closeFd, statIf, writeText } from '../ffi/file.ts'
import { memfd, memfdText } from '../host/memfd.ts'
import { launch, waitFor } from '../host/process.ts'
import type { HostStep } from '../plan/step.ts'
import { outputWords } from './hooks.ts'

/**
 * Where newuidmap(1) and newgidmap(1) are looked for. SAFETY: not in the caller's PATH; a program found there would be
 * told the pid of an unfinished container.
 */
const FOLDERS = ['/usr/bin', '/bin', '/usr/local/bin', '/usr/sbin', '/sbin', '/run/wrappers/bin']

/** Writes both maps of the process, or has them written. */
export function writeIdMaps(pid: number, step: Extract<HostStep, { kind: 'idMaps' }>): void {
  if (step.setgroups === 'deny') writeText(`/proc/${pid}/setgroups`, 'deny')
  writeMap(pid, 'uid', step.uidMap, step.uidWriter)
  writeMap(pid, 'gid', step.gidMap, step.gidWriter)
}

function writeMap(pid: number, kind: 'uid' | 'gid', map: string, writer: 'runtime' | 'helper'): void {
  try {
    if (writer === 'runtime') writeText(`/proc/${pid}/${kind}_map`, map)
    else runHelper(`new${kind}map`, pid, map)
  } catch (error) {
    throw new RuntimeError('create', `write ${kind}_map, from /linux/${kind}Mappings: ${messageOf(error)}`)
  }
}

/** newuidmap PID INSIDE OUTSIDE COUNT..., which takes the numbers in the order of the map's own. */
function runHelper(name: string, pid: number, map: string): void {
  const path = FOLDERS.map((folder) => `${folder}/${name}`).find((candidate) => statIf(candidate))
  if (path === undefined) throw new Error(`more than the caller's own id needs ${name}, which is not installed`)
  const output = memfd('output')
  try {
    const fds = [0, 1, 2].map((fd) => [output, fd] as const)
    const child = launch(`exec "${path}"`, {
      path,
      args: [name, String(pid), ...map.trimEnd().split(/\s/)],
      env: [],
      flags: 0,
      fds,
    })
    const end = waitFor(child, 0)
    closeFd(child.pidfd)
    if (end?.code === 0) return
    const how = end?.signal === undefined ? `exit status ${end?.code}` : `killed by signal ${end.signal}`
    throw new Error(`${name}: ${how}${outputWords(memfdText(output))}`)
  } finally {
    closeFd(output)
  }
}
