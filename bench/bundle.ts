/** The bundle all runtimes run: busybox, and the config.json that `runc spec` (or davit's own) writes. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Seccomp } from '../src/spec/types.gen.ts'
import { find } from './runtimes.ts'

type Json = Record<string, unknown>

/** Makes the bundle in `folder`; `busybox` programs are linked in /bin. */
export function makeBundle(folder: string): void {
  for (const name of ['bin', 'proc', 'dev', 'sys', 'tmp']) mkdirSync(join(folder, 'rootfs', name), { recursive: true })
  const busybox = find('busybox')
  if (!busybox) throw new Error('busybox is missing')
  copyFileSync(busybox, join(folder, 'rootfs/bin/busybox'))
  for (const name of ['true', 'sleep', 'sh']) symlinkSync('busybox', join(folder, 'rootfs/bin', name))
  execFileSync(find('runc') ?? 'build/davit', ['spec', '--bundle', folder])
  writeFileSync(join(folder, 'spec.json'), readFileSync(join(folder, 'config.json')))
}

/** What is measured besides the plain run. */
export interface Extras {
  /** Memory limit in bytes. */
  readonly memory?: number
  readonly seccomp?: Seccomp
}

/** Writes config.json: the written spec without terminal, with these arguments. */
export function configure(folder: string, args: readonly string[], { memory, seccomp }: Extras = {}): void {
  const spec = JSON.parse(readFileSync(join(folder, 'spec.json'), 'utf8')) as Json & { process: Json; linux: Json }
  spec.process = { ...spec.process, terminal: false, args }
  // An ambient set without an inheritable one, as runc 1.1 writes it, does nothing but make davit warn.
  spec.process.capabilities = { ...(spec.process.capabilities as Json), ambient: [] }
  if (memory !== undefined) {
    const resources = (spec.linux.resources ?? {}) as Json
    spec.linux = { ...spec.linux, resources: { ...resources, memory: { limit: memory } } }
  }
  if (seccomp) spec.linux = { ...spec.linux, seccomp }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(spec))
}
