/** The runtime under test, as cases use it: any program with the command line of runc. Keeps a record as evidence. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'

import { join } from 'node:path'
import { Bundle, type Config } from './bundle.ts'
import type { Manner, Outcome, State } from './call.ts'
import { carryOut } from './carry_out.ts'
import { cgroupsPath, SYSTEMD_CGROUP } from './cgroup_driver.ts'
import { type Evidence, shorten } from './evidence.ts'
import { within } from './host.ts'
import { heedInterruption, Interrupted } from './interrupt.ts'
import { takeAway, whatIsLeft } from './left.ts'
import type { Figures } from './results.ts'
import type { Setting } from './setting.ts'
import { expect, Failed, HostCannot } from './suite.ts'

const PATIENCE = 20_000

export class Subject {
  /** What the running case has done and seen. */
  readonly record: Evidence[] = []
  readonly root: string
  /** Figures of the running case. */
  table: Figures | undefined
  /** What it was made with. */
  readonly setting: Setting
  private readonly folder: string
  private readonly busybox: string
  private readonly bundles: Bundle[] = []

  constructor(setting: Setting) {
    this.setting = setting
    this.folder = setting.folder
    this.busybox = setting.busybox
    this.root = join(setting.folder, 'state')
    mkdirSync(this.root, { recursive: true })
  }

  /** Global flags of every command: where its state is, and who makes the cgroups. */
  get globals(): readonly string[] {
    return ['--root', this.root, ...(this.setting.driver === 'systemd' ? [SYSTEMD_CGROUP] : [])]
  }

  /** A cgroupsPath in the form that the runtime is told to take. */
  cgroupsPath(name: string): string {
    return cgroupsPath(this.setting.driver, name)
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
    const id = `conf-${process.pid}-${counter++}`
    const bundle = new Bundle(this.folder, id, this.busybox, script, this.cgroupsPath(id), change)
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

  /** Runs a verb. */
  call(...args: string[]): Outcome {
    return this.callAs({}, ...args)
  }

  /** The same in another manner. */
  callAs(manner: Manner, ...args: string[]): Outcome {
    heedInterruption()
    this.recordConfig(args)
    const { through = [], flags = [] } = manner
    const more = flags.filter((flag) => !this.globals.includes(flag))
    const argv = [...through, this.setting.runtime, ...this.globals, ...more, ...args]
    const { signal, ms, ...outcome } = carryOut(argv, manner, this.folder, PATIENCE)
    heedInterruption()
    const [stdout, stderr] = [shorten(outcome.stdout), shorten(outcome.stderr)]
    const words = [...through, ...this.globals.slice(2), ...more, ...args]
    this.record.push({ kind: 'command', args: words, end: signal ?? `exit ${outcome.code}`, ms, stdout, stderr })
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
    const left = whatIsLeft(bundle, this.setting.driver === 'systemd')
    this.showed('processes, cgroups, units and mounts of the container', left.join('\n') || 'none')
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
    takeAway(bundle)
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
    for (let turn = 0; turn < this.setting.turns; turn++) {
      this.record.length = records
      this.note(`turn ${turn + 1} of ${this.setting.turns}`)
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

let counter = 0
