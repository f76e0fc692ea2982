/** Programs of the host that are run for what they do or print. */
import { closeFd } from '../ffi/file.ts'
import { memfd, memfdTail } from './memfd.ts'
import { destroyChild, type Exit, launch, waitFor } from './process.ts'

/** More than ps(1) prints of a machine that is full of processes. */
const MOST = 64 << 20

/** How a program ended, and what it printed to either of its streams. */
export interface Ended {
  readonly exit: Exit
  readonly output: string
}

/**
 * Runs the program at an absolute path to its end, with an empty environment and an empty standard input.
 * Throws SysError when it cannot be executed.
 */
export function runProgram(path: string, args: readonly string[]): Ended {
  // Memory files, not pipes: nothing has to be read while it runs.
  const input = memfd('input')
  const output = memfd('output')
  try {
    const fds = [
      [input, 0],
      [output, 1],
      [output, 2],
    ] as const
    const child = launch(`exec "${path}"`, { path, args, env: [], flags: 0, fds })
    let exit: Exit | undefined
    try {
      exit = waitFor(child, 0)
    } finally {
      if (exit) closeFd(child.pidfd)
      else destroyChild(child)
    }
    if (!exit) throw new Error('bug: a wait without limit has come to one')
    return { exit, output: memfdTail(output, MOST) }
  } finally {
    closeFd(input)
    closeFd(output)
  }
}
