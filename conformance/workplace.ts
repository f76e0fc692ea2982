/** Where a worker makes its containers, and with what: its folder, the runtime's state, a busybox for the host. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupsPath } from './cgroup_driver.ts'
import { heedInterruption } from './interrupt.ts'
import { Recorder } from './recorder.ts'
import { globalsOf, rootOf, type Setting } from './setting.ts'
import { HostCannot } from './suite.ts'

const PATIENCE = 20_000

export class Workplace extends Recorder {
  readonly root: string
  /** What it was made with. */
  readonly setting: Setting
  protected readonly folder: string
  protected readonly busybox: string

  constructor(setting: Setting) {
    super()
    this.setting = setting
    this.folder = setting.folder
    this.busybox = setting.busybox
    this.root = rootOf(setting)
    mkdirSync(this.root, { recursive: true })
  }

  /** Global flags of every command: where its state is, and who makes the cgroups. */
  get globals(): readonly string[] {
    return globalsOf(this.setting)
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
    this.said(text)
    return text
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
}
