/**
 * What an `exec` keeps for the next ones, in the container's state directory: files exec.0 to exec.3, each of two lines
 * (all that the programs depend on; what the parent has to do) and the programs, without a command.
 */
import { SysError } from '../base/errors.ts'
import { decodeJson, encodeJson } from '../base/json.ts'
import { openFile, readBytes, statIf, withFd } from '../ffi/file.ts'
import { sys } from '../ffi/native.ts'
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../kernel/files.ts'
import { writeStateFile } from './folder.ts'
import { sumOf } from './kept_config.ts'

const LOCK_EX = 2
const LOCK_NB = 4
const NEWLINE = 10
const PLACES = 4

/** Names of all such files. */
export const KEPT_EXECS: readonly string[] = ['exec.0', 'exec.1', 'exec.2', 'exec.3']

export interface KeptExec<T> {
  readonly meta: T
  /** Ours to change. */
  readonly bytes: Uint8Array
}

function nameOf(key: string): string {
  return `exec.${Number.parseInt(sumOf(key).slice(-1), 16) % PLACES}`
}

/** What was kept under this key; undefined when there is nothing, or something else. */
export function readKeptExec<T>(folder: string, key: string): KeptExec<T> | undefined {
  const file = read(`${folder}/${nameOf(key)}`)
  if (file === undefined) return undefined
  const first = file.indexOf(NEWLINE)
  const second = file.indexOf(NEWLINE, first + 1)
  if (second < 0 || file.toString('utf8', 0, first) !== key) return undefined
  const bytes = new Uint8Array(file.subarray(second + 1))
  // One that is just being written is shorter than it says.
  if (bytes.length < 12 || new Uint32Array(bytes.buffer, 8, 1)[0] !== bytes.length) return undefined
  return { meta: decodeJson(file.toString('utf8', first + 1, second)) as T, bytes }
}

function read(path: string): Buffer | undefined {
  try {
    return readBytes(path)
  } catch (error) {
    if (error instanceof SysError) return undefined
    throw error
  }
}

/**
 * Keeps it, in the place of another that may be there. Nothing while somebody is busy with the container, and perhaps
 * removes it: in a directory that is being removed nothing may appear. Throws SysError, which is for the caller to think
 * nothing of.
 */
export function keepExec(folder: string, key: string, { meta, bytes }: KeptExec<unknown>): void {
  const fd = openFile(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  withFd(fd, () => {
    if (sys('flock', fd, LOCK_EX | LOCK_NB) < 0 || statIf('state.json', fd) === undefined) return
    const name = nameOf(key)
    writeStateFile(
      { path: folder, fd },
      name,
      Buffer.concat([Buffer.from(`${key}\n${encodeJson(meta, name)}\n`), bytes]),
    )
  })
}
