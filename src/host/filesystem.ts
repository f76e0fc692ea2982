/** A file system made by this process, fsopen(2) to fsmount(2): a mount that is attached nowhere. */
import { SysError } from '../base/errors.ts'
import { closeFd, openFile } from '../ffi/file.ts'
import { cstring, must, sys } from '../ffi/native.ts'
import { O_DIRECTORY, O_RDONLY } from '../kernel/files.ts'
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FD,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
} from '../kernel/mount.ts'
import { layerOf } from '../plan/long_options.ts'

export interface Filesystem {
  readonly type: string
  readonly source?: string
  /** "key=value" or "flag". */
  readonly options: readonly string[]
  /** MOUNT_ATTR_*. */
  readonly attributes: number
}

/** Makes it; the mount's fd is the caller's. Throws SysError with what the file system itself said of the refusal. */
export function makeFilesystem({ type, source, options, attributes }: Filesystem): number {
  const context = must(`fsopen "${type}"`, sys('fsopen', cstring(type), FSOPEN_CLOEXEC))
  try {
    if (source !== undefined) set(context, 'source', source)
    for (const option of options) {
      const layer = layerOf(type, option)
      if (layer) {
        setOpened(context, layer.key, layer.path)
        continue
      }
      const cut = option.indexOf('=')
      if (cut < 0) set(context, option)
      else set(context, option.slice(0, cut), option.slice(cut + 1))
    }
    must(`fsconfig "${type}" create`, sys('fsconfig', context, FSCONFIG_CMD_CREATE, null, null, 0))
    return must(`fsmount "${type}"`, sys('fsmount', context, FSMOUNT_CLOEXEC, attributes))
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    const said = complaint(context)
    throw said === '' ? error : new SysError(error.message, error.errno, error.errnoName, said)
  } finally {
    closeFd(context)
  }
}

function set(context: number, key: string, value?: string): void {
  const what = `fsconfig "${key}"${value === undefined ? '' : ` "${value}"`}`
  const command = value === undefined ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING
  must(what, sys('fsconfig', context, command, cstring(key), value === undefined ? null : cstring(value), 0))
}

/** A parameter that is a directory, opened. */
function setOpened(context: number, key: string, path: string): void {
  const fd = openFile(path, O_RDONLY | O_DIRECTORY)
  try {
    must(`fsconfig "${key}" "${path}"`, sys('fsconfig', context, FSCONFIG_SET_FD, cstring(key), null, fd))
  } finally {
    closeFd(fd)
  }
}

/** The oldest message that waits in the context: "e ext4: Can't find a valid superblock". */
function complaint(context: number): string {
  const words = Buffer.alloc(512)
  const length = sys('read', context, words, words.length)
  return length > 2 ? words.toString('utf8', 2, length).trim() : ''
}
