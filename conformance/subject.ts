/** The runtime under test, as cases use it: any program with the command line of runc. Keeps a record as evidence. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'

import { join } from 'node:path'
import { Bundle, type Config } from './bundle.ts'
import { type Evidence, shorten } from './evidence.ts'
import { cgroupsNamed, isAlive, mountsBelow, processesIn, within } from './host.ts'
import { heedInterruption, Interrupted } from './interrupt.ts'
import type { Figures } from './results.ts'
import { expect, Failed, HostCannot } from './suite.ts'

export interface Outcome {
  readonly ok: boolean
  /** Its exit code. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface State {
  readonly ociVersion: string
  readonly id: string
  readonly status: string
  readonly pid?: number
  readonly bundle: string
  readonly annotations?: Record<string, string>
}

/** How a command is called where that is what the case is about. */
export interface Manner {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Read by the command as its stdin. */
  readonly input?: string
  /** Open in the command from 3 on. */
  readonly fds?: readonly number[]
  readonly umask?: number
  /** Words before the runtime, as of nice(1), that change what the runtime inherits. */
  readonly through?: readonly string[]
  /** Global flags of the runtime. */
  readonly flags?: readonly string[]
}

const PATIENCE = 20_000

export class Subject {
  /** What the running case has done and seen. */
  readonly record: Evidence[] = []
  readonly root: string
  private readonly path: string
  private readonly folder: string
  private readonly bundles: Bundle[] = []

  private readonly busybox: string
  /** How many containers are to come and go. */
  readonly lifecycles: number
  /** Figures of the running case. */
  table: Figures | undefined

  /** How often a race is to be run. */
  readonly turns: number

  /** @param busybox the static program that containers are made of */
  constructor(path: string, folder: string, busybox: string, turns: number, lifecycles: number) {
    this.turns = turns
    this.lifecycles = lifecycles
    this.path = path
    this.folder = folder
    this.busybox = busybox
    this.root = join(folder, 'state')
    mkdirSync(this.root, { recursive: true })
  }

  /** Where the runtime's executable is. */
  get runtime(): string {
    return this.path
  }

  /** Runs an applet of the busybox on the host, for what a case makes there; the host cannot where it fails. */
  applet(...words: string[]): string {
    const { status, stdout, stderr } = spawnSync(this.busybox, words, { encoding: 'utf8', timeout: PATIENCE })
    if (status !== 0) throw new HostCannot(`${words.join(' ')}: ${stderr.trim()}`)
    return stdout
  }

  /** The busybox, as words before the runtime on a command line. */
  through(...words: string[]): readonly string[] {
    return [this.busybox, ...words]
  }

  /** A new bundle of the running case, with an id of its own. */
  bundle(script: string, change?: (config: Config) => void): Bundle {
    const bundle = new Bundle(this.folder, `conf-${process.pid}-${counter++}`, this.busybox, script, change)
    this.bundles.push(bundle)
    return bundle
  }

  /** A folder of the host that a container may write to. */
  shared(): string {
    const path = join(this.folder, 'shared')
    mkdirSync(path, { recursive: true })
    // Whoever root of a user namespace is, outside.
    chmodSync(path, 0o777)
    return path
  }

  /** What a container has written to `seen` there; part of the evidence. */
  seen(): string {
    const path = join(this.folder, 'shared/seen')
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    this.record.push({ kind: 'program', text: shorten(text) })
    return text
  }

