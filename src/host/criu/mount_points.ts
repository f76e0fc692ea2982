/**
 * Mount points in a rootfs that is not to be trusted. SAFETY: every path is resolved inside the root by the kernel
 * (openat2), and what is made is made in an opened directory under a name that nobody follows.
 */
import { SysError } from '../../base/errors.ts'
import { baseName, parentPath } from '../../base/path.ts'
import { closeFd, makeDir, openAt, statIf, withFd } from '../../ffi/file.ts'
import { cstring, must, sys } from '../../ffi/native.ts'
import {
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  S_IFBLK,
  S_IFCHR,
  S_IFMT,
} from '../../kernel/files.ts'
import type { DeviceNumbers } from '../../plan/devices.ts'

const ENOENT = -2
const ENOTDIR = -20

/** What is at a path below the root `root`; undefined when nothing is. The fd (O_PATH) is the caller's. */
export function openInRoot(root: number, path: string): number | undefined {
  const result = tryOpen(root, path)
  if (result === ENOENT || result === ENOTDIR) return undefined
  return must(`open "${path}" in the root`, result)
}

function tryOpen(root: number, path: string): number {
  const how = new Uint32Array([O_PATH | O_CLOEXEC, 0, 0, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 0]) // struct open_how
  return sys('openat2', root, cstring(path), how, 24)
}

/** Makes a mount point, and the directories on its way, unless something is there. */
export function makeMountPoint(root: number, path: string, type: 'directory' | 'file'): void {
  closeFd(reach(root, path, type))
}

function reach(root: number, path: string, type: 'directory' | 'file'): number {
  const there = tryOpen(root, path)
  if (there !== ENOENT || path === '/') return must(`open "${path}" in the root`, there)
  withFd(reach(root, parentPath(path), 'directory'), (parent) => make(parent, baseName(path), type))
  // A link that leads nowhere is still there: the error says so.
  return must(`open "${path}" in the root`, tryOpen(root, path))
}

function make(parent: number, name: string, type: 'directory' | 'file'): void {
  if (type === 'directory') {
    makeDir(name, 0o755, parent)
    return
  }
  try {
    closeFd(openAt(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644))
  } catch (error) {
    if (!(error instanceof SysError && error.errnoName === 'EEXIST')) throw error
  }
}

/** Whether an open file is this device. */
export function isDevice(fd: number, device: DeviceNumbers): boolean {
  const status = statIf('', fd)
  const [type, numbers] = 'char' in device ? [S_IFCHR, device.char] : [S_IFBLK, device.block]
  return status !== undefined && (status.mode & S_IFMT) === type && status.rdev.join() === numbers.join()
}

/** ST_* flags of the mount that an open file is on: statfs(2). */
export function mountFlags(fd: number): number {
  const buffer = Buffer.alloc(120) // struct statfs
  must('fstatfs', sys('fstatfs', fd, buffer))
  return buffer.readUInt32LE(80)
}
