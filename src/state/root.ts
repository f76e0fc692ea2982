/** The directory that all containers' directories are in. */
import { makeDir, statIf } from '../ffi/file.ts'

/** Who asks for the default root, and what its environment says. */
export interface RootInputs {
  readonly euid: number
  readonly initialUserns: boolean
  /** $XDG_RUNTIME_DIR; empty counts as unset. */
  readonly runtimeDir: string | undefined
  /** $USER. */
  readonly user: string | undefined
}

/**
 * Where state lives without --root: /run/davit, or below a user's $XDG_RUNTIME_DIR. As runc: root of a user namespace
 * is an ordinary user who entered one (rootless Podman), unless it calls itself root: then it is the root of a whole
 * system in a container, and its session's directory would go with the session.
 */
export function defaultRoot({ euid, initialUserns, runtimeDir, user }: RootInputs): string {
  const ordinary = euid !== 0 || (!initialUserns && user !== 'root')
  return ordinary && runtimeDir?.startsWith('/') ? `${runtimeDir}/davit` : '/run/davit'
}

/**
 * Makes the root; its parents are anybody's, it is for its owner alone. Sticky, which keeps it from being cleaned up as
 * forgotten where it is below $XDG_RUNTIME_DIR (XDG Base Directory Specification).
 */
export function makeRoot(root: string): void {
  if (statIf(root)) return
  const parts = root.split('/').slice(1)
  for (let i = 1; i <= parts.length; i++) {
    const path = `/${parts.slice(0, i).join('/')}`
    if (i === parts.length || !statIf(path)) makeDir(path, i === parts.length ? 0o1700 : 0o755)
  }
}
