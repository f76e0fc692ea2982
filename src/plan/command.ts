/**
 * The steps that depend on what a process executes: its command, environment and working directory. All others are the
 * same for whatever an `exec` executes, which keeps the programs of the first for the next ones. Pure.
 */
import { joinPath } from '../base/path.ts'
import type { Process } from '../spec/types.gen.ts'
import { lastOfEach } from './environment.ts'
import type { ChildStep, Origin } from './step.ts'

type ExecStep = Extract<ChildStep, { kind: 'exec' }>

/** What a process executes, as the steps have it. */
export interface Command {
  readonly cwd: string
  /** Paths at which the executable may be. */
  readonly candidates: readonly string[]
  readonly args: readonly string[]
  readonly env: readonly string[]
}

export function commandOf({ args = [], env = [], cwd = '/' }: Partial<Process>): Command {
  return { cwd, args, env: lastOfEach(env), candidates: executableCandidates(args[0] ?? '', env) }
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Where execvp(3) would look, with the PATH of the container's environment. */
export function executableCandidates(name: string, env: readonly string[]): string[] {
  if (name.includes('/')) return [name]
  let path = DEFAULT_PATH
  for (const entry of env) if (entry.startsWith('PATH=')) path = entry.slice(5)
  const candidates: string[] = []
  // An empty element means the current directory (POSIX); Go's LookPath, so runc, looks there too.
  for (const folder of path.split(':')) candidates.push(folder === '' ? `./${name}` : joinPath(folder, name))
  return candidates
}

/** CVE-2024-21626: chdir verifies that the directory lies below the root. */
export function chdirStep(path: string): Extract<ChildStep, { kind: 'chdir' }> & { readonly origin: Origin } {
  const origin = { config: '/process/cwd', doing: `chdir to cwd ("${path}") set in config.json` }
  return { kind: 'chdir', path, origin }
}

export function findStep({ args, candidates }: Pick<Command, 'args' | 'candidates'>): ChildStep {
  const name = args[0] ?? ''
  const origin = { config: '/process/args/0', doing: `exec: "${name}"` }
  return { kind: 'findExecutable', name, candidates, origin }
}

export function execStep({ args, env }: Pick<Command, 'args' | 'env'>, keepFds: number): ExecStep {
  const origin = { config: '/process/args/0', doing: `exec ${args[0] ?? ''}` }
  return { kind: 'exec', args, env, keepFds, origin }
}
