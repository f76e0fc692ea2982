/** Command lines of the runtime under test. Every test has a state directory of its own. */
import { type ExecOptions, exec, type Result, type Running, start } from './exec.ts'
import { RUNTIME } from './place.ts'
import { scratch } from './scratch.ts'
import { until } from './wait.ts'

/** --root of the running test. */
export function stateRoot(): string {
  return `${scratch()}/root`
}

/** Runs a command line of the runtime to its end. */
export function davit(args: readonly string[], options: ExecOptions = {}): Promise<Result> {
  return exec(RUNTIME, ['--root', stateRoot(), ...args], options)
}

/** Starts a command line of the runtime. */
export function startDavit(args: readonly string[], options: ExecOptions = {}): Running {
  return start(RUNTIME, ['--root', stateRoot(), ...args], options)
}

/** A command line that must succeed; its output. */
export async function must(args: readonly string[], options: ExecOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await davit(args, options)
  if (code !== 0) throw new Error(`davit ${args.join(' ')}: exit ${code}\n${stderr}`)
  return stdout
}

/** What `state` prints. */
export interface State {
  readonly ociVersion: string
  readonly id: string
  readonly pid: number
  readonly status: 'creating' | 'created' | 'running' | 'paused' | 'stopped'
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly owner: number | string
}

export async function state(id: string): Promise<State> {
  return JSON.parse(await must(['state', id])) as State
}

/** Waits until a container has the status; its state. */
export function untilStatus(id: string, status: State['status']): Promise<State> {
  return until(`container ${id} ${status}`, async () => {
    const now = await state(id)
    return now.status === status ? now : undefined
  })
}
