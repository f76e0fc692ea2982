/** Throw-away bundles: a rootfs from busybox and a config.json that starts from what `davit spec` writes. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { encodeExact } from '../../src/base/json.ts'
import type { Spec } from '../../src/spec/types.gen.ts'
import { type ExecOptions, exec, output, type Result, type Running } from './exec.ts'
import { RUNTIME } from './place.ts'
import { probePath } from './probe.ts'
import { davit, must, type State, startDavit, state } from './runtime.ts'
import { scratch, uniqueId } from './scratch.ts'

type Mutable<T> = T extends readonly (infer E)[]
  ? Mutable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T
type Draft = Mutable<Spec>

/** config.json to be changed by a test: what `davit spec` always writes is there. */
export type Config = Draft & {
  process: NonNullable<Draft['process']> & { args: string[]; env: string[]; user: object }
  root: NonNullable<Draft['root']>
  mounts: NonNullable<Draft['mounts']>
  linux: NonNullable<Draft['linux']> & {
    namespaces: NonNullable<NonNullable<Draft['linux']>['namespaces']>
    resources: NonNullable<NonNullable<Draft['linux']>['resources']>
  }
}

export interface Bundle {
  readonly id: string
  readonly path: string
  readonly rootfs: string
  readonly config: Config
  /** Changes config.json and writes it again. */
  configure(change: (config: Config) => void): void
}

export interface BundleOptions {
  /** Commands of busybox that the rootfs has besides sh; default: all. */
  readonly applets?: readonly string[]
  /** No rootfs at all. */
  readonly bare?: boolean
}

let applets: Promise<string[]> | undefined
let base: Promise<string> | undefined

async function specText(): Promise<string> {
  const dir = `${scratch()}/spec`
  mkdirSync(dir, { recursive: true })
  const { code, stderr } = await exec(RUNTIME, ['spec', '--bundle', dir])
  if (code !== 0) throw new Error(`davit spec: ${stderr}`)
  return readFileSync(`${dir}/config.json`, 'utf8')
}

function allApplets(): Promise<string[]> {
  applets ??= output('busybox', ['--list']).then((text) => text.split('\n').filter((name) => name !== ''))
  return applets
}

/** Fills a directory with a minimal system: busybox, its commands, the probe, and empty mount points. */
export async function makeRootfs(rootfs: string, names?: readonly string[]): Promise<void> {
  for (const dir of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root']) {
    mkdirSync(`${rootfs}/${dir}`, { recursive: true })
  }
  copyFileSync('/bin/busybox', `${rootfs}/bin/busybox`)
  copyFileSync(await probePath(), `${rootfs}/bin/probe`)
  for (const name of names ?? (await allApplets()))
    if (name !== 'busybox') symlinkSync('busybox', `${rootfs}/bin/${name}`)
  writeFileSync(`${rootfs}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(`${rootfs}/etc/group`, 'root:x:0:\n')
}

/** Gives the container a namespace of its own, if it has none by `davit spec`: on v2 that writes one of cgroups, too. */
export function ownNamespace(
  { linux: { namespaces } }: Config,
  type: Config['linux']['namespaces'][number]['type'],
): void {
  if (!namespaces.some((namespace) => namespace.type === type)) namespaces.push({ type })
}

/**
 * A bundle of the running test, with an id for its container. `davit spec`'s config.json without a terminal is given
 * to `change`; a string or list as `change` is just the process: a shell script, or argv.
 */
export async function bundle(
  change: string | readonly string[] | ((config: Config) => void) = () => {},
  options: BundleOptions = {},
): Promise<Bundle> {
  base ??= specText()
  const config = JSON.parse(await base) as Config
  const id = uniqueId()
  const path = `${scratch()}/${id}`
  const rootfs = `${path}/rootfs`
  mkdirSync(path, { recursive: true })
  if (!options.bare) await makeRootfs(rootfs, options.applets)
  config.process.terminal = false
  if (typeof change === 'string') config.process.args = ['/bin/sh', '-c', change]
  else if (typeof change === 'function') change(config)
  else config.process.args = [...change]
  const write = () => writeFileSync(`${path}/config.json`, encodeExact(config))
  write()
  const configure = (again: (config: Config) => void) => {
    again(config)
    write()
  }
  return { id, path, rootfs, config, configure }
}

export interface RunOptions extends ExecOptions {
  /** Flags before the id. */
  readonly args?: readonly string[]
  /** Global flags. */
  readonly global?: readonly string[]
  readonly id?: string
}

const line = (verb: string, { id, path }: Bundle, options: RunOptions) => [
  ...(options.global ?? []),
  verb,
  '--bundle',
  path,
  ...(options.args ?? []),
  options.id ?? id,
]

/** `davit run`, to the end. */
export function run(of: Bundle, options: RunOptions = {}): Promise<Result> {
  return davit(line('run', of, options), options)
}

/** `davit run` in the foreground, going on. */
export function startRun(of: Bundle, options: RunOptions = {}): Running {
  return startDavit(line('run', of, options), options)
}

/** `davit create`, to the end. What the container prints is in {@link containerOutput}. */
export async function tryCreate(of: Bundle, options: RunOptions = {}): Promise<Result> {
  const log = `${of.path}/create.log`
  const global = ['--log', log, ...(options.global ?? [])]
  const result = await davit(line('create', of, { ...options, global }), { output: `${of.path}/output`, ...options })
  return { ...result, stderr: existsSync(log) ? readFileSync(log, 'utf8') : '' }
}

/** `davit create` that must succeed. */
export async function create(of: Bundle, options: RunOptions = {}): Promise<void> {
  const { code, stderr } = await tryCreate(of, options)
  if (code !== 0) throw new Error(`davit create: exit ${code}\n${stderr}`)
}

/** `davit create` and `davit start`. */
export async function createStart(of: Bundle, options: RunOptions = {}): Promise<State> {
  await create(of, options)
  await must(['start', options.id ?? of.id])
  return state(options.id ?? of.id)
}

/** What a created container has printed so far. */
export function containerOutput(of: Bundle): string {
  return readFileSync(`${of.path}/output`, 'utf8')
}

/** The script's output in a fresh container with this configuration; the container must end with 0. */
export async function outputOf(script: string, change: (config: Config) => void = () => {}): Promise<string> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sh', '-c', script]
    change(config)
  })
  const { code, stdout, stderr } = await run(made)
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}\n${stdout}`)
  return stdout
}
