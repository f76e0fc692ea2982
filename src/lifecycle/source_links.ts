/** Sources of bind mounts that are symbolic links, for those that `copy-symlink` is to make anew. */

import { SysError } from '../base/errors.ts'
import { readLink } from '../ffi/file.ts'
import { bindSource } from '../plan/bind_mount.ts'
import type { Mount } from '../spec/types.gen.ts'

/** What the links say, by source as it is configured. Anything else is left to the mount, which then says what is wrong. */
export function sourceLinks(mounts: readonly Mount[] | undefined, bundle: string): { links?: Record<string, string> } {
  const links: Record<string, string> = {}
  for (const mount of mounts ?? []) {
    if (mount.source === undefined || !mount.options?.includes('copy-symlink')) continue
    try {
      links[mount.source] = readLink(bindSource(mount, bundle))
    } catch (error) {
      if (!(error instanceof SysError)) throw error
    }
  }
  return Object.keys(links).length > 0 ? { links } : {}
}
