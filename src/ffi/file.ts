/**
 * Files by raw system calls. node:fs costs 2 ms to import in the compiled executable, koffi is there anyway, and these
 * have what node:fs lacks: O_CLOEXEC always, O_PATH, dirfds, errors that name the call. All synchronous; all throw
 * SysError unless said otherwise.
 */
import { SysError } from '../base/errors.ts'
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  archOpenFlags,
  O_CLOEXEC,
  O_DIRECTORY,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} from '../kernel/files.ts'
import { ARCH, cstring, must, sys } from './native.ts'

/** openat(2), always close-on-exec. Returns the fd. */
export function openAt(dir: number, path: string, flags: number, mode = 0): number {
  const result = sys('openat', dir, cstring(path), archOpenFlags(flags | O_CLOEXEC, ARCH), mode)
  return must(`open "${path}"`, result)
}

/** open(2), always close-on-exec. Returns the fd. */
export function openFile(path: string, flags: number, mode = 0): number {
  return openAt(AT_FDCWD, path, flags, mode)
}

/** close(2). Its errors mean nothing for the files davit uses. */
export function closeFd(fd: number): void {
  sys('close', fd)
}

/** Runs `use` with the fd and closes it whatever happens. */
export function withFd<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd)
  } finally {
    closeFd(fd)
  }
}

/** Where files are read into first: most are shorter, and their bytes are copied out once. */
const page = new Uint8Array(16384)

/** All bytes of an open file from its current position. `limit` bytes at the most. */
export function readFd(fd: number, what: string, limit = 64 << 20): Buffer {
  const bytes = readInto(fd, what, limit)
  // Buffer.from is compiled when it is used first.
  const copy = Buffer.alloc(bytes.length)
  copy.set(bytes)
  return copy
}

// No Buffer where text is read or written: the engine compiles what makes one when it is used first, which takes as long
// as a tenth of what `state` does.
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The bytes as part of memory that the next file is read into. */
function readInto(fd: number, what: string, limit = 64 << 20): Uint8Array {
  let buffer = page
  let length = 0
  for (;;) {
    if (length === buffer.length) {
      const larger = new Uint8Array(length * 2)
      larger.set(buffer)
      buffer = larger
    }
    const got = must(
      `read ${what}`,
      sys('read', fd, length === 0 ? buffer : buffer.subarray(length), buffer.length - length),
    )
    if (got === 0) return buffer.subarray(0, length)
    length += got
    if (length > limit) throw new SysError(`read ${what}`, 27, 'EFBIG', `larger than ${limit} bytes`)
  }
}

/** The whole file as bytes. */
export function readBytes(path: string, dir = AT_FDCWD): Buffer {
  return withFd(openAt(dir, path, O_RDONLY), (fd) => readFd(fd, `"${path}"`))
}

/** The whole file as text (UTF-8). */
export function readText(path: string, dir = AT_FDCWD): string {
  return withFd(openAt(dir, path, O_RDONLY), (fd) => decoder.decode(readInto(fd, `"${path}"`)))
}

const ABSENT: readonly number[] = [2, 20, 19, 3] // ENOENT, ENOTDIR, ENODEV, ESRCH

/** As readText, but undefined when the file or something on its way is not there (ENOENT, ENOTDIR, ENODEV, ESRCH). */
export function readTextIf(path: string, dir = AT_FDCWD): string | undefined {
  const fd = sys('openat', dir, cstring(path), archOpenFlags(O_RDONLY | O_CLOEXEC, ARCH), 0)
  if (ABSENT.includes(-fd)) return undefined
  try {
    return withFd(must(`open "${path}"`, fd), () => decoder.decode(readInto(fd, `"${path}"`)))
  } catch (error) {
    if (error instanceof SysError && ABSENT.includes(error.errno)) return undefined
    throw error
  }
}

/** Writes all of the data, going on after a short write. */
export function writeFd(fd: number, data: string | Uint8Array, what = `fd ${fd}`): void {
  let bytes = typeof data === 'string' ? encoder.encode(data) : data
  while (bytes.length > 0) bytes = bytes.subarray(must(`write ${what}`, sys('write', fd, bytes, bytes.length)))
}

/** One write(2) to an existing file, as files of /proc and cgroups want it. */
export function writeText(path: string, data: string): void {
  withFd(openFile(path, O_WRONLY | O_TRUNC), (fd) => {
    const bytes = encoder.encode(data)
    must(`write "${data}" to "${path}"`, sys('write', fd, bytes, bytes.length))
  })
}

