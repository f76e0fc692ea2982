/** The bundle all runtimes run: busybox, and the config.json that `runc spec` (or davit's own) writes. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mount, Seccomp } from '../src/spec/types.gen.ts'
import { find } from './runtimes.ts'

type Json = Record<string, unknown>

/** Names of files, to be mounted and to be masked. */
const MANY = Array.from({ length: 100 }, (_, index) => `file-${index}`)

/** Makes the bundle in `folder`; `busybox` programs are linked in /bin. */
export function makeBundle(folder: string): void {
  for (const name of ['bin', 'proc', 'dev', 'sys', 'tmp']) mkdirSync(join(folder, 'rootfs', name), { recursive: true })
  const busybox = find('busybox')
  if (!busybox) throw new Error('busybox is missing')
  copyFileSync(busybox, join(folder, 'rootfs/bin/busybox'))
  mkdirSync(join(folder, 'files'))
  mkdirSync(join(folder, 'rootfs/files'))
  for (const path of MANY.flatMap((name) => [`files/${name}`, `rootfs/files/${name}`]))
    writeFileSync(join(folder, path), `${path}\n`)
  for (const name of ['true', 'sleep', 'sh']) symlinkSync('busybox', join(folder, 'rootfs/bin', name))
  execFileSync(find('runc') ?? 'build/davit', ['spec', '--bundle', folder])
  writeFileSync(join(folder, 'spec.json'), readFileSync(join(folder, 'config.json')))
}

/** What is measured besides the plain run. */
export interface Extras {
  /** Memory limit in bytes. */
  readonly memory?: number
  readonly seccomp?: Seccomp
  /** Bind mounts of small files, each over one of its own, and masked files: how many. */
  readonly binds?: number
  readonly masks?: number
}

/** Writes config.json: the written spec without terminal, with these arguments. */
export function configure(folder: string, args: readonly string[], extras: Extras = {}): void {
  const { memory, seccomp } = extras
  const spec = JSON.parse(readFileSync(join(folder, 'spec.json'), 'utf8')) as Json & { process: Json; linux: Json }
  spec.process = { ...spec.process, terminal: false, args }
  // An ambient set without an inheritable one, as runc 1.1 writes it, does nothing but make davit warn.
  spec.process.capabilities = { ...(spec.process.capabilities as Json), ambient: [] }
  if (memory !== undefined) {
    const resources = (spec.linux.resources ?? {}) as Json
    spec.linux = { ...spec.linux, resources: { ...resources, memory: { limit: memory } } }
  }
  if (seccomp) spec.linux = { ...spec.linux, seccomp }
  const binds = MANY.slice(0, extras.binds ?? 0).map((name): Mount => {
    const options = ['rbind', 'rprivate', 'ro']
    return { destination: `/files/${name}`, type: 'bind', source: join(folder, 'files', name), options }
  })
  spec.mounts = [...(spec.mounts as Mount[]), ...binds]
  const masks = MANY.slice(0, extras.masks ?? 0).map((name) => `/files/${name}`)
  spec.linux = { ...spec.linux, maskedPaths: [...(spec.linux.maskedPaths as string[]), ...masks] }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(spec))
}
