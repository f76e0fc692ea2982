/** What systemd says of a unit: a container's scope, or a slice above it. */
import type { ExecOptions } from '../../support/exec.ts'

interface Runs {
  output(file: string, args: readonly string[], options?: ExecOptions): Promise<string>
}

/** A property as `systemctl show` prints it; `flags` may be --user. */
export async function property(at: Runs, unit: string, name: string, ...flags: readonly string[]): Promise<string> {
  return (await at.output('systemctl', [...flags, 'show', '--value', '--property', name, unit])).trim()
}
