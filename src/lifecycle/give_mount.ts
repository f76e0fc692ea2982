/** Mounts that the parent makes for the child, each when it is asked for. */
import { RuntimeError, SysError } from '../base/errors.ts'
import { closeFd } from '../ffi/file.ts'
import { cstring, must, sys } from '../ffi/native.ts'
import { makeFilesystem } from '../host/filesystem.ts'
import { accessHint } from '../host/mount_access.ts'
import { send, sendFd } from '../host/socket.ts'
import { AT_FDCWD, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW } from '../kernel/files.ts'
import { OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../kernel/mount.ts'
import type { HostMount, HostStep } from '../plan/step.ts'
import { TAGS } from '../plan/tags.ts'
import { encodeAnswer } from '../wire/decode.ts'
import { awaitTag, passing } from './dialogue.ts'
import type { Launching } from './launching.ts'

/** Waits until the child asks, makes the mount, and hands it over. */
export function giveMount(launching: Launching, { mount, origin }: Extract<HostStep, { kind: 'give' }>): void {
  awaitTag(launching, 'give')
  let fd = -1
  try {
    fd = makeMount(mount)
    passing(launching, () => sendFd(launching.peer, encodeAnswer(TAGS.give), fd, 'hand a mount to the container init'))
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    if (error.errnoName === 'EACCES' && mount.kind === 'tree' && mount.orElse === 'child') {
      const refusal = encodeAnswer(TAGS.give, -error.errno)
      return passing(launching, () => send(launching.peer, refusal, 'answer the container init'))
    }
    const place = origin.config ? `, from ${origin.config}` : ''
    const hint = error.errnoName === 'EACCES' && mount.kind === 'tree' ? accessHint(mount.path) : ''
    throw new RuntimeError(launching.failing.code, `${origin.doing}${place}: ${error.message}${hint}`)
  } finally {
    if (fd >= 0) closeFd(fd)
  }
}

function makeMount(mount: HostMount): number {
  if (mount.kind === 'filesystem') return makeFilesystem(mount)
  const { path, recursive, noFollow } = mount
  const flags =
    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0) | (noFollow ? AT_SYMLINK_NOFOLLOW : 0)
  return must(`open_tree "${path}"`, sys('open_tree', AT_FDCWD, cstring(path), flags))
}
