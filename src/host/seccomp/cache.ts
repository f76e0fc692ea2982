/**
 * Compiled filters, kept between containers: a file for each in a directory that only we can write to. A file holds the
 * whole of what it was made from, which is compared, so its name may be a cheap hash and a collision is only a miss.
 * Nothing here ever fails a container: what is wrong with the cache is a debug message.
 *
 *   "DAVITSC1" | length of key, of library, of program, 0 (32 bits each) | key | library | program
 */
import { messageOf } from '../../base/errors.ts'
import { encodeJson } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { type FileStatus, makeDir, openAt, openFile, readFd, statIf, withFd } from '../../ffi/file.ts'
import { libexecFolder } from '../../ffi/libexec.ts'
import { sys } from '../../ffi/native.ts'
import { SOCK_FILTER_SIZE } from '../../kernel/bpf_classic.ts'
import {
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from '../../kernel/files.ts'
import type { Seccomp } from '../../spec/types.gen.ts'

const MAGIC = 'DAVITSC1'
export const HEAD_SIZE = 24
/** A filter of the greatest length with the longest profile is far below this. */
const LIMIT = 4 << 20
const OTHERS_WRITE = 0o022
const OTHERS = 0o077

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What tells one file from another that has come to its place. */
function identity(path: string): string {
  const status = statIf(path)
  return status ? [status.dev.join(':'), status.inode, status.size, status.changed.join('.')].join(' ') : '-'
}

/** uname(2)'s release and version: what a filter may contain is a matter of the kernel, too. */
function kernel(): string {
  const buffer = Buffer.alloc(65 * 6)
  sys('uname', buffer)
  return buffer.toString('latin1', 65 * 2, 65 * 4)
}

/** Everything a filter is made from, but for the library itself, which is not known before it is loaded. */
export function cacheKey(profile: Seccomp, arch: string, strict: boolean): Uint8Array {
  // The loader's cache changes when a library comes or goes, davit's executable with how filters are compiled.
  const machine = [kernel(), arch, identity(`${libexecFolder()}/davit`), identity('/etc/ld.so.cache')]
  return encoder.encode(`${machine.join('\n')}\n${strict ? 'strict\n' : ''}${encodeJson(profile, '/linux/seccomp')}`)
}

/** A name for the key: its length and FNV-1a over its words. No BigInt, no crypto: this is on the way of every start. */
export function cacheName(key: Uint8Array): string {
  let hash = 0x811c9dc5
  const words = new Uint32Array(key.buffer, key.byteOffset, key.length >> 2)
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ (words[i] as number), 0x01000193)
  return `seccomp-${key.length}-${(hash >>> 0).toString(16)}`
}

/** Runs `use` with the directory, if it is ours alone; `make` it if it is missing. */
export function withDirectory<T>(path: string, make: boolean, use: (fd: number) => T): T | undefined {
  if (make) makeDir(path, 0o700)
  else if (!statIf(path)) return undefined
  return withFd(openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), (fd) => {
    checkOwn(path, statIf('', fd), S_IFDIR, OTHERS)
    return use(fd)
  })
}

/** SAFETY: what others can write decides nothing. */
export function checkOwn(path: string, status: FileStatus | undefined, type: number, forbidden: number): void {
  if (!status || (status.mode & S_IFMT) !== type) throw new Error(`${path} is of another type`)
  if (status.uid !== sys('geteuid')) throw new Error(`${path} belongs to another user`)
  if (status.mode & forbidden) throw new Error(`${path} is open to others`)
}

/** The program for the key; undefined when there is none that can be used. */
export function readCached(directory: string, key: Uint8Array, log: Log): Uint8Array | undefined {
  const name = cacheName(key)
  try {
    return withDirectory(directory, false, (dir) => {
      if (!statIf(name, dir, AT_SYMLINK_NOFOLLOW)) return undefined
      return withFd(openAt(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), (fd) => {
        checkOwn(name, statIf('', fd), S_IFREG, OTHERS_WRITE)
        return programOf(readFd(fd, name, LIMIT), key)
      })
    })
  } catch (error) {
    log.debug(`seccomp cache ${directory}: ${messageOf(error)}`)
    return undefined
  }
}

/** Takes a file apart; undefined when it is of another key, or of a library that has changed since. */
function programOf(file: Buffer, key: Uint8Array): Uint8Array | undefined {
  if (file.length < HEAD_SIZE || file.toString('latin1', 0, 8) !== MAGIC) return undefined
  const [keyLength, libraryLength, programLength] = [8, 12, 16].map((at) => file.readUInt32LE(at)) as [
    number,
    number,
    number,
  ]
  const programAt = HEAD_SIZE + keyLength + libraryLength
  if (programAt + programLength !== file.length || programLength === 0 || programLength % SOCK_FILTER_SIZE)
    return undefined
  if (!file.subarray(HEAD_SIZE, HEAD_SIZE + keyLength).equals(key)) return undefined
  const [path = '', was] = decoder.decode(file.subarray(HEAD_SIZE + keyLength, programAt)).split('\n')
  return was !== undefined && identity(path) === was ? file.subarray(programAt) : undefined
}

/** The bytes of a file; `library` is the path of libseccomp. */
export function cacheFile(key: Uint8Array, library: string, program: Uint8Array): Uint8Array {
  const source = encoder.encode(`${library}\n${identity(library)}`)
  const head = Buffer.alloc(HEAD_SIZE)
  head.write(MAGIC, 'latin1')
  for (const [i, { length }] of [key, source, program].entries()) head.writeUInt32LE(length, 8 + i * 4)
  return Buffer.concat([head, key, source, program])
}
