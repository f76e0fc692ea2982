/**
 * A host for an engine: mount, network, UTS, IPC, PID and cgroup namespaces in which the engine is alone, made by host.sh.
 * What is there is the engine's, so what is left can be counted; and when process 1 is killed, nothing is left. It shares
 * the root file system with this machine, but has a /run of its own.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { basename } from 'node:path'
import { type ExecOptions, exec, output, type Result, type Running, start } from '../../support/exec.ts'
import { RUNTIME, repositoryPath } from '../../support/place.ts'
import { until } from '../../support/wait.ts'

export interface Host {
  /** Short, as sockets are made in it; the same path on both hosts. Removed with the host. */
  readonly directory: string
  /** Process 1, by the number that it has here. */
  readonly pid: number
  /** Starts a program there, in {@link directory} unless `cwd` says otherwise. */
  start(file: string, args: readonly string[], options?: ExecOptions): Running
  /** Runs a program there to its end. */
  exec(file: string, args: readonly string[], options?: ExecOptions): Promise<Result>
  /** Runs a program there that must succeed; its output. */
  output(file: string, args: readonly string[], options?: ExecOptions): Promise<string>
  /** A path of that host as this process can open it. */
  path(path: string): string
  /** The text of a file of that host: of its /proc and /sys, too. */
  read(path: string): string
  /** Ends all that runs there, and removes it. */
  close(): Promise<void>
}

/** Process 1 of the host, which is also what a pod's is in the tests: a program that only reaps. */
async function processOne(): Promise<string> {
  const program = repositoryPath('build/engine/pause')
  mkdirSync(repositoryPath('build/engine'), { recursive: true })
  const temporary = `${program}.${process.pid}`
  await output('cc', ['-static', '-Os', '-o', temporary, repositoryPath('test/engine/images/files/pause.c')])
  renameSync(temporary, program)
  return program
}

/** Programs by the names that engines look for: the runtime under test as `runc`, too; Debian's docker before another. */
function programs(directory: string): string {
  const folder = `${directory}/bin`
  mkdirSync(folder)
  symlinkSync(RUNTIME, `${folder}/davit`)
  symlinkSync(RUNTIME, `${folder}/runc`)
  return `${folder}:/usr/sbin:/usr/bin:/sbin:/bin`
}

/** The cgroups that host.sh made, one in each hierarchy. */
function ownCgroups(name: string): string[] {
  const root = '/sys/fs/cgroup'
  return [root, ...readdirSync(root).map((entry) => `${root}/${entry}`)]
    .map((path) => `${path}/${name}`)
    .filter((path) => existsSync(path))
}

function removeCgroups(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeCgroups(`${path}/${entry.name}`)
  rmdirSync(path)
}

/** Makes a host. The one who makes it closes it. */
export async function makeHost(): Promise<Host> {
  const directory = mkdtempSync('/tmp/dv')
  chmodSync(directory, 0o711) // root of a user namespace must reach what is in it
  const name = basename(directory)
  const env = { PATH: programs(directory), HOME: directory, LC_ALL: 'C.UTF-8', TMPDIR: '/tmp' }
  // The kernel ends the host with this process, however that ends.
  const namespaces = ['--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--propagation=private']
  const script = [repositoryPath('test/engine/support/host.sh'), directory, await processOne()]
  const holder = start('setpriv', ['--pdeathsig=KILL', 'unshare', ...namespaces, ...script], { timeout: 3_600_000 })
  const close = async () => {
    holder.child.kill('SIGKILL')
    await holder.done.catch(() => {})
    const groups = ownCgroups(name)
    await until('the cgroups of the engine to be empty', () => groups.every((path) => removed(path)))
    rmSync(directory, { recursive: true, force: true })
  }
  await until('the host of the engine', () => {
    if (holder.child.exitCode !== null) throw new Error(`host.sh: exit ${holder.child.exitCode}\n${holder.stderr()}`)
    return holder.stdout().includes('ready\n')
  }).catch(async (error: Error) => {
    await close()
    throw error
  })
  const pid = Number(readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').trim())

  const enter = (options: ExecOptions, file: string, args: readonly string[]) => {
    const place = [String(pid), name, options.cwd ?? directory]
    const settings = Object.entries({ ...env, ...options.env }).map(([key, value]) => `${key}=${value}`)
    const { cwd: _, env: __, ...rest } = options
    return [[...place, 'env', '-i', ...settings, file, ...args], rest] as const
  }
  const script2 = repositoryPath('test/engine/support/enter.sh')
  return {
    directory,
    pid,
    start: (file, args, options = {}) => start(script2, ...enter(options, file, args)),
    exec: (file, args, options = {}) => exec(script2, ...enter(options, file, args)),
    output: (file, args, options = {}) => output(script2, ...enter(options, file, args)),
    path: (path) => `/proc/${pid}/root${path}`,
    read: (path) => readFileSync(`/proc/${pid}/root${path}`, 'utf8'),
    close,
  }
}

function removed(path: string): boolean {
  try {
    removeCgroups(path)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
  return true
}
