/** Runs ps(1) of the host. */
import { RuntimeError } from '../base/errors.ts'
import { closeFd, statIf } from '../ffi/file.ts'
import { memfd, memfdText } from './memfd.ts'
import { launch, waitFor } from './process.ts'

/** SAFETY: where the system keeps ps; never the caller's PATH or current directory, both may be anybody's. */
const PLACES = ['/usr/bin/ps', '/bin/ps', '/usr/sbin/ps', '/sbin/ps', '/usr/local/bin/ps']

/** What `ps ARGS` prints. @throws RuntimeError with its exit status and what it said when it fails. */
export function runPs(args: readonly string[]): string {
  const path = PLACES.find((place) => statIf(place) !== undefined)
  if (path === undefined) throw new RuntimeError('unsupported', 'exec: "ps": executable file not found in $PATH')
  // Memory files, not pipes: nothing has to be read while it runs.
  const input = memfd('ps-input')
  const output = memfd('ps-output')
  try {
    const fds = [
      [input, 0],
      [output, 1],
      [output, 2],
    ] as const
    const child = launch(`exec "${path}"`, { path, args: ['ps', ...args], env: [], flags: 0, fds })
    const end = waitFor(child, 0)
    closeFd(child.pidfd)
    const text = memfdText(output)
    if (end?.code === 0) return text
    const how = end?.signal === undefined ? `exit status ${end?.code}` : `signal ${end.signal}`
    throw new RuntimeError('usage', `${how}: ${text.trim().replace(/\s*\n\s*/g, '; ')}`)
  } finally {
    closeFd(input)
    closeFd(output)
  }
}
