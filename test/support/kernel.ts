/** The kernel's own view of processes and mounts, for tests to hold against what was asked for. */
import { readFileSync, readlinkSync } from 'node:fs'

/** One line of mountinfo, proc_pid_mountinfo(5). */
export interface MountInfo {
  readonly root: string
  readonly path: string
  /** Of the mount: ro or rw, nosuid, relatime… sorted. */
  readonly options: readonly string[]
  /** "shared:1", "master:2", "unbindable"… */
  readonly propagation: readonly string[]
  readonly type: string
  readonly source: string
  /** Of the superblock, sorted. */
  readonly data: readonly string[]
}

const unescapeOctal = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** Parses the text of a mountinfo file. */
export function parseMountInfo(text: string): MountInfo[] {
  return text
    .split('\n')
    .filter((line) => line.includes(' - '))
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ')
      const [, , , root = '', path = '', options = '', ...propagation] = left.split(' ')
      const [type = '', source = '', data = ''] = right.split(' ')
      return {
        root: unescapeOctal(root),
        path: unescapeOctal(path),
        options: options.split(',').sort(),
        propagation,
        type,
        source: unescapeOctal(source),
        // Quoted is what has commas of its own: a label.
        data: (data.match(/("[^"]*"|[^,])+/g) ?? []).sort(),
      }
    })
}

/** The uppermost mount at a path. */
export function mountAt(mounts: readonly MountInfo[], path: string): MountInfo {
  const found = mounts.findLast((mount) => mount.path === path)
  if (!found) throw new Error(`no mount at ${path}; there are ${mounts.map((mount) => mount.path).join(' ')}`)
  return found
}

/** The fields of a /proc/PID/status text. */
export function parseStatus(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.includes(':'))
      .map((line) => {
        const cut = line.indexOf(':')
        return [
          line.slice(0, cut),
          line
            .slice(cut + 1)
            .trim()
            .replace(/\s+/g, ' '),
        ]
      }),
  )
}

export function processStatus(pid: number): Record<string, string> {
  return parseStatus(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

export function processMounts(pid: number | 'self'): MountInfo[] {
  return parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))
}

/** "net:[4026531840]" of a process, for example. */
export function namespaceOf(pid: number | 'self', type: string): string {
  return readlinkSync(`/proc/${pid}/ns/${type}`)
}

/** Cgroup paths of a process by hierarchy: { memory: '/a', 'cpu': '/a', '': '/a' }; v2 is ''. */
export function processCgroups(pid: number | 'self'): Record<string, string> {
  const entries = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n').filter(Boolean)
  return Object.fromEntries(
    entries.flatMap((line) => {
      const [, controllers = '', path = ''] = line.split(':')
      return controllers.split(',').map((controller) => [controller, path])
    }),
  )
}

/** Time on the CPU of all threads of a process so far, user and system, in ms. */
export function cpuTime(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10 // USER_HZ is 100
}
