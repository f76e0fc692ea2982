/** The environment that a process is executed with. Pure. */

/**
 * Each name once, with its last value, in the place of that: getenv(3) would find the first, and a later entry is meant
 * to replace an earlier one. As runc does.
 */
export function lastOfEach(env: readonly string[]): readonly string[] {
  const last = new Map<string, number>()
  for (let index = 0; index < env.length; index++) last.set(nameOf(env[index] as string), index)
  return last.size === env.length ? env : env.filter((entry, index) => last.get(nameOf(entry)) === index)
}

function nameOf(entry: string): string {
  const equals = entry.indexOf('=')
  return equals < 0 ? entry : entry.slice(0, equals)
}
