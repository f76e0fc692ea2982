/** The machine that the suite runs on, as far as it matters for verdicts. */
import { readFileSync } from 'node:fs'
import { arch, release } from 'node:os'
import type { CgroupDriver } from './cgroup_driver.ts'
import type { Place } from './suite.ts'

const mounts = () => readFileSync('/proc/mounts', 'utf8')

function cgroups(): string {
  const v1 = / cgroup /.test(mounts())
  const v2 = / cgroup2 /.test(mounts())
  if (v1 && v2) return 'cgroup v1 with v2 beside it'
  return v1 ? 'cgroup v1' : 'cgroup v2'
}

/** Kernel, architecture and cgroups in a line. */
export function describeMachine(driver: CgroupDriver): string {
  return `Linux ${release()} ${arch()}, ${cgroups()}${driver === 'systemd' ? ', made by systemd' : ''}`
}

/** What deviations may depend on. */
export const placesOf = (driver: CgroupDriver): readonly Place[] => [
  cgroups() === 'cgroup v2' ? 'cgroup v2' : 'cgroup v1',
  driver,
]

export interface Surroundings {
  /** A command that makes them, to which another is appended. */
  readonly command: readonly string[]
  readonly note?: string
}

/** crun refuses a machine with v1 controllers and a v2 mount beside them: it runs where that is covered. */
export function surroundingsFor(name: string): Surroundings {
  const unified = /^\S+ (\S+) cgroup2 /m.exec(mounts())?.[1]
  if (name !== 'crun' || !unified || !/ cgroup /.test(mounts())) return { command: [] }
  const line = `mount -t tmpfs none ${unified} && exec "$@"`
  return {
    command: ['unshare', '--mount', 'sh', '-c', line, 'sh'],
    note: `it refuses cgroup v1 with v2 beside it: ${unified} is covered with an empty tmpfs`,
  }
}
