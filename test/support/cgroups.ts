/** Where the cgroups of processes are, and what their files say. */
import { existsSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { processCgroups } from './kernel.ts'
import { cgroupsNamed } from './leaks.ts'
import { davit, stateRoot } from './runtime.ts'
import { atEnd } from './scratch.ts'
import { until } from './wait.ts'

/** Mount points of the hierarchies: { memory: '/sys/fs/cgroup/memory', …, '': v2 }. */
export function hierarchies(): Record<string, string> {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
  return Object.fromEntries(
    lines.flatMap((line) => {
      const path = line.split(' ')[4] as string
      if (line.includes(' - cgroup2 ')) return [['', path]]
      const names = (line.split(' ').at(-1) as string).split(',')
      return names.map((name) => [name, path])
    }),
  )
}

/** The directory of a process in a hierarchy. */
export const directoryOf = (pid: number, controller: string) =>
  `${hierarchies()[controller]}${processCgroups(pid)[controller]}`

/** The text of a file in a process's cgroup. */
export const value = (pid: number, controller: string, file: string) =>
  readFileSync(`${directoryOf(pid, controller)}/${file}`, 'utf8').trim()

/** Changes what davit remembers of a container's cgroups, which is all that it knows of them; undone with the test. */
export function changeCgroups(id: string, change: (cgroup: { v1: string[]; v2?: string }) => void): void {
  changeRecord(id, ({ cgroup }) => change(cgroup))
}

/** As if the container had been made without cgroups. */
export function forgetCgroups(id: string): void {
  changeRecord(id, (record: { cgroup?: unknown }) => {
    delete record.cgroup
  })
}

function changeRecord<T>(id: string, change: (record: T & { cgroup: { v1: string[]; v2?: string } }) => void): void {
  const file = `${stateRoot()}/${id}/state.json`
  const before = readFileSync(file, 'utf8')
  const record = JSON.parse(before)
  change(record)
  writeFileSync(file, JSON.stringify(record))
  atEnd(async () => {
    if (existsSync(file)) writeFileSync(file, before)
    await davit(['delete', '--force', id])
    for (const left of cgroupsNamed(id)) await until(`removal of ${left}`, () => removed(left))
  })
}

/** As if the machine had cgroups of one version only. */
export function onlyCgroups(id: string, version: 'v1' | 'v2'): void {
  changeCgroups(id, (cgroup) => {
    if (version === 'v2') cgroup.v1 = []
    else delete cgroup.v2
  })
}

/** False while there are processes, zombies included. */
function removed(directory: string): boolean {
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false
    throw error
  }
}
