/** The host's side of a container: what exists because of it. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { heedInterruption } from './interrupt.ts'

/** Sleeps without giving other code a turn: cases are sequences. */
export function pause(milliseconds: number): void {
  heedInterruption()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Waits until `fact` holds; whether it did within five seconds. */
export function within(fact: () => boolean, milliseconds = 5000): boolean {
  const end = Date.now() + milliseconds
  while (!fact()) {
    if (Date.now() > end) return false
    pause(10)
  }
  return true
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise // it has gone in the meantime
  }
}

/** Whether a process exists that is not a zombie. */
export function isAlive(pid: number): boolean {
  return /^State:\s+[^ZX]/m.test(attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8'), ''))
}

/** Device and inode of a folder; empty where there is none. */
function identityOf(folder: string): string {
  return attempt(() => {
    const { dev, ino } = statSync(folder, { bigint: true })
    return `${dev}:${ino}`
  }, '')
}

/**
 * Processes whose root is this folder, or below. The kernel has no name for a root that is mounted in another namespace
 * only, as that of a container mostly is: it is known by its inode.
 */
export function processesIn(rootfs: string): number[] {
  const identity = identityOf(rootfs)
  const isRoot = (path: string) =>
    attempt(() => readlinkSync(path), '').startsWith(rootfs) || (identity !== '' && identityOf(`${path}/`) === identity)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isRoot(`/proc/${name}/root`))
    .map(Number)
}

/** Mount points of cgroup hierarchies, v1 and v2, but for those that another mount covers. */
export function hierarchies(): string[] {
  const upper = new Map<string, string>()
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [, path = '', type = ''] = line.split(' ')
    upper.set(path, type)
  }
  return [...upper].filter(([, type]) => type === 'cgroup' || type === 'cgroup2').map(([path]) => path)
}

function searchFor(folder: string, name: string, depth: number): string[] {
  const inner = attempt(() => readdirSync(folder, { withFileTypes: true }), []).filter((entry) => entry.isDirectory())
  const isIt = (entry: { name: string }) => entry.name === name || entry.name.endsWith(`-${name}.scope`)
  const found = inner.filter(isIt).map((entry) => `${folder}/${entry.name}`)
  if (depth === 0) return found
  return inner
    .filter((entry) => !isIt(entry))
    .reduce((all, entry) => all.concat(searchFor(`${folder}/${entry.name}`, name, depth - 1)), found)
}

/** Cgroups of this name, or of systemd's scopes PREFIX-NAME, at most three levels below the root of each hierarchy. */
export function cgroupsNamed(name: string): string[] {
  return hierarchies().flatMap((hierarchy) => searchFor(hierarchy, name, 3))
}

/** Mounts of the host below a folder. */
export function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => (line.split(' ')[1] ?? '').startsWith(`${folder}/`))
}
