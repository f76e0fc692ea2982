/** Accidents of the runtime, made by strace at a system call of its choice, and what must be true afterwards. */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Bundle } from './bundle.ts'
import { exec, type Result } from './exec.ts'
import { cgroupsNamed, mountsBelow, processesNaming } from './leaks.ts'
import { RUNTIME } from './place.ts'
import { stateEntries } from './refusal.ts'
import { davit, stateRoot } from './runtime.ts'

/** What happens at the n-th call of that name; `children`: also in the processes that the runtime makes. */
export interface Accident {
  readonly call: string
  /** As strace's --inject has it: "signal=KILL", "error=ENOMEM". */
  readonly what: string
  /** "1+": at each of them, in every process and thread of its own count. */
  readonly when: number | '1+'
  readonly children?: boolean
}

/**
 * Runs a command line of the runtime with an accident. Without `children` only davit's own thread is traced: the engine
 * makes its system calls there.
 */
export function accident(
  { call, what, when, children }: Accident,
  args: readonly string[],
  output: string,
): Promise<Result> {
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:${what}:when=${when}`]
  const how = ['-qq', '-o', '/dev/null', ...(children ? ['-f'] : []), ...inject]
  return exec('strace', [...how, RUNTIME, '--root', stateRoot(), ...args], { output })
}

/** The system calls of davit's own thread in order, for a command line, which is carried out: each with its number among its like. */
export async function callsOf(
  args: readonly string[],
  output: string,
): Promise<readonly { readonly call: string; readonly when: number }[]> {
  const list = `${output}.calls`
  await exec('strace', ['-qq', '-o', list, RUNTIME, '--root', stateRoot(), ...args], { output })
  const counts = new Map<string, number>()
  return (readFileSync(list, 'utf8').match(/^\w+(?=\()/gm) ?? []).map((call) => {
    const when = (counts.get(call) ?? 0) + 1
    counts.set(call, when)
    return { call, when }
  })
}

/**
 * Calls that the kernel cannot refuse: they say who one is, and always succeed. KERNEL: close() lets the descriptor go
 * whatever it answers (close(2)); one that strace refuses stays open, and whoever reads from its other end waits for ever.
 */
const SURE = new Set([
  ...['close', 'exit', 'exit_group', 'getegid', 'geteuid', 'getgid', 'getpgrp', 'getpid', 'getppid'],
  ...['gettid', 'getuid', 'set_tid_address', 'umask'],
])

/** Whether an accident can come to a call: anybody may be killed anywhere. */
export const possible = (call: string, what: string): boolean => what.startsWith('signal=') || !SURE.has(call)

/** Runs a verb with SIGKILL at the n-th call; whether it was hit at all. */
export async function killedAt(call: string, n: number, args: readonly string[], output: string): Promise<boolean> {
  const { code, signal } = await accident({ call, what: 'signal=KILL', when: n }, args, output)
  return signal === 'SIGKILL' || code === 137
}

/** Nothing of a container is on the machine. */
export async function nothingLeft(made: Bundle): Promise<void> {
  expect(stateEntries()).toEqual([])
  expect(mountsBelow(made.path)).toEqual([])
  expect(await processesNaming(made.path, [made.id])).toEqual([])
  expect(cgroupsNamed(made.id, '/sys/fs/cgroup', 1)).toEqual([])
}

/** What must be true after any accident. */
export async function recovers(made: Bundle): Promise<void> {
  for (const line of [['state', made.id], ['list']]) {
    const { code, stderr } = await davit(line)
    expect(code === 0 || stderr.includes('container does not exist'), stderr).toBe(true)
  }
  expect(await davit(['delete', '--force', made.id])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  await nothingLeft(made)
}
