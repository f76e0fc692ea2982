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
  statSync,
  symlinkSync,
} from 'node:fs'
import { basename } from 'node:path'
import { type ExecOptions, exec, output, type Result, type Running, start } from '../../support/exec.ts'
import { RUNTIME, repositoryPath } from '../../support/place.ts'
import { until } from '../../support/wait.ts'
import { DRIVER } from './driver.ts'

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
export async function processOne(): Promise<string> {
  const program = repositoryPath('build/engine/pause')
  const source = repositoryPath('test/engine/images/files/pause.c')
  // A virtual machine has no compiler.
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program
  mkdirSync(repositoryPath('build/engine'), { recursive: true })
  const temporary = `${program}.${process.pid}`
  await output('cc', ['-static', '-Os', '-o', temporary, source])
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

/** A folder for a host: not below /tmp, which may be in memory, where no overlay and no limit of a disk works. */
function newFolder(): { directory: string; env: NodeJS.ProcessEnv } {
  const directory = mkdtempSync('/var/tmp/dv')
  chmodSync(directory, 0o711) // root of a user namespace must reach what is in it
  return { directory, env: { PATH: programs(directory), HOME: directory, LC_ALL: 'C.UTF-8', TMPDIR: '/tmp' } }
}

const words = (env: NodeJS.ProcessEnv) => Object.entries(env).map(([key, value]) => `${key}=${value}`)

/** Makes a host; where systemd makes the cgroups it is this machine. The one who makes it closes it. */
export const makeHost = (): Promise<Host> => (DRIVER === 'systemd' ? thisMachine() : ownHost())

async function thisMachine(): Promise<Host> {
  const { directory, env } = newFolder()
  const enter = (options: ExecOptions, file: string, args: readonly string[]) => {
    const { cwd = directory, env: more, ...rest } = options
    // As nsenter does it for the other kind of host.
    const line = ['--pdeathsig', 'KILL', 'env', '-i', '-C', cwd, ...words({ ...env, ...more }), file, ...args]
    return ['setpriv', line, rest] as const
  }
  return {
    directory,
    pid: 1,
    start: (file, args, options = {}) => start(...enter(options, file, args)),
    exec: (file, args, options = {}) => exec(...enter(options, file, args)),
    output: (file, args, options = {}) => output(...enter(options, file, args)),
    path: (path) => path,
    read: (path) => readFileSync(path, 'utf8'),
    close: async () => {
      const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
      const below = mounts.map((line) => line.split(' ')[4] ?? '').filter((path) => path.startsWith(`${directory}/`))
      for (const path of below.reverse()) await exec('umount', ['--lazy', path])
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function ownHost(): Promise<Host> {
  const { directory, env } = newFolder()
  const name = basename(directory)
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
    const settings = words({ ...env, ...options.env })
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
