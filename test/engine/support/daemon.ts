/** Daemons on an engine's host: started, waited for, stopped; what they said is told when something fails. */
import { existsSync, readFileSync } from 'node:fs'
import { until } from '../../support/wait.ts'
import { DRIVER } from './driver.ts'
import type { Host } from './host.ts'

export interface Daemon {
  /** The last of what it has printed. */
  log(): string
  /** SIGTERM, and wait until it has ended. */
  stop(): Promise<void>
  /** SIGKILL: as if it had crashed. */
  kill(): Promise<void>
}

/** Where systemd makes cgroups a daemon has one of its own: dockerd looks there for what the kernel can limit. */
const UNIT = DRIVER === 'systemd' ? ['systemd-run', '--scope', '--quiet', '--collect', '--property=Delegate=yes'] : []

/**
 * What a daemon that is started again is on its host, in the lines of leftovers.ts and the paths of /run: another process,
 * and where systemd makes cgroups another scope. Its children are not meant: a shim has another name.
 */
export const startedAgain = (name: string): readonly RegExp[] => [
  new RegExp(`^process \\d+ (/\\S+/)?${name} `),
  new RegExp(`^fd of ${name}: `),
  /^cgroup \S+\/run-[^/]+\.scope$/,
  /^\/run\/systemd\/(transient\/|units\/invocation:)run-[^/]+\.scope$/,
]

/** The last lines of what a daemon said, without the rest. */
const tail = (text: string, count = 60) => text.trimEnd().split('\n').slice(-count).join('\n')

/** Starts a daemon and waits until `ready` is true. Its output goes to DIRECTORY/NAME.log. */
export async function startDaemon(
  host: Host,
  name: string,
  argv: readonly string[],
  ready: () => boolean | Promise<boolean>,
  env: NodeJS.ProcessEnv = {},
): Promise<Daemon> {
  const path = `${host.directory}/${name}.log`
  const [file = '', ...args] = argv
  const log = () => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  const pidFile = `${host.directory}/${name}.own-pid`
  const line = ['sh', ['-c', 'echo $$ >"$0" && exec "$@"', pidFile, ...UNIT, file, ...args]] as const
  const running = host.start(...line, { output: path, env, timeout: 3_600_000 })
  let ended = false
  running.done.finally(() => {
    ended = true
  })
  const signal = async (word: string) => {
    const pid = readFileSync(pidFile, 'utf8').trim()
    await host.exec('kill', [`-${word}`, pid])
    await until(`${name} to end`, () => ended, 30_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${tail(log())}`)
    })
  }
  await until(
    `${name} to be ready`,
    async () => {
      if (ended) throw new Error(`${name} has ended:\n${tail(log())}`)
      return ready()
    },
    30_000,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${tail(log())}`)
  })
  return { log: () => tail(log()), stop: () => signal('TERM'), kill: () => signal('KILL') }
}
