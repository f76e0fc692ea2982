/** A command line that must be refused: exit code 1, one line, the same in the log, and nothing left on the machine. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { expect } from 'vitest'
import type { Bundle, RunOptions } from './bundle.ts'
import { cgroupsNamed, mountsBelow, processesNaming } from './leaks.ts'
import { davit, stateRoot } from './runtime.ts'
import { scratch } from './scratch.ts'

export interface Refusal extends RunOptions {
  readonly verb?: 'run' | 'create'
  /** Lines of the log that may precede the error: its warnings. */
  readonly warnings?: RegExp
}

/** The state directories that exist now. */
export function stateEntries(root = stateRoot()): string[] {
  return existsSync(root) ? readdirSync(root) : []
}

/** Runs a whole command line that must be refused; what it says. */
export async function refusedLine(args: readonly string[], options: Refusal = {}): Promise<string> {
  const log = `${scratch()}/refusal.log`
  rmSync(log, { force: true })
  const result = await davit(['--log', log, '--log-format', 'json', ...args], options)
  expect(result, 'exit code and streams').toMatchObject({ code: 1, signal: null, stdout: '' })
  const said = /^davit: ([^\n]+)\n$/.exec(result.stderr)?.[1]
  expect(said, `one line on stderr, not ${JSON.stringify(result.stderr)}`).toBeDefined()
  if (!existsSync(log)) return said as string // the command line itself was wrong
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  const entries = lines.map((line) => JSON.parse(line) as { level: string; msg: string; time: string })
  const errors = entries.filter(({ level }) => level === 'error')
  expect(errors.map(({ msg }) => msg)).toEqual([said])
  expect(entries.at(-1)).toBe(errors[0])
  const others = entries.filter(({ level, msg }) => level !== 'error' && !options.warnings?.test(msg))
  expect(others).toEqual([])
  return said as string
}

/** Runs (or creates) a container that must be refused; what is said, without "run failed: ". */
export async function refused(of: Bundle, options: Refusal = {}): Promise<string> {
  const { verb = 'run', global = [], args = [], id = of.id } = options
  const before = stateEntries()
  const said = await refusedLine([...global, verb, '--bundle', of.path, ...args, id], options)
  expect(stateEntries()).toEqual(before)
  expect(mountsBelow(of.path)).toEqual([])
  expect(await processesNaming(of.path, [of.id])).toEqual([])
  expect(cgroupsNamed(of.id)).toEqual([])
  expect(said).toMatch(new RegExp(`^${verb} failed: `))
  return said.slice(`${verb} failed: `.length)
}
