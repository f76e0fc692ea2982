/**
 * libdavit.so through koffi. koffi's .node is loaded directly by its absolute path: its JavaScript wrapper would cost
 * seven times as much and search folders. Every function here returns >= 0 or -errno, as the C side does.
 */
import { RuntimeError, SysError } from '../base/errors.ts'
import { errnoName, errnoText } from '../kernel/errno.ts'
import { type SyscallName, syscallNumber } from '../kernel/syscalls.ts'
import { TABLE_HASH } from '../wire/hash.gen.ts'
import { NATIVE } from '../wire/ops.ts'
import { libexecFolder } from './libexec.ts'

type Native = (...args: unknown[]) => number

/** What koffi makes of a library's path or name. Pointers are bigints; null is NULL. */
export interface Library {
  // biome-ignore lint/suspicious/noExplicitAny: what a C function returns is said by its prototype.
  func(name: string, result: string, args: readonly string[]): (...args: readonly unknown[]) => any
}

/** koffi's native part, as far as it is used. */
export interface Koffi {
  load(path: string): Library
  decode(pointer: bigint, type: string, count: number): ArrayLike<number>
}

/** What a system call's argument may be; bytes are passed as a pointer and may be written to by the kernel. */
export type Arg = number | bigint | Uint8Array | Int32Array | Uint32Array | null

export const ARCH = process.arch === 'arm64' ? 'arm64' : 'x64'

/** libdavit.so's one function; see native/launch.c. */
let library: Native | undefined

let loadedKoffi: Koffi | undefined

/** koffi itself, for libraries that are not davit's own. */
export function koffi(): Koffi {
  if (loadedKoffi) return loadedKoffi
  const loaded: { exports: Koffi } = { exports: { load: never, decode: never } }
  process.dlopen(loaded, `${libexecFolder()}/koffi.node`)
  loadedKoffi = loaded.exports
  return loadedKoffi
}

function load(): Native {
  const folder = libexecFolder()
  let found: Native
  try {
    found = koffi().load(`${folder}/libdavit.so`).func('davit', 'int64', SIGNATURE)
  } catch (error) {
    throw new RuntimeError('install', `load davit's own libraries from ${folder}: ${(error as Error).message}`)
  }
  if (found(NATIVE.hash, 0, 0, 0, 0, 0, 0) !== TABLE_HASH) {
    throw new RuntimeError('install', `${folder}/libdavit.so is of another build than this program`)
  }
  return found
}

/** Whether anything native has been called yet; what does without should not load it. */
export function nativeLoaded(): boolean {
  return library !== undefined
}

function never(): never {
  throw new Error('bug: koffi was not loaded')
}

const SIGNATURE = ['int64', 'void *', 'void *', 'void *', 'void *', 'void *', 'void *'] as const

/** Any system call: its result or -errno. EINTR is retried. Strings must be passed by {@link cstring}. */
export function sys(name: SyscallName, a: Arg = 0, b: Arg = 0, c: Arg = 0, d: Arg = 0, e: Arg = 0, f: Arg = 0): number {
  return native(syscallNumber(name, ARCH), a, b, c, d, e, f)
}

/** A function of libdavit.so by its number in NATIVE (or a system call by its number). */
export function native(nr: number, a: Arg = 0, b: Arg = 0, c: Arg = 0, d: Arg = 0, e: Arg = 0, f: Arg = 0): number {
  library ??= load()
  // Only a number that is negative needs help, and a call for each of six arguments takes longer than the rest.
  return library(
    nr,
    typeof a === 'number' && a < 0 ? pointer(a) : a,
    typeof b === 'number' && b < 0 ? pointer(b) : b,
    typeof c === 'number' && c < 0 ? pointer(c) : c,
    typeof d === 'number' && d < 0 ? pointer(d) : d,
    typeof e === 'number' && e < 0 ? pointer(e) : e,
    typeof f === 'number' && f < 0 ? pointer(f) : f,
  )
}

const WORKING_DIRECTORY = 0xffff_ffff_ffff_ff9cn // AT_FDCWD

/** koffi takes numbers for pointers, but only those that are not negative. */
function pointer(arg: number): bigint {
  return arg === -100 ? WORKING_DIRECTORY : BigInt.asUintN(64, BigInt(arg))
}

/** As {@link sys}, but throws a SysError that shows `what` (the call with its operands) on failure. */
export function must(what: string, result: number): number {
  if (result < 0) throw sysError(what, -result)
  return result
}

/** The error for a positive errno. */
export function sysError(what: string, errno: number): SysError {
  return new SysError(what, errno, errnoName(errno), errnoText(errno))
}

const encoder = new TextEncoder()

/** Memory for the strings of one call; no call takes more than two. Making bytes anew for each is what costs. */
const scratch = [new Uint8Array(4096), new Uint8Array(4096), new Uint8Array(4096), new Uint8Array(4096)] as const
let turn = 0

/**
 * NUL-terminated UTF-8 bytes for the next call; they are overwritten by the fourth string after them. A NUL inside
 * would silently cut the string, so it is refused.
 */
export function cstring(text: string): Uint8Array {
  if (text.includes('\0')) throw new RuntimeError('usage', `"${text.replaceAll('\0', '\\0')}" contains a NUL byte`)
  if (text.length > 1300) return Buffer.from(`${text}\0`)
  turn = (turn + 1) & 3
  const bytes = scratch[turn] as Uint8Array
  bytes[encoder.encodeInto(text, bytes).written] = 0
  return bytes
}
