/** Containers that `ctr` makes with the runtime under test. */
import { existsSync, readFileSync } from 'node:fs'
import type { ExecOptions, Result, Running } from '../../support/exec.ts'
import { RUNTIME } from '../../support/place.ts'
import { probePath } from '../../support/probe.ts'
import type { Containerd } from './containerd.ts'
import { leftSince, type Snapshot, snapshot } from './leftovers.ts'

const IMAGE = 'docker.io/library/busybox:latest'

/**
 * The last words of a script whose output is read through ctr: up to containerd 1.7.2 it closes its end of the pipes
 * when it hears of the exit, and what it has not read by then is lost. (A shim that writes to a file loses nothing.)
 */
export const LINGER = 'sleep 0.2'

let count = 0

/** An id that no other container or process of this test has. */
export const newId = () => `c${++count}`

type Command = string | readonly string[]

/** A shell script, or argv. */
const argv = (command: Command) => (typeof command === 'string' ? ['sh', '-c', command] : command)

export interface RunOptions extends ExecOptions {
  /** Of `ctr run` or `ctr task exec`. */
  readonly flags?: readonly string[]
  readonly id?: string
}

function runLine(command: Command, { flags = [], id = newId() }: RunOptions, ...more: readonly string[]): string[] {
  return ['run', '--runc-binary', RUNTIME, ...more, ...flags, IMAGE, id, ...argv(command)]
}

function execLine(id: string, command: Command, { flags = [] }: RunOptions, ...more: readonly string[]): string[] {
  return ['task', 'exec', '--exec-id', newId(), ...more, ...flags, id, ...argv(command)]
}

const terminal = async () => [await probePath(), 'pty', '24', '80']

/** `ctr run --rm`, to the container's end. */
export const run = (containerd: Containerd, command: Command, options: RunOptions = {}): Promise<Result> =>
  containerd.exec(runLine(command, options, '--rm'), options)

/** `ctr run --rm`, going on, with its input open. */
export const startRun = (containerd: Containerd, command: Command, options: RunOptions = {}): Running =>
  containerd.start(runLine(command, options, '--rm'), { stdin: '', ...options })

/** `ctr run --rm` on a terminal of 24 x 80; the last line of stderr tells how it ended. */
export const runOnTerminal = async (containerd: Containerd, command: Command): Promise<Running> =>
  containerd.start(runLine(command, {}, '--rm', '--tty'), { stdin: '' }, await terminal())

export interface Detached {
  readonly id: string
  /** On the engine's host. */
  readonly pid: number
  /** What it has printed so far, on both streams. */
  output(): string
}

/** `ctr run --detach`; the container goes on. */
export async function detached(containerd: Containerd, command: Command, options: RunOptions = {}): Promise<Detached> {
  const id = options.id ?? newId()
  const [log, pidFile] = [`${containerd.host.directory}/${id}.log`, `${containerd.host.directory}/${id}.pid`]
  const flags = ['--detach', '--log-uri', `file://${log}`, '--pid-file', pidFile]
  await containerd.run(...runLine(command, { ...options, id }, ...flags))
  const output = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')
  return { id, pid: Number(readFileSync(pidFile, 'utf8')), output }
}

/** `ctr task exec`, to the end of the process. */
export const execIn = (
  containerd: Containerd,
  id: string,
  command: Command,
  options: RunOptions = {},
): Promise<Result> => containerd.exec(execLine(id, command, options), options)

/** The same on a terminal of 24 x 80. */
export const execOnTerminal = async (containerd: Containerd, id: string, command: Command): Promise<Running> =>
  containerd.start(execLine(id, command, {}, '--tty'), { stdin: '' }, await terminal())

/** A task's status in `ctr task ls`, or undefined. */
export async function taskStatus(containerd: Containerd, id: string): Promise<string | undefined> {
  const lines = (await containerd.run('task', 'ls')).split('\n').map((line) => line.trim().split(/\s+/))
  return lines.find(([name]) => name === id)?.[2]
}

/** Ends and deletes every container. */
export async function removeAll(containerd: Containerd): Promise<void> {
  const names = async (what: string) => (await containerd.run(what, 'ls', '--quiet')).split('\n').filter(Boolean)
  const tasks = await names('task')
  if (tasks.length > 0) await containerd.exec(['task', 'delete', '--force', ...tasks])
  const containers = await names('container')
  if (containers.length > 0) await containerd.run('container', 'delete', ...containers)
}

const DAEMONS = ['containerd']

/** What davit keeps of compiled seccomp filters, and criu of what the kernel can do, is for the next container. */
const KEPT = /^\/run\/(davit\.cache|criu\.kdat$)/

/** State of containers, bundles, sockets, pipes, network namespaces. */
async function files({ host }: Containerd): Promise<string[]> {
  const found = await host.output('find', ['/run', `${host.directory}/state`, '-xdev', '-mindepth', '1'])
  return found.split('\n').filter((path) => path !== '' && !KEPT.test(path))
}

/** What is on the host after the first container, which makes what stays for the next: a parent cgroup, directories. */
export async function baseline(containerd: Containerd): Promise<Snapshot> {
  await run(containerd, 'true')
  return remains(containerd)
}

/** What is on the host now. */
export async function remains(containerd: Containerd): Promise<Snapshot> {
  return [...(await snapshot(containerd.host, DAEMONS)), ...(await files(containerd))]
}

/** What containers have left since then; `expected` is what may have come. */
export async function leftSinceThen(
  containerd: Containerd,
  before: Snapshot,
  expected: readonly RegExp[] = [],
): Promise<string[]> {
  const left = await leftSince(containerd.host, before, DAEMONS, expected)
  const known = (path: string) => before.includes(path) || expected.some((pattern) => pattern.test(path))
  return [...left, ...(await files(containerd)).filter((path) => !known(path))]
}
