/** An ordinary user of this machine, made for a test and removed after it: one that has ranges of ids of its own. */
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type ExecOptions, exec, output, type Result } from './exec.ts'
import { RUNTIME } from './place.ts'
import { until } from './wait.ts'

/** A range of ids that the administrator has granted: the first, and how many. */
export interface Range {
  readonly start: number
  readonly count: number
}

export interface OrdinaryUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly uids: Range
  readonly gids: Range
  readonly home: string
  /** $XDG_RUNTIME_DIR. */
  readonly runtimeDir: string
  /** A small environment that is the user's own. */
  readonly env: Readonly<Record<string, string>>
  /** What starts a program as the user: to be put before its command line, with {@link env}. */
  readonly become: readonly string[]
  /** The runtime under test where the user can reach it: a checkout may be in somebody's closed home. */
  readonly runtime: string
  /** Runs a program as the user, in its environment, to its end. */
  exec(file: string, args: readonly string[], options?: ExecOptions): Promise<Result>
  /** Ends all that the user runs, and removes the user. */
  remove(): Promise<void>
}

let count = 0

function granted(file: string, name: string): Range {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  const [, start, size] = line?.split(':') ?? []
  if (start === undefined || size === undefined) throw new Error(`${file} grants nothing to ${name}`)
  return { start: Number(start), count: Number(size) }
}

/** The runtime itself, or a copy of it with what it needs beside it. */
function reachable(found: boolean, directory: string): string {
  if (found) return RUNTIME
  const [copy, libexec] = [`${directory}/${basename(RUNTIME)}`, `${dirname(RUNTIME)}/libexec`]
  cpSync(RUNTIME, copy)
  if (existsSync(libexec)) cpSync(libexec, `${directory}/libexec`, { recursive: true })
  return copy
}

/** Makes a user whose home and runtime directory are below `directory`, which everybody must be able to pass. */
export async function ordinaryUser(directory: string): Promise<OrdinaryUser> {
  const name = `davit${process.pid}-${++count}`
  const [home, runtimeDir] = [`${directory}/home`, `${directory}/xdg`]
  await output('useradd', ['--no-create-home', '--home-dir', home, '--user-group', '--shell', '/bin/sh', name])
  const remove = async () => {
    await until(`the removal of ${name}`, async () => (await exec('userdel', [name])).code === 0)
  }
  try {
    const number = async (flag: string) => Number(await output('id', [flag, name]))
    const [uid, gid] = await Promise.all([number('-u'), number('-g')])
    for (const path of [home, runtimeDir]) {
      mkdirSync(path, { mode: 0o700 })
      chownSync(path, uid, gid)
    }
    const env = { PATH: '/usr/bin:/bin', HOME: home, USER: name, LOGNAME: name, XDG_RUNTIME_DIR: runtimeDir }
    const become = ['setpriv', '--reuid', `${uid}`, '--regid', `${gid}`, '--init-groups']
    const [command = '', ...flags] = become
    // What it has left running, as Podman leaves a process that keeps its namespaces.
    const end = () => exec(command, [...flags, 'sh', '-c', 'kill -KILL -1'], { env })
    const found = (await exec(command, [...flags, 'test', '-x', RUNTIME], { env })).code === 0
    return {
      ...{ name, uid, gid, home, runtimeDir, env, become, runtime: reachable(found, directory) },
      remove: () => end().then(remove),
      ...{ uids: granted('/etc/subuid', name), gids: granted('/etc/subgid', name) },
      exec: (file, args, options = {}) =>
        exec(command, [...flags, file, ...args], { cwd: home, ...options, env: { ...env, ...options.env } }),
    }
  } catch (error) {
    await remove()
    throw error
  }
}
