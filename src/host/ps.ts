/** Runs ps(1) of the host. */
import { RuntimeError } from '../base/errors.ts'
import { statIf } from '../ffi/file.ts'
import { exitWords } from './process.ts'
import { runProgram } from './program.ts'

/** SAFETY: where the system keeps ps; never the caller's PATH or current directory, both may be anybody's. */
const PLACES = ['/usr/bin/ps', '/bin/ps', '/usr/sbin/ps', '/sbin/ps', '/usr/local/bin/ps']

/** What `ps ARGS` prints. @throws RuntimeError with its exit status and what it said when it fails. */
export function runPs(args: readonly string[]): string {
  const path = PLACES.find((place) => statIf(place) !== undefined)
  if (path === undefined) throw new RuntimeError('unsupported', 'exec: "ps": executable file not found in $PATH')
  const { exit, output } = runProgram(path, ['ps', ...args])
  if (exit.code === 0) return output
  throw new RuntimeError('usage', `${exitWords(exit)}: ${output.trim().replace(/\s*\n\s*/g, '; ')}`)
}
