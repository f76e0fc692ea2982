/** A folder of the host with things to lose, and ways for an image to point at it. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Bundle, Config } from './bundle.ts'
import type { Subject } from './subject.ts'
import { expect, expectSame } from './suite.ts'

const NAMES = ['ptmx', 'null', 'zero', 'console', 'fd', 'hosts', 'precious']

export class Victim {
  readonly path: string
  private readonly before: unknown

  constructor(bundle: Bundle) {
    this.path = join(bundle.path, 'victim')
    mkdirSync(this.path)
    for (const name of NAMES) writeFileSync(join(this.path, name), `${name}\n`, { mode: 0o600 })
    this.before = this.picture()
  }

  private picture(): unknown {
    const { mode, uid, gid } = lstatSync(this.path)
    const files = readdirSync(this.path)
      .sort()
      .map((name) => {
        const file = lstatSync(join(this.path, name))
        const text = file.isFile() ? readFileSync(join(this.path, name), 'utf8') : ''
        return [name, file.mode, file.uid, file.gid, file.ino, text]
      })
    return [mode, uid, gid, files]
  }

  /** Fails the case when anything of it has changed. */
  expectUntouched(): void {
    expectSame(this.picture(), this.before, 'the folder outside of the rootfs')
  }

  /** Puts a link at a path of the rootfs, in its stead if there is something: absolute, or climbing. */
  link(bundle: Bundle, path: string, target = this.path, climbing = false): void {
    const at = join(bundle.rootfs, path)
    rmSync(at, { recursive: true, force: true })
    mkdirSync(dirname(at), { recursive: true })
    symlinkSync(climbing ? `${'../'.repeat(20)}${target.slice(1)}` : target, at)
  }
}

export const without = (config: Config, ...destinations: string[]) => {
  config.mounts = config.mounts.filter(({ destination }) => !destinations.includes(destination))
}

/** Runs a container that a runtime may refuse: whether it ran. A refused one leaves nothing. */
export function runOrRefuse(subject: Subject, bundle: Bundle): boolean {
  const { ok } = subject.call('create', '--bundle', bundle.path, bundle.id)
  if (!ok) {
    expect(!subject.exists(bundle.id), 'the refused container exists')
    expectSame(subject.leftOf(bundle), [], 'left of the refused container')
    return false
  }
  if (!subject.call('start', bundle.id).ok) {
    subject.call('delete', '--force', bundle.id)
    return false
  }
  return true
}

/** A file that a program has written, with the newline that ends it; empty if it never comes. */
export const told = (bundle: Bundle, name: string) =>
  existsSync(join(bundle.rootfs, name)) ? readFileSync(join(bundle.rootfs, name), 'utf8') : ''