  /** A file of the kernel on the host, which is then part of the evidence; empty if it cannot be read. */
  kernel(path: string): string {
    let text = ''
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      this.showed(path, String(error))
      return ''
    }
    this.showed(path, text)
    return text
  }

  /** Adds what the kernel showed somewhere to the evidence. */
  showed(place: string, text: string): void {
    this.record.push({ kind: 'kernel', place, text: shorten(text) })
  }

  /** Keeps figures for the reports, and as evidence. */
  figures(head: readonly string[], rows: readonly (readonly string[])[]): void {
    this.table = { head, rows }
    this.showed('the machine', [head, ...rows].map((row) => row.join('\t')).join('\n'))
  }

  /** Runs a script of the busybox, which is its $0; what it is about goes to the evidence. */
  shell(script: string, args: readonly string[], about: string): void {
    const begin = performance.now()
    const argv = ['sh', '-c', script, this.busybox, ...args]
    const { status, signal, stderr } = spawnSync(this.busybox, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
    heedInterruption()
    this.note(`${about}: ${Math.round(performance.now() - begin)} ms`)
    if (status !== 0) throw new Error(`busybox: ${signal ?? `exit ${status}`}: ${stderr}`)
  }

  /** Adds a remark to the evidence. */
  note(text: string): void {
    this.record.push({ kind: 'note', text })
  }

  /** A config.json that is given to the runtime goes to the evidence, once. */
  private recordConfig(args: readonly string[]): void {
    const bundle = args[args.indexOf('--bundle') + 1] ?? ''
    const path = join(bundle, 'config.json')
    if (!args.includes('--bundle') || !statSync(path, { throwIfNoEntry: false })?.isFile()) return
    const text = shorten(readFileSync(path, 'utf8'))
    if (!this.record.some((it) => it.kind === 'config' && it.text === text)) this.record.push({ kind: 'config', text })
  }

  /** Runs a verb. Output goes to a file: a container may keep it open long after the verb has ended. */
  call(...args: string[]): Outcome {
    return this.callAs({}, ...args)
  }

  /** The same in another manner. */
  callAs({ cwd, env, input, fds = [], umask, through = [], flags = [] }: Manner, ...args: string[]): Outcome {
    heedInterruption()
    this.recordConfig(args)
    const [out, err, stdin] = ['stdout', 'stderr', 'stdin'].map((name) => join(this.folder, name)) as [
      string,
      string,
      string,
    ]
    // Never /dev/null: runc before 1.2 gives the host's own to the container's user.
    writeFileSync(stdin, input ?? '')
    const streams = [openSync(stdin, 'r'), openSync(out, 'w'), openSync(err, 'w')]
    const argv = [...through, this.path, '--root', this.root, ...flags, ...args]
    const before = umask === undefined ? undefined : process.umask(umask)
    const begin = performance.now()
    const { status, signal } = spawnSync(argv[0] ?? '', argv.slice(1), {
      stdio: [...streams, ...fds],
      timeout: PATIENCE,
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
    })
    const ms = Math.round(performance.now() - begin)
    if (before !== undefined) process.umask(before)
    for (const fd of streams) closeSync(fd)
    heedInterruption()
    const outcome = {
      ok: status === 0,
      code: status,
      stdout: readFileSync(out, 'utf8'),
      stderr: readFileSync(err, 'utf8'),
    }
    const [stdout, stderr] = [shorten(outcome.stdout), shorten(outcome.stderr)]
    const words = [...through, ...flags, ...args]
    this.record.push({ kind: 'command', args: words, end: signal ?? `exit ${status}`, ms, stdout, stderr })
    if (signal === 'SIGTERM') throw new Failed(`${args[0]} did not end within ${PATIENCE / 1000} s`)
    if (signal) throw new Failed(`${args[0]} was killed by ${signal}`)
    return outcome
  }

  /** Runs a verb that must succeed. */
  must(...args: string[]): Outcome {
    const outcome = this.call(...args)
    expect(outcome.ok, `${args[0]} failed: ${outcome.stderr.trim()}`)
    return outcome
  }

  /** Runs a verb that must be refused. */
  mustFail(args: readonly string[], why: string): Outcome {
    const outcome = this.call(...args)
    expect(!outcome.ok, `${args[0]} succeeded: ${why}`)
    return outcome
  }

  create(bundle: Bundle, ...flags: string[]): void {
    this.must('create', '--bundle', bundle.path, ...flags, bundle.id)
  }

  state(id: string): State {
    return JSON.parse(this.must('state', id).stdout) as State
  }

  /** create and start. */
  run(bundle: Bundle): void {
    this.create(bundle)
    this.must('start', bundle.id)
  }

  /** Waits for a status; it must come. */
  await(id: string, status: string): State {
    let state = this.state(id)
    within(() => {
      if (state.status !== status) state = this.state(id)
      return state.status === status
    })
    expect(state.status === status, `status is ${state.status}, expected ${status}`)
    return state
  }

  /** Whether the runtime knows the container. */
  exists(id: string): boolean {
    return this.call('state', id).ok
  }

  /** What is left of a container, in words; nothing if all is gone. */
  leftOf(bundle: Pick<Bundle, 'id' | 'path' | 'rootfs'>): string[] {
    within(() => !processesIn(bundle.rootfs).some(isAlive), 1000)
    const left = [
      ...processesIn(bundle.rootfs)
        .filter(isAlive)
        .map((pid) => `process ${pid}`),
      ...cgroupsNamed(bundle.id).map((path) => `cgroup ${path}`),
      ...mountsBelow(bundle.path).map((line) => `mount ${line}`),
    ]
    this.showed('processes, cgroups and mounts of the container', left.join('\n') || 'none')
    return left
  }

  /** Takes a container away, by force; says what could not be. */
  private remove(bundle: Bundle): string[] {
    const rest: string[] = []
    try {
      this.call('delete', '--force', bundle.id)
      rest.push(...this.leftOf(bundle))
    } catch (error) {
      if (error instanceof Interrupted) throw error
      rest.push(error instanceof Failed ? error.message : String(error)) // it did not end
    }
    for (const pid of processesIn(bundle.rootfs)) process.kill(pid, 'SIGKILL')
    for (const path of cgroupsNamed(bundle.id)) removeCgroup(path)
    bundle.remove()
    return rest
  }

  /** The same with all from one on. One whose removal is interrupted is there for the next time. */
  private removeFrom(first: number): string[] {
    const left: string[] = []
    for (let last = this.bundles.at(-1); last && this.bundles.length > first; last = this.bundles.at(-1)) {
      left.push(...this.remove(last))
      this.bundles.pop()
    }
    return left
  }

  /** Does something many times; the evidence is that of the last one, and how many there were. */
  repeat(act: (turn: number) => void): void {
    const [records, bundles] = [this.record.length, this.bundles.length]
    for (let turn = 0; turn < this.turns; turn++) {
      this.record.length = records
      this.note(`turn ${turn + 1} of ${this.turns}`)
      act(turn)
      const left = this.removeFrom(bundles)
      expect(left.length === 0, `left after delete --force: ${left.join(', ')}`)
    }
  }

  /** Takes all containers of the case away, by force; says what could not be. */
  cleanUp(): string[] {
    const left = this.removeFrom(0)
    rmSync(join(this.folder, 'shared'), { recursive: true, force: true })
    return left
  }
}

/** What a runtime has left; the next case is to find nothing of it. */
function removeCgroup(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // Processes that are about to end keep it for a moment, and the case has failed anyway.
  }
}

let counter = 0
