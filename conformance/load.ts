/** What there is on the machine, counted: what containers that have gone must not make more. */
import { readdirSync, readFileSync } from 'node:fs'
import { hierarchies } from './host.ts'

export interface Counts {
  readonly processes: number
  /** Mounts of the host. */
  readonly mounts: number
  /** Directories in all hierarchies. */
  readonly cgroups: number
  /** Open files of all processes. */
  readonly files: number
  /** Memory of the kernel that it cannot take back, in KiB: namespaces, mounts and cgroups that nobody sees are in it. */
  readonly kernel: number
  /** What could be had, in KiB. */
  readonly available: number
}

const lines = (path: string) => readFileSync(path, 'utf8').split('\n')

function directories(path: string): number {
  let count = 1
  try {
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory()) count += directories(`${path}/${entry.name}`)
  } catch {
    return count // it has gone in the meantime
  }
  return count
}

/** Counts once. Numbers of a machine that others use, too: what matters is whether they grow with the containers. */
export function countAll(): Counts {
  const memory = new Map(lines('/proc/meminfo').map((line) => [line.split(':')[0] ?? '', parseInt(line.slice(16), 10)]))
  const kib = (...names: string[]) => names.reduce((sum, name) => sum + (memory.get(name) ?? 0), 0)
  return {
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
    mounts: lines('/proc/self/mountinfo').length - 1,
    cgroups: hierarchies().reduce((sum, path) => sum + directories(path), 0),
    files: Number.parseInt(readFileSync('/proc/sys/fs/file-nr', 'utf8'), 10),
    kernel: kib('SUnreclaim', 'KernelStack', 'PageTables', 'Percpu'),
    available: kib('MemAvailable'),
  }
}
