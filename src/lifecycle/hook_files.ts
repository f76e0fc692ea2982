/** Files that hooks print to: crun's annotations run.oci.hooks.stdout and run.oci.hooks.stderr. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { absolutePath } from '../base/path.ts'
import { pointer } from '../base/pointer.ts'
import { closeFd, openFile, statIf } from '../ffi/file.ts'
import {
  O_APPEND,
  O_CREAT,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_WRONLY,
  S_IFCHR,
  S_IFMT,
  S_IFREG,
} from '../kernel/files.ts'
import { ANNOTATION, annotation } from '../spec/annotations.ts'
import type { Spec } from '../spec/types.gen.ts'

/** Open for appending; what is missing goes to memory, and from there to the log. */
export interface HookFiles {
  readonly stdout?: number
  readonly stderr?: number
}

const NONE: HookFiles = {}

/**
 * Opens what the annotations name, for the owner alone where it has to be made; the fds are the caller's
 * ({@link closeHookFiles}). Throws RuntimeError 'create' with the annotation.
 */
export function openHookFiles(spec: Pick<Spec, 'annotations'>, bundle: string): HookFiles {
  if (!spec.annotations) return NONE
  const stdout = openOne(spec, ANNOTATION.hooksStdout, bundle)
  try {
    const stderr = openOne(spec, ANNOTATION.hooksStderr, bundle)
    return { ...(stdout === undefined ? {} : { stdout }), ...(stderr === undefined ? {} : { stderr }) }
  } catch (error) {
    if (stdout !== undefined) closeFd(stdout)
    throw error
  }
}

function openOne(spec: Pick<Spec, 'annotations'>, name: string, bundle: string): number | undefined {
  const path = annotation(spec, name)
  if (path === undefined) return undefined
  try {
    return openLog(absolutePath(path, bundle))
  } catch (error) {
    throw new RuntimeError('create', `hook output, from ${pointer('annotations', name)}: ${messageOf(error)}`)
  }
}

/**
 * SAFETY: a link, or a FIFO that nobody reads, is not what anybody means, but what somebody may have put there. Only the
 * null device is a device that output can be given to without harm.
 */
function openLog(path: string): number {
  const fd = openFile(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o600)
  const status = statIf('', fd)
  const type = (status?.mode ?? 0) & S_IFMT
  if (type === S_IFREG || (type === S_IFCHR && status?.rdev.join() === '1,3')) return fd
  closeFd(fd)
  throw new Error(`open "${path}": it is no regular file`)
}

export function closeHookFiles({ stdout, stderr }: HookFiles): void {
  if (stdout !== undefined) closeFd(stdout)
  if (stderr !== undefined) closeFd(stderr)
}
