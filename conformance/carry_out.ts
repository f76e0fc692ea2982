/** Runs a command line to its end, in the manner that a case asks for. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manner, Outcome } from './call.ts'

/** How a command ended. */
export interface End extends Outcome {
  readonly signal: NodeJS.Signals | null
  readonly ms: number
}

/**
 * Output goes to files of this folder: a container may keep it open long after the verb has ended. After `patience`
 * milliseconds the command gets SIGTERM.
 */
export function carryOut(
  argv: readonly string[],
  { cwd, env, input, stdin, fds = [], umask }: Manner,
  folder: string,
  patience: number,
): End {
  const [out, err, read] = [join(folder, 'stdout'), join(folder, 'stderr'), join(folder, 'stdin')]
  // Never /dev/null: runc before 1.2 gives the host's own to the container's user.
  writeFileSync(read, input ?? '')
  const streams = [openSync(stdin ?? read, 'r'), openSync(out, 'w'), openSync(err, 'w')]
  const before = umask === undefined ? undefined : process.umask(umask)
  const begin = performance.now()
  const { status, signal } = spawnSync(argv[0] ?? '', argv.slice(1), {
    stdio: [...streams, ...fds],
    timeout: patience,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  })
  const ms = Math.round(performance.now() - begin)
  if (before !== undefined) process.umask(before)
  for (const fd of streams) closeSync(fd)
  const [stdout, stderr] = [readFileSync(out, 'utf8'), readFileSync(err, 'utf8')]
  return { ok: status === 0, code: status, stdout, stderr, signal, ms }
}
