/** The id maps of a new user namespace (user_namespaces(7)). */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { statIf, writeText } from '../ffi/file.ts'
import { exitWords } from '../host/process.ts'
import { runProgram } from '../host/program.ts'
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
  const { exit, output } = runProgram(path, [name, String(pid), ...map.trimEnd().split(/\s/)])
  if (exit.code !== 0) throw new Error(`${name}: ${exitWords(exit)}${outputWords(output)}`)
}
