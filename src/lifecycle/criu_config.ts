/** criu's own configuration file for a container: what is in it wins over what davit says. */
import { RuntimeError } from '../base/errors.ts'
import { statIf } from '../ffi/file.ts'
import { S_IFMT, S_IFREG } from '../kernel/files.ts'
import type { CriuOptions } from '../plan/criu/model.ts'
import { ANNOTATION } from '../spec/annotations.ts'

/** Where criu's configuration for containers is if nothing is said; the second is what users of runc have. */
const DEFAULTS = ['/etc/criu/davit.conf', '/etc/criu/runc.conf'] as const

/**
 * As with runc an annotation names it, and an empty one says that there is none.
 * SAFETY: criu runs programs that its configuration names: nobody else may be able to write it.
 */
export function configFile(container: {
  readonly annotations?: Readonly<Record<string, string>> | undefined
}): Pick<CriuOptions, 'configFile'> {
  const named = container.annotations?.[ANNOTATION.criuConfig]
  const path = named ?? DEFAULTS.find((place) => statIf(place) !== undefined)
  if (!path) return {}
  const status = path.startsWith('/') ? statIf(path) : undefined
  // SPEC: none; as runc: a file that is not there says nothing.
  if (!status && path.startsWith('/')) return {}
  if (!status || (status.mode & S_IFMT) !== S_IFREG || status.uid !== 0 || (status.mode & 0o022) !== 0) {
    const words = "criu's configuration must be a file that only root can write"
    throw new RuntimeError('unsupported', `"${path}", from /annotations/${ANNOTATION.criuConfig}: ${words}`)
  }
  return { configFile: path }
}
