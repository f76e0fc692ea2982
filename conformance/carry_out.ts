/** Runs a command line to its end, in the manner that a case asks for. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manner, Outcome } from './call.ts'

/** How a command ended. */
export interface End extends Outcome {
  readonly signal: NodeJS.Signals | null
  /** It was killed, as it took too long. */
  readonly late: boolean
  readonly ms: number
}

/**
 * Output goes to files of this folder: a container may keep it open long after the verb has ended. After `patience`
 * milliseconds the command is killed: what hands SIGTERM on, as exec does, would be waited for until the case is given up.
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
  const { status, signal, error } = spawnSync(argv[0] ?? '', argv.slice(1), {
    stdio: [...streams, ...fds],
    timeout: patience,
    killSignal: 'SIGKILL',
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  })
  const ms = Math.round(performance.now() - begin)
  if (before !== undefined) process.umask(before)
  for (const fd of streams) closeSync(fd)
  const [stdout, stderr] = [readFileSync(out, 'utf8'), readFileSync(err, 'utf8')]
  const late = (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT'
  return { ok: status === 0, code: status, stdout, stderr, signal, late, ms }
}
