/** Two mounts of the host, one below the other, for a container to bind: what is done recursively shows in both. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Subject } from './subject.ts'

/**
 * Mounts a tmpfs, and another in its folder `sub`, both with these attributes, while `act` runs. A file system of its
 * own, so that nothing of the host's has to have any.
 */
export function withTree(subject: Subject, attributes: string, act: (path: string) => void): void {
  const path = join(subject.shared(), 'tree')
  mkdirSync(path, { recursive: true })
  subject.applet('mount', '-t', 'tmpfs', 'tree', path)
  try {
    mkdirSync(join(path, 'sub'))
    subject.applet('mount', '-t', 'tmpfs', 'tree', join(path, 'sub'))
    for (const one of [join(path, 'sub'), path]) subject.applet('mount', '-o', `remount,bind,${attributes}`, one)
    act(path)
  } finally {
    for (const one of [join(path, 'sub'), path])
      try {
        subject.applet('umount', '-l', one)
      } catch {
        // It was not mounted.
      }
  }
}

/** Attributes of the mount at a path, and what follows them, from a text like /proc/self/mountinfo; empty if none. */
export function attributesAt(mountinfo: string, path: string): string {
  const line = mountinfo.split('\n').findLast((one) => one.split(' ')[4] === path)
  return line?.split(' ').slice(5).join(' ') ?? ''
}
