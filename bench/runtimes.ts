/** The runtimes that are compared, and the surroundings they get. */
import { type ChildProcess, execFileSync, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'

export interface Runtime {
  readonly name: string
  /** Absolute. */
  readonly path: string
  readonly version: string
  /** A shell line to run first in the private mount namespace every measurement gets; empty for none. */
  readonly prepare: string
}

/** The absolute path of a program, looked for where root's programs are too. */
export function find(name: string): string | undefined {
  const folders = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin`.split(':')
  return folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path))
}

/** crun refuses a machine with cgroup v1 controllers and a v2 mount beside them: for it the v2 mount is covered. */
function coverUnified(): string {
  const mounts = readFileSync('/proc/mounts', 'utf8')
  const unified = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1]
  return unified && / cgroup /.test(mounts) ? `mount -t tmpfs none ${unified}` : ''
}

/** davit and those of the others that are installed. */
export function findRuntimes(): Runtime[] {
  const candidates: [string, string | undefined, string][] = [
    ['davit', resolve('build/davit'), ''],
    ['runc', find('runc'), ''],
    ['crun', find('crun'), coverUnified()],
  ]
  return candidates.flatMap(([name, path, prepare]) => {
    if (!path) return []
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? ''
    return [{ name, path, prepare, version: version.replace(/^\S+ version:? /, '') }]
  })
}

/** Where all state of a measurement is: in memory, as /run is on every distribution, where runtimes have it by default. */
export function statesOf(folder: string): string {
  return join('/dev/shm', basename(folder))
}

/** --root of a runtime that runs the bundle in `folder`. */
export function stateRoot(folder: string, { name }: Runtime): string {
  return join(statesOf(folder), name)
}

/** Runs a program in a private mount namespace made for this runtime, entered once however often the program runs it. */
export function runBeside(runtime: Runtime, argv: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync('unshare', beside(runtime, argv), { encoding: 'utf8', maxBuffer: 64 << 20, env: environment() })
}

const beside = ({ prepare }: Runtime, argv: readonly string[]) => [
  ...['--mount', 'sh', '-c', `${prepare || ':'} && exec "$@"`, 'sh'],
  ...argv,
]

const environment = () => ({ PATH: process.env.PATH ?? '', MEASURE_QUIET: '1' })

/** The same, going on; what is run has the pid of the child. */
export function startBeside(runtime: Runtime, argv: readonly string[]): ChildProcess {
  return spawn('unshare', beside(runtime, argv), { stdio: 'ignore', env: environment() })
}

/** The same, which must succeed; returns its output. */
export function outputBeside(runtime: Runtime, argv: readonly string[]): string {
  const { status, stdout, stderr } = runBeside(runtime, argv)
  if (status !== 0) throw new Error(`${argv.join(' ')}: exit code ${status}\n${stderr}${stdout}`)
  return stdout
}
