/**
 * Where davit's own files are: koffi.node, libdavit.so and davit-init, always by absolute path relative to the
 * program, never through the environment, the current directory or a temporary folder.
 */
import { parentPath } from '../base/path.ts'

/** Set by the build: "exe" in the compiled executable, "bundle" in build/davit.js, absent when run from sources. */
declare const DAVIT_EDITION: string | undefined

/** The running code's edition. */
export const EDITION = typeof DAVIT_EDITION === 'string' ? DAVIT_EDITION : 'source'

/**
 * The libexec folder. The compiled executable lies in it, beside the rest: what is called davit is native/entry.c, which
 * finds it. process.execPath is the resolved /proc/self/exe, so a symbolic link with another name changes nothing.
 */
export function libexecFolder(): string {
  if (EDITION === 'exe') return parentPath(process.execPath)
  const self = decodeURIComponent(new URL(import.meta.url).pathname)
  if (EDITION === 'bundle') return `${parentPath(self)}/libexec/davit`
  const root = self.replace(/\/(build\/lib\/)?src\/ffi\/[^/]*$/, '')
  return `${root}/build/libexec/davit`
}
