/** What there is on a machine that containers could leave something of, to be taken before and after. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { ALONE } from './pace.ts'

const CGROUPS = '/sys/fs/cgroup'

/** The parts of a snapshot are sorted lists, so that a comparison shows what has come or gone. */
export interface Snapshot {
  readonly cgroups: readonly string[]
  readonly units: readonly string[]
  readonly mounts: readonly string[]
  readonly processes: readonly string[]
  /** Of this process. */
  readonly fds: readonly string[]
}

/**
 * `names`: ids, or parts of paths. Where others come and go only what has one of them in it is looked at; all of a machine
 * that is the tests' own.
 */
export function snapshot(names: readonly string[]): Snapshot {
  const ours = (text: string) => ALONE || names.some((name) => text.includes(name))
  return {
    cgroups: directories(CGROUPS).filter(ours).sort(),
    units: units().filter(ours).sort(),
    // Without their numbers, which are used again.
    mounts: lines(read('/proc/self/mountinfo'))
      .map((line) => line.split(' ').slice(3).join(' '))
      .filter(ours)
      .sort(),
    processes: processes().filter(ours).sort(),
    fds: readdirSync('/proc/self/fd')
      .map(fd)
      .filter((name) => name !== '')
      .sort(),
  }
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '')

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // it has gone meanwhile
  }
}

function directories(path: string): string[] {
  let names: string[]
  try {
    names = readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
  return names.flatMap((name) => [`${path}/${name}`, ...directories(`${path}/${name}`)])
}

/** Loaded ones, failed ones among them, and what systemd keeps of transient ones. */
function units(): string[] {
  if (!existsSync('/run/systemd/system')) return []
  const flags = ['list-units', '--all', '--plain', '--no-legend', '--full', '--type=scope,slice,service']
  const listed = lines(execFileSync('systemctl', flags, { encoding: 'utf8' })).map((line) => line.split(' ')[0] ?? '')
  const transient = '/run/systemd/transient'
  return [...listed, ...(existsSync(transient) ? readdirSync(transient) : [])]
}

/** Command line and cgroup of each, zombies too; without threads of the kernel, whose number changes, and servants of systemd. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const [, comm = '', , parent = ''] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(read(`/proc/${pid}/stat`)) ?? []
      if (comm === '' || pid === '2' || parent === '2' || comm.startsWith('(')) return []
      const line = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
      return [`${pid} ${line || comm} ${lines(read(`/proc/${pid}/cgroup`)).join(' ')}`]
    })
}

/** What an fd leads to, without numbers of inodes; '' for that of the directory that is being read. */
function fd(number: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${number}`)
      .replace(/\[\d+\]$/, '')
      .replace(/^\/proc\/\d+\/fd$/, '')
  } catch {
    return ''
  }
}
