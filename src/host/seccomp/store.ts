/** Puts compiled filters into the cache. Loaded only when one was compiled. */
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { listDir, openAt, readText, rename, statIf, unlink, withFd, writeFd } from '../../ffi/file.ts'
import { sys } from '../../ffi/native.ts'
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from '../../kernel/files.ts'
import { cacheFile, cacheName, withDirectory } from './cache.ts'

/** As many as different profiles a busy machine may have; each is some 20 KB. */
const MAX_FILES = 64

/** The file that libseccomp was loaded from. */
function libraryPath(): string | undefined {
  const line = readText('/proc/self/maps')
    .split('\n')
    .find((entry) => entry.includes('/libseccomp.so'))
  return line?.slice(line.indexOf('/'))
}

/** Writes a file whole or not at all; the directory is made if it is missing. */
export function writeCached(directory: string, key: Uint8Array, program: Uint8Array, log: Log): void {
  const library = libraryPath()
  if (library === undefined) return
  const name = cacheName(key)
  const temporary = `${name}.${sys('getpid')}`
  try {
    withDirectory(directory, true, (dir) => {
      makeRoom(dir)
      try {
        const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        withFd(openAt(dir, temporary, flags, 0o600), (fd) => writeFd(fd, cacheFile(key, library, program), temporary))
        rename(temporary, name, dir)
      } catch (error) {
        unlink(temporary, dir)
        throw error
      }
    })
  } catch (error) {
    log.debug(`seccomp cache ${directory}: ${messageOf(error)}`)
  }
}

/** The oldest go, half-written ones of davits that were killed among them. */
function makeRoom(dir: number): void {
  const names = listDir('.', dir)
  if (names.length < MAX_FILES) return
  const aged = names.map((name) => ({ name, at: statIf(name, dir)?.changed ?? [0, 0] }))
  aged.sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1])
  for (const { name } of aged.slice(0, names.length - MAX_FILES + 1)) unlink(name, dir)
}
