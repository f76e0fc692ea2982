/** A file system in user space that belongs to a user. */
import { existsSync, mkdirSync } from 'node:fs'
import { compiled } from './compiled.ts'
import { exec, start } from './exec.ts'
import type { Need } from './requires.ts'
import { atEnd } from './scratch.ts'
import { until } from './wait.ts'

/** Its device is there when the module is loaded; a machine may have none. */
export const FUSE: Need = { name: 'FUSE', optional: true, met: () => existsSync('/dev/fuse') }

/**
 * Mounts one on a new directory until the test ends: it has file, data/file and program (which waits when called with
 * "wait"). Without "allow_other" the kernel keeps everybody but the user from it, root too. The result sends its server a
 * signal.
 */
export async function fuse(
  path: string,
  id: number,
  ...options: readonly string[]
): Promise<(signal: 'SIGSTOP' | 'SIGCONT') => void> {
  mkdirSync(path, { recursive: true })
  const server = start(await compiled('fuse'), [path, `${id}`, `${id}`, ...options])
  atEnd(async () => {
    // What is asked of one that is stopped is never answered.
    server.child.kill('SIGCONT')
    await exec('umount', ['-l', path])
    // A container may have it still.
    server.child.kill('SIGKILL')
    await server.done
  })
  await until('the mount', () => server.stdout().includes('ready'))
  return (signal) => void server.child.kill(signal)
}
