/** What systemd says of units: a container's scope, or a slice above it. */
import type { ExecOptions } from '../../support/exec.ts'

interface Runs {
  output(file: string, args: readonly string[], options?: ExecOptions): Promise<string>
}

/** A property as `systemctl show` prints it; `flags` may be --user. */
export async function property(at: Runs, unit: string, name: string, ...flags: readonly string[]): Promise<string> {
  return (await at.output('systemctl', [...flags, 'show', '--value', '--property', name, unit])).trim()
}

/** Several properties of the machine's unit. */
export async function properties<Name extends string>(
  at: Runs,
  unit: string,
  ...names: readonly Name[]
): Promise<Record<Name, string>> {
  const text = await at.output('systemctl', ['show', ...names.map((name) => `--property=${name}`), unit])
  const pairs = text.trim().split('\n')
  return Object.fromEntries(pairs.map((line) => /^(.*?)=(.*)$/.exec(line)?.slice(1) ?? [])) as Record<Name, string>
}

/** The names of the machine's units that match, whatever their state: those that have failed, too. */
export async function unitsLike(at: Runs, ...patterns: readonly string[]): Promise<string[]> {
  const text = await at.output('systemctl', ['list-units', '--all', '--plain', '--no-legend', ...patterns])
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => line.split(' ')[0] as string)
}
