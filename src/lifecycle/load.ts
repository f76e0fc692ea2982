/** From a bundle's directory to a validated configuration. */
import { RuntimeError, SysError } from '../base/errors.ts'
import { absolutePath, joinPath } from '../base/path.ts'
import { openFile, readBytes, readLink, statIf, withFd } from '../ffi/file.ts'
import { errnoText } from '../kernel/errno.ts'
import { O_DIRECTORY, O_PATH, S_IFDIR, S_IFMT } from '../kernel/files.ts'
import { parseSpec } from '../spec/config.ts'
import type { Spec } from '../spec/types.gen.ts'
import type { Runtime } from './runtime.ts'

export interface Bundle {
  /** Absolute. */
  readonly path: string
  readonly spec: Spec
  /** Absolute path of the rootfs. */
  readonly rootfs: string
}

function readConfig(path: string): string {
  let bytes: Buffer
  try {
    bytes = readBytes(path)
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    if (error.errnoName === 'ENOENT')
      throw new RuntimeError('bundle', `JSON specification file ${path} not found: no such file or directory`)
    throw new RuntimeError('bundle', error.message)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new RuntimeError('config-syntax', `parse ${path}: not valid UTF-8`)
  }
}

/** Loads and validates; warnings go to the log. Nothing is created. `file` is relative to the bundle. */
export async function loadBundle(runtime: Runtime, bundle: string, file = 'config.json'): Promise<Bundle> {
  const path = absolutePath(bundle, runtime.cwd)
  const status = statIf(path)
  if (!status) throw new RuntimeError('bundle', `bundle "${path}": no such file or directory`)
  if ((status.mode & S_IFMT) !== S_IFDIR) throw new RuntimeError('bundle', `bundle "${path}": not a directory`)
  const text = readConfig(absolutePath(file, path))
  const { spec, warnings } = await parseSpec(text)
  for (const { pointer, message } of warnings) runtime.log.warning(`config.json ${pointer}: ${message}`)
  return { path, spec, rootfs: rootfsOf(spec, path) }
}

/** Absolute path of the rootfs of a configuration in a bundle. */
export function rootfsOf({ root }: Spec, bundle: string): string {
  const path = root?.path ?? ''
  return path.startsWith('/') ? joinPath(path) : joinPath(bundle, path)
}

/**
 * The rootfs by its real path: links on the way to it are the host's and followed once, here. Refuses what is no
 * directory, before anything is made.
 */
export function realRootfs(rootfs: string): string {
  try {
    return withFd(openFile(rootfs, O_PATH | O_DIRECTORY), (fd) => readLink(`/proc/self/fd/${fd}`))
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    const why = errnoText(error.errno)
    throw new RuntimeError('bundle', `rootfs "${rootfs}", from /root/path: ${why}`, [
      { pointer: '/root/path', message: why },
    ])
  }
}