/** mkdir(2); false when it existed already. */
export function makeDir(path: string, mode: number, dir = AT_FDCWD): boolean {
  const result = sys('mkdirat', dir, cstring(path), mode)
  if (result === -17) return false
  must(`mkdir "${path}"`, result)
  return true
}

/** Runs what makes files and folders, with the modes that they are asked for, whatever the caller's umask. */
export function withFixedModes<T>(make: () => T): T {
  const mask = sys('umask', 0o022)
  try {
    return make()
  } finally {
    sys('umask', mask)
  }
}

/** rmdir(2). */
export function removeDir(path: string, dir = AT_FDCWD): void {
  must(`rmdir "${path}"`, sys('unlinkat', dir, cstring(path), AT_REMOVEDIR))
}

/** unlink(2); false when there was nothing. */
export function unlink(path: string, dir = AT_FDCWD): boolean {
  const result = sys('unlinkat', dir, cstring(path), 0)
  if (result === -2) return false
  must(`unlink "${path}"`, result)
  return true
}

/** rename(2) within one directory fd. */
export function rename(from: string, to: string, dir = AT_FDCWD): void {
  must(`rename "${from}" to "${to}"`, sys('renameat2', dir, cstring(from), dir, cstring(to), 0))
}

/** The size of an entry of getdents64(2), two bytes at offset 16. */
function sizeAt(buffer: Uint8Array, at: number): number {
  return (buffer[at + 16] as number) | ((buffer[at + 17] as number) << 8)
}

/** Names in a directory, without "." and "..", unsorted (getdents64(2)). */
export function listDir(path: string, dir = AT_FDCWD): string[] {
  return withFd(openAt(dir, path, O_RDONLY | O_DIRECTORY), (fd) => {
    const names: string[] = []
    const buffer = new Uint8Array(32768)
    for (;;) {
      const length = must(`list "${path}"`, sys('getdents64', fd, buffer, buffer.length))
      if (length === 0) return names
      for (let at = 0; at < length; at += sizeAt(buffer, at)) {
        const name = decoder.decode(buffer.subarray(at + 19, buffer.indexOf(0, at + 19)))
        if (name !== '.' && name !== '..') names.push(name)
      }
    }
  })
}

let linkText: Uint8Array | undefined

/** readlink(2). */
export function readLink(path: string, dir = AT_FDCWD): string {
  // One for all: `exec` asks for sixteen.
  linkText ??= new Uint8Array(4096)
  const length = must(`readlink "${path}"`, sys('readlinkat', dir, cstring(path), linkText, linkText.length))
  return decoder.decode(linkText.subarray(0, length))
}

/** What statx(2) says of a file. */
export interface FileStatus {
  /** S_IF* bits and permissions. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly inode: number
  readonly size: number
  /** Last change of the inode, its metadata included: seconds and nanoseconds. */
  readonly changed: readonly [seconds: number, nanoseconds: number]
  readonly rdev: readonly [major: number, minor: number]
  readonly dev: readonly [major: number, minor: number]
}

/** struct statx as 32-bit words; one for all calls. */
const statx = new Uint32Array(64)

/** statx(2) of a path, or of the dir fd itself with path "". Undefined when it is not there. */
export function statIf(path: string, dir = AT_FDCWD, flags = 0): FileStatus | undefined {
  const result = sys('statx', dir, cstring(path), flags | (path === '' ? AT_EMPTY_PATH : 0), 0x7ff, statx)
  if (result === -2 || result === -20) return undefined
  must(`stat "${path}"`, result)
  const word = (index: number) => statx[index] as number
  return {
    mode: word(7) & 0xffff,
    uid: word(5),
    gid: word(6),
    inode: word(8) + word(9) * 0x100000000,
    size: word(10) + word(11) * 0x100000000,
    changed: [word(24) + word(25) * 0x100000000, word(26)],
    rdev: [word(32), word(33)],
    dev: [word(34), word(35)],
  }
}

/** statfs(2) f_type; undefined when the path is not there. */
export function fileSystemOf(path: string): number | undefined {
  const buffer = new Uint32Array(30)
  const result = sys('statfs', cstring(path), buffer)
  if (result === -2 || result === -20) return undefined
  must(`statfs "${path}"`, result)
  return buffer[0] as number
}
