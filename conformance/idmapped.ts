/** Whether this host maps the ids of mounts: a matter of its kernel, and of the file system that is mounted. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readlinkSync, writeFileSync } from 'node:fs'
import { within } from './host.ts'
import type { Subject } from './subject.ts'
import { HostCannot } from './suite.ts'
import { call } from './system_calls.ts'

const AT_FDCWD = -100
const AT_EMPTY_PATH = 0x1000
const OPEN_TREE_CLONE = 1
const MOUNT_ATTR_IDMAP = 0x100000

/** Ends a process once something was done in its user namespace, in which 0 is the host's 100000. */
function inNamespace<T>(process: ChildProcess, act: (namespace: number) => T): T {
  const of = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/user`)
  const { pid = 0 } = process
  try {
    if (!within(() => of(pid) !== of('self'), 2000)) throw new HostCannot('no user namespaces')
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, '0 100000 1\n')
    const namespace = openSync(`/proc/${pid}/ns/user`, 'r')
    try {
      return act(namespace)
    } finally {
      closeSync(namespace)
    }
  } finally {
    process.kill('SIGKILL')
  }
}

/** Maps the ids of a mount of `path` that is attached nowhere; whether the kernel did. */
function mapIds(path: string, namespace: number): boolean {
  const mount = call('open_tree', AT_FDCWD, Buffer.from(`${path}\0`), OPEN_TREE_CLONE)
  if (mount < 0) return false
  try {
    const attributes = Buffer.alloc(32)
    attributes.writeBigUInt64LE(BigInt(MOUNT_ATTR_IDMAP), 0)
    attributes.writeBigUInt64LE(BigInt(namespace), 24)
    return call('mount_setattr', mount, Buffer.from('\0'), AT_EMPTY_PATH, attributes, attributes.length) === 0
  } finally {
    closeSync(mount)
  }
}

/** The host cannot where the ids of a mount of `path` cannot be mapped: Linux has it since 5.12, some file systems never. */
export function needMapping(subject: Subject, path: string): void {
  const [busybox = '', ...words] = subject.through('unshare', '-U', 'sleep', '60')
  const sleeper = spawn(busybox, words, { stdio: 'ignore' })
  if (!inNamespace(sleeper, (namespace) => mapIds(path, namespace)))
    throw new HostCannot(
      'the ids of mounts cannot be mapped: the kernel does not know how to, or the file system of the folder does not',
    )
}
