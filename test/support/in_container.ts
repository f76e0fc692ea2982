/** `davit exec` in tests. */
import type { ExecOptions, Result } from './exec.ts'
import { davit } from './runtime.ts'

/** `davit exec` with flags and a command: a shell script, or argv. */
export function execIn(
  id: string,
  command: string | readonly string[],
  flags: readonly string[] = [],
  options: ExecOptions = {},
): Promise<Result> {
  return davit(['exec', ...flags, id, ...(typeof command === 'string' ? ['sh', '-c', command] : command)], options)
}

/** What a command in the container prints; it must end with 0 and say nothing on stderr. */
export async function outputIn(
  id: string,
  command: string | readonly string[],
  flags: readonly string[] = [],
  options: ExecOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await execIn(id, command, flags, options)
  if (code !== 0 || stderr !== '') throw new Error(`davit exec: exit ${code}\n${stderr}${stdout}`)
  return stdout
}
