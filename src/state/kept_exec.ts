/**
 * What an `exec` keeps for the next ones, in the container's state directory: files exec.0 to exec.3, each of three lines
 * (a sum of all that follows; all that the programs depend on; what the parent has to do) and the programs, without a
 * command.
 */
import { SysError } from '../base/errors.ts'
import { decodeJson, encodeJson } from '../base/json.ts'
import { crc32 } from '../ffi/checksum.ts'
import { openAt, openFile, readFd, statIf, unlink, withFd } from '../ffi/file.ts'
import { sys } from '../ffi/native.ts'
import { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY, S_IFMT, S_IFREG } from '../kernel/files.ts'
import { writeStateFile } from './folder.ts'

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

/** What was kept under this key; undefined when there is nothing, something else, or not all of it. */
export function readKeptExec<T>(folder: string, key: string): KeptExec<T> | undefined {
  const file = read(folder, `exec.${crc32(key) % PLACES}`)
  if (file === undefined) return undefined
  const first = file.indexOf(NEWLINE)
  const second = file.indexOf(NEWLINE, first + 1)
  const third = file.indexOf(NEWLINE, second + 1)
  if (third < 0 || file.toString('utf8', first + 1, second) !== key) return undefined
  if (file.toString('latin1', 0, first) !== `${crc32(file.subarray(first + 1))}`) return undefined
  const meta = decodeJson(file.toString('utf8', second + 1, third)) as T
  return { meta, bytes: new Uint8Array(file.subarray(third + 1)) }
}

/** SAFETY: it says what is done, so nobody else may be able to write it; it is opened without waiting, whatever it is. */
function read(folder: string, name: string): Buffer | undefined {
  try {
    return withFd(openFile(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW), (dir) =>
      withFd(openAt(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), (fd) => {
        const { mode = 0, uid } = statIf('', fd) ?? {}
        return (mode & (S_IFMT | 0o022)) === S_IFREG && uid === sys('geteuid') ? readFd(fd, name) : undefined
      }),
    )
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
  const name = `exec.${crc32(key) % PLACES}`
  const rest = Buffer.concat([Buffer.from(`${key}\n${encodeJson(meta, name)}\n`), bytes])
  const fd = openFile(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  withFd(fd, () => {
    if (sys('flock', fd, LOCK_EX | LOCK_NB) < 0 || statIf('state.json', fd) === undefined) return
    // SAFETY: who reads the file meanwhile has all of the old one, not parts of two.
    unlink(name, fd)
    writeStateFile({ path: folder, fd }, name, Buffer.concat([Buffer.from(`${crc32(rest)}\n`), rest]))
  })
}
