/** What davit executes: itself alone, or its engine too. */
import { readFileSync } from 'node:fs'
import { exec, type Result } from './exec.ts'
import { RUNTIME } from './place.ts'
import { stateRoot } from './runtime.ts'
import { scratch } from './scratch.ts'

export const ALONE = ['davit']
export const WITH_ENGINE = ['davit', 'davit']

/** A strace that writes down what is executed. */
export const tracing = (file: string) => ['strace', '-qq', '-e', 'trace=execve', '-e', 'signal=none', '-o', file]

/** Names of the programs that a trace has seen. */
export function executed(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/execve\("(?:[^"]*\/)?([^"/]+)"/g)].map(([, name]) => name ?? '')
}

/** Runs a command line of davit; what it printed, and what it executed. */
export async function traced(
  args: readonly string[],
  env = process.env,
  more: readonly string[] = [],
): Promise<Result & { executed: string[] }> {
  const file = `${scratch()}/executed`
  const [strace = '', ...flags] = [...tracing(file), ...more]
  const result = await exec(strace, [...flags, RUNTIME, '--root', stateRoot(), ...args], { env })
  return { ...result, executed: executed(file) }
}
