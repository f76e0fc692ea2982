/** Where the cgroups of processes are, and what their files say. */
import { readFileSync } from 'node:fs'
import { processCgroups } from './kernel.ts'

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
