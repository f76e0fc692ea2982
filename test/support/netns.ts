/** A network namespace of the running test, in which the runtime is called: its interfaces are the test's own. */
import type { Bundle } from './bundle.ts'
import { type ExecOptions, exec, output, type Result, type Running, start } from './exec.ts'
import { RUNTIME } from './place.ts'
import { stateRoot } from './runtime.ts'
import { atEnd, uniqueId } from './scratch.ts'

/** An address as `ip -j` shows it. */
export interface Address {
  readonly local: string
  readonly prefixlen: number
  readonly scope: string
  readonly label?: string
  readonly address?: string
  readonly broadcast?: string
  readonly noprefixroute?: boolean
}

/** An interface as `ip -j` shows it. */
export interface Interface {
  readonly ifname: string
  readonly mtu: number
  readonly address: string
  readonly flags: readonly string[]
  readonly addr_info: readonly Address[]
}

export interface Netns {
  /** What to give as the path of a namespace. */
  readonly path: string
  /** Runs a program in it. */
  exec(line: readonly string[], options?: ExecOptions): Promise<Result>
  /** `ip` with these words must succeed. */
  ip(words: string): Promise<string>
  /** All but the loopback interface. */
  interfaces(): Promise<readonly Interface[]>
  /** Starts the runtime in it. */
  startDavit(args: readonly string[]): Running
  /** Calls the runtime in it. */
  davit(args: readonly string[], options?: ExecOptions): Promise<Result>
}

/** What the interfaces of a network namespace are, by its file. */
export async function interfacesOf(path: string): Promise<readonly Interface[]> {
  const text = await output('nsenter', [`--net=${path}`, 'ip', '-j', 'address', 'show'])
  return (JSON.parse(text) as Interface[]).filter(({ ifname }) => ifname !== 'lo')
}

/** A new one; it is gone after the test. */
export async function netns(): Promise<Netns> {
  const name = `davit-${uniqueId()}`
  const path = `/run/netns/${name}`
  await output('ip', ['netns', 'add', name])
  atEnd(() => output('ip', ['netns', 'delete', name]).then(() => {}))
  const inside = (line: readonly string[]) => [`--net=${path}`, ...line]
  return {
    path,
    exec: (line, options) => exec('nsenter', inside(line), options),
    ip: (words) => output('nsenter', inside(['ip', ...words.split(' ')])),
    interfaces: () => interfacesOf(path),
    startDavit: (args) => start('nsenter', inside([RUNTIME, '--root', stateRoot(), ...args])),
    davit: (args, options) => exec('nsenter', inside([RUNTIME, '--root', stateRoot(), ...args]), options),
  }
}

/** `create` and `start`, called in the namespace. */
export async function createStartIn(from: Netns, of: Bundle): Promise<void> {
  for (const args of [
    ['create', '--bundle', of.path, of.id],
    ['start', of.id],
  ]) {
    const { code, stderr } = await from.davit(args, { output: `${of.path}/output` })
    if (code !== 0) throw new Error(`davit ${args.join(' ')}: exit ${code}\n${stderr}`)
  }
}
