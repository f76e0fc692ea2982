/** An ordinary user whom systemd has given a part of the cgroups: a manager of services of its own. */
import { existsSync } from 'node:fs'
import { type ExecOptions, output, type Result } from './exec.ts'
import type { OrdinaryUser } from './ordinary_user.ts'
import { atEnd } from './scratch.ts'
import { until } from './wait.ts'

export interface UserSession {
  /** Where its units are below the mount point: "/user.slice/user-1000.slice/user@1000.service". */
  readonly cgroup: string
  /** $XDG_RUNTIME_DIR, with the bus in it. */
  readonly runtimeDir: string
  /** Runs a program as the user, who can ask the manager. */
  exec(file: string, args: readonly string[], options?: ExecOptions): Promise<Result>
  /** Runs a program in cgroup `job` of a delegated scope of the manager's. */
  scope(file: string, args: readonly string[], options?: ExecOptions): Promise<Result>
}

const SCOPE = ['--user', '--scope', '--quiet', '--property=Delegate=yes']

/** What is beside a scope is the manager's, who takes controllers away there: only below it the cgroups are given away. */
const INSIDE = `cgroup=/sys/fs/cgroup$(sed 's/^0:://' /proc/self/cgroup)
mkdir "$cgroup/job"; echo $$ >"$cgroup/job/cgroup.procs"; exec "$@"`

/** The manager of a user, as after a login. */
export interface UserManager {
  /** $XDG_RUNTIME_DIR, with the bus in it. */
  readonly runtimeDir: string
  /** Ends it and all its units. */
  stop(): Promise<void>
}

/** Starts the user's manager. Who starts it stops it. */
export async function startManager({ uid }: Pick<OrdinaryUser, 'uid'>): Promise<UserManager> {
  const unit = `user@${uid}.service`
  const runtimeDir = `/run/user/${uid}`
  await output('systemctl', ['start', unit], { timeout: 60_000 })
  const stop = async () => {
    await output('systemctl', ['stop', unit, `user-runtime-dir@${uid}.service`], { timeout: 60_000 })
  }
  await until('the bus of the user', () => existsSync(`${runtimeDir}/bus`))
  return { runtimeDir, stop }
}

/** Starts the user's manager, until the end of the test. */
export async function userSession(user: OrdinaryUser): Promise<UserSession> {
  const { runtimeDir, stop } = await startManager(user)
  atEnd(stop)
  const env = { XDG_RUNTIME_DIR: runtimeDir }
  const exec: UserSession['exec'] = (file, args, options = {}) =>
    user.exec(file, args, { ...options, env: { ...env, ...options.env } })
  return {
    ...{ runtimeDir, exec },
    cgroup: `/user.slice/user-${user.uid}.slice/user@${user.uid}.service`,
    scope: (file, args, options) => exec('systemd-run', [...SCOPE, 'sh', '-ec', INSIDE, 'sh', file, ...args], options),
  }
}
