/** The runtime called as engines call it: their flags in their order, their directory, their environment. */
import { existsSync, readFileSync } from 'node:fs'
import type { Bundle } from './bundle.ts'
import { type ExecOptions, exec, type Result } from './exec.ts'
import { RUNTIME } from './place.ts'
import { stateRoot } from './runtime.ts'

/** containerd's shim, through go-runc. What it runs inherits its own pipes, read to their end. */
export function asShim(of: Bundle, args: readonly string[], options: ExecOptions = {}): Promise<Result> {
  const global = ['--root', stateRoot(), '--log', `${of.path}/log.json`, '--log-format', 'json']
  return exec(RUNTIME, [...global, ...args], { cwd: of.path, env: { PATH: '/usr/bin:/bin' }, ...options })
}

/** conmon and libpod as root: the default state directory, and an empty XDG_RUNTIME_DIR. */
export function asPodman(args: readonly string[], options: ExecOptions = {}): Promise<Result> {
  return exec(RUNTIME, args, { env: { XDG_RUNTIME_DIR: '' }, ...options })
}

export interface LogEntry {
  readonly level: string
  readonly msg: string
  readonly time: string
}

/** The entries of a JSON log; throws where a line is not one. */
export function logEntries(path: string): LogEntry[] {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : ['']
  if (lines.pop() !== '') throw new Error(`${path} ends within a line`)
  return lines.map((line) => JSON.parse(line) as LogEntry)
}

/** What the shim tells containerd of a failure: the last error. */
export const lastError = (of: Bundle): string | undefined =>
  logEntries(`${of.path}/log.json`)
    .filter(({ level }) => level === 'error')
    .at(-1)?.msg
