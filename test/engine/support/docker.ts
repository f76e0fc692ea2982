/** Docker on a host of its own: dockerd with the runtime under test as its default, and its command line. */
import { mkdirSync } from 'node:fs'
import { request } from 'node:http'
import type { ExecOptions, Result, Running } from '../../support/exec.ts'
import { RUNTIME } from '../../support/place.ts'
import type { ImageName } from '../images/recipes.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { DRIVER } from './driver.ts'
import { type Host, makeHost } from './host.ts'
import { image } from './images.ts'

export interface Docker {
  readonly host: Host
  /** What the environment of docker's command line must have to reach this daemon. */
  readonly env: Readonly<Record<string, string>>
  /** Runs a command line of docker to its end. */
  exec(args: readonly string[], options?: ExecOptions): Promise<Result>
  /** A command line of docker that must succeed; its output, without the last newline. */
  run(...args: readonly string[]): Promise<string>
  /** Starts a command line of docker. */
  start(args: readonly string[], options?: ExecOptions): Running
  /** Removes all containers and their networks. */
  clear(): Promise<void>
  /** What the daemon said last. */
  log(): string
  /** Stops the daemon as one should; or kills it, as if it had crashed. */
  stop(how?: 'stop' | 'kill'): Promise<void>
  /** Starts the daemon again after it was stopped or killed. */
  again(): Promise<void>
  /** Stops the daemon and removes the host. */
  close(): Promise<void>
}

export interface DockerOptions {
  /** Images to load. */
  readonly images?: readonly ImageName[]
  /** Flags of dockerd beside those that make it a stranger to any other. */
  readonly flags?: readonly string[]
  /** Flags that make the runtime the default one; without it, `--default-runtime`. */
  readonly runtime?: readonly string[]
  /** Flags that say who makes the cgroups; without it, that the tests' own driver does. */
  readonly driver?: readonly string[]
  /** More of the daemon's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** A host that is there already; it is closed with the rest. */
  readonly host?: Host
}

/** This machine's hard limit of open files may be below the one that the daemon asks for. */
const FILES = ['--default-ulimit', 'nofile=1024:4096']

/** Starts Docker and loads images. The one who starts it closes it. */
export async function startDocker(options: DockerOptions = {}): Promise<Docker> {
  const images = await Promise.all((options.images ?? []).map(image))
  const host = options.host ?? (await makeHost())
  const { directory } = host
  const env = { DOCKER_HOST: `unix://${directory}/s`, DOCKER_CONFIG: `${directory}/cli` }
  mkdirSync(env.DOCKER_CONFIG)
  const run = async (...args: readonly string[]) =>
    (await host.output('docker', args, { env, timeout: 60_000 })).replace(/\n$/, '')
  const flags = [
    ...['--data-root', `${directory}/data`, '--exec-root', `${directory}/exec`, '-p', `${directory}/pid`],
    ...['-H', env.DOCKER_HOST, '--storage-driver', 'overlay2', ...FILES],
    ...(options.driver ?? ['--exec-opt', `native.cgroupdriver=${DRIVER}`]),
    ...['--bip', '172.31.200.1/24', '--default-address-pool', 'base=172.31.208.0/20,size=24'],
    ...(options.runtime ?? ['--add-runtime', `davit=${RUNTIME}`, '--default-runtime', 'davit']),
    ...(options.flags ?? []),
  ]
  const ready = async () => (await host.exec('docker', ['version'], { env })).code === 0
  const start = () => startDaemon(host, 'dockerd', ['dockerd', ...flags], ready, options.env)
  let daemon: Daemon | undefined
  const close = async () => {
    await daemon?.stop().catch(() => {}) // what it does not end, the host does
    await host.close()
  }
  try {
    daemon = await start()
    for (const archive of images) await run('load', '-q', '-i', archive)
  } catch (error) {
    await close()
    throw error
  }
  return {
    host,
    env,
    log: () => daemon?.log() ?? '',
    stop: async (how = 'stop') => daemon?.[how](),
    exec: (args, more = {}) => host.exec('docker', args, { timeout: 60_000, ...more, env: { ...env, ...more.env } }),
    run,
    start: (args, more = {}) => host.start('docker', args, { timeout: 60_000, ...more, env: { ...env, ...more.env } }),
    clear: async () => {
      const all = await run('ps', '-aq')
      if (all !== '') await run('rm', '-f', '-v', ...all.split('\n'))
      await run('network', 'prune', '-f')
    },
    again: async () => {
      daemon = await start()
    },
    close,
  }
}

/** What the command line asks of the daemon, asked without it. */
export function post(docker: Docker, path: string, body: object): Promise<{ status: number; text: string }> {
  const options = { socketPath: `${docker.host.directory}/s`, path, method: 'POST' }
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, headers: { 'Content-Type': 'application/json' } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (more: string) => {
        text += more
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    asked.on('error', reject).end(JSON.stringify(body))
  })
}

/** The parts of `docker inspect` of a container that tests look at. */
export interface Inspected {
  readonly Id: string
  readonly State: {
    readonly Status: string
    readonly Running: boolean
    readonly OOMKilled: boolean
    readonly Pid: number
    readonly ExitCode: number
    readonly Error: string
    readonly StartedAt: string
    readonly Health?: { readonly Status: string }
  }
  readonly RestartCount: number
  readonly GraphDriver: { readonly Data: { readonly LowerDir: string } }
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> }
}

export async function inspect(docker: Docker, name: string): Promise<Inspected> {
  return JSON.parse(await docker.run('container', 'inspect', '--format', '{{json .}}', name)) as Inspected
}
