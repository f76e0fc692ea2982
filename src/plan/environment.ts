/** The environment that a process is executed with, and where that says to look for it. Pure. */
import { joinPath } from '../base/path.ts'

/**
 * Each name once, with its last value, in the place of that: getenv(3) would find the first, and a later entry is meant
 * to replace an earlier one. As runc does.
 */
export function lastOfEach(env: readonly string[]): readonly string[] {
  const last = new Map(env.map((entry, index) => [nameOf(entry), index]))
  return last.size === env.length ? env : env.filter((entry, index) => last.get(nameOf(entry)) === index)
}

function nameOf(entry: string): string {
  const equals = entry.indexOf('=')
  return equals < 0 ? entry : entry.slice(0, equals)
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Where execvp(3) would look, with the PATH of the container's environment. */
export function executableCandidates(name: string, env: readonly string[]): string[] {
  if (name.includes('/')) return [name]
  const path = env.findLast((entry) => entry.startsWith('PATH='))?.slice(5) ?? DEFAULT_PATH
  // An empty element means the current directory (POSIX); Go's LookPath, so runc, looks there too.
  return path.split(':').map((folder) => (folder === '' ? `./${name}` : joinPath(folder, name)))
}
