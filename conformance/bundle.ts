/** The bundle of a case: a static busybox and a small config.json of our own, so that no runtime's template is favoured. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Hook {
  readonly path: string
  readonly args?: readonly string[]
  readonly timeout?: number
}

export interface Config {
  ociVersion: string
  process?: { args?: string[]; cwd: string; env: string[]; user: { uid: number; gid: number }; terminal: boolean }
  root: { path: string; readonly: boolean }
  hostname: string
  mounts: { destination: string; type: string; source: string; options?: string[] }[]
  linux: { cgroupsPath?: string; namespaces: { type: string }[]; resources?: Record<string, unknown> }
  hooks?: Record<string, Hook[]>
  annotations?: Record<string, string>
}

function template(id: string, script: string, cgroupsPath: string): Config {
  return {
    // Old enough for every runtime in use; a case that needs more says so.
    ociVersion: '1.0.2',
    process: {
      args: ['/bin/sh', '-c', script],
      cwd: '/',
      env: ['PATH=/bin'],
      user: { uid: 0, gid: 0 },
      terminal: false,
    },
    root: { path: 'rootfs', readonly: false },
    hostname: 'conformance',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    ],
    linux: { cgroupsPath, namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })) },
    annotations: { 'org.example.conformance': id },
  }
}

export class Bundle {
  readonly path: string
  readonly id: string

  /** A bundle whose container runs a shell script. */
  constructor(
    folder: string,
    id: string,
    busybox: string,
    script: string,
    cgroupsPath: string,
    change: (config: Config) => void = () => {},
  ) {
    this.id = id
    this.path = join(folder, id)
    const bin = join(this.path, 'rootfs/bin')
    for (const name of ['proc', 'dev', 'sys', 'tmp', 'look', 'mnt'])
      mkdirSync(join(this.path, 'rootfs', name), { recursive: true })
    mkdirSync(bin)
    copyFileSync(busybox, join(bin, 'busybox'))
    for (const name of [
      'sh',
      'cat',
      'echo',
      'sleep',
      'touch',
      'true',
      'id',
      'stat',
      'grep',
      'mount',
      'ls',
      'readlink',
      'pwd',
    ])
      symlinkSync('busybox', join(bin, name))
    const config = template(id, script, cgroupsPath)
    change(config)
    writeFileSync(join(this.path, 'config.json'), JSON.stringify(config))
  }

  get rootfs(): string {
    return join(this.path, 'rootfs')
  }

  /** A file the container has written, empty if there is none. */
  read(name: string): string {
    try {
      return readFileSync(join(this.rootfs, name), 'utf8')
    } catch {
      return ''
    }
  }

  /** Rewrites config.json. */
  configure(change: (config: Config) => void): void {
    const config = JSON.parse(readFileSync(join(this.path, 'config.json'), 'utf8')) as Config
    change(config)
    writeFileSync(join(this.path, 'config.json'), JSON.stringify(config))
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
