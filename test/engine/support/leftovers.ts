/** What is on an engine's host, to be compared before and after: what a run has left is what is new. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Host } from './host.ts'

/** Sorted lines, each naming one thing. */
export type Snapshot = readonly string[]

const lines = (text: string) => text.split('\n').filter((line) => line !== '')

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // it ended meanwhile
  }
}

/** One of the kernel's own threads, which come and go; their parent is the first of them. */
const kernels = (host: Host, pid: string) =>
  host.pid === 1 && (pid === '2' || /^PPid:\t2$/m.test(read(host.path(`/proc/${pid}/status`))))

function processes(host: Host): string[] {
  const pids = readdirSync(host.path('/proc')).filter((name) => /^\d+$/.test(name))
  return pids.flatMap((pid) => {
    const command = read(host.path(`/proc/${pid}/cmdline`))
      .replaceAll('\0', ' ')
      .trim()
    const name = command || read(host.path(`/proc/${pid}/comm`)).trim()
    return name === '' || kernels(host, pid) ? [] : [`process ${pid} ${name}`]
  })
}

function mounts(host: Host): string[] {
  return lines(read(`/proc/${host.pid}/mountinfo`)).map((line) => `mount ${line.split(' ')[4]}`)
}

function cgroups(host: Host): string[] {
  const below = (path: string): string[] =>
    readdirSync(host.path(path), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => [`cgroup ${path}/${entry.name}`, ...below(`${path}/${entry.name}`)])
  return lines(read(`/proc/${host.pid}/mountinfo`))
    .filter((line) => / - cgroup2? /.test(line))
    .flatMap((line) => below(line.split(' ')[4] as string))
}

/** Files, fifos and the like that daemons have open; not their sockets and pipes, of which dockerd has more or fewer at rest. */
function descriptors(host: Host, names: readonly string[]): string[] {
  const pids = readdirSync(host.path('/proc')).filter((pid) => /^\d+$/.test(pid))
  return pids.flatMap((pid) => {
    const name = read(host.path(`/proc/${pid}/comm`)).trim()
    if (!names.includes(name)) return []
    const targets = readdirSync(host.path(`/proc/${pid}/fd`)).map((fd) => target(host.path(`/proc/${pid}/fd/${fd}`)))
    return targets
      .filter((text) => text !== '' && !/^(socket|pipe):/.test(text))
      .map((text) => `fd of ${name}: ${text}`)
  })
}

/** What an fd leads to, without the number that tells one pipe from another. */
function target(path: string): string {
  try {
    return readlinkSync(path).replace(/\[\d+\]$/, '')
  } catch {
    return '' // closed meanwhile
  }
}

/** Processes, mounts, cgroups, links, rules of iptables, and the fds of the processes of these names. */
export async function snapshot(host: Host, daemons: readonly string[] = []): Promise<Snapshot> {
  const [links, rules] = await Promise.all([
    host.output('ip', ['-o', 'link']),
    host.output('iptables-save', []).catch(() => ''),
  ])
  return [
    ...processes(host),
    ...mounts(host),
    ...cgroups(host),
    ...descriptors(host, daemons),
    ...lines(links).map((line) => `link ${line.split(': ')[1]}`),
    ...lines(rules)
      .filter((line) => line.startsWith('-A'))
      .map((line) => `rule ${line}`),
  ].sort()
}

/** What is in `after` more often than in `before`, except for what matches; asked again until it is nothing, or 10 s. */
export async function leftSince(
  host: Host,
  before: Snapshot,
  daemons: readonly string[] = [],
  expected: readonly RegExp[] = [],
): Promise<string[]> {
  for (let i = 0; ; i++) {
    const rest = [...(await snapshot(host, daemons))].filter((line) => !expected.some((pattern) => pattern.test(line)))
    for (const line of before) if (rest.includes(line)) rest.splice(rest.indexOf(line), 1)
    if (rest.length === 0 || i === 40) return rest
    await new Promise((done) => setTimeout(done, 250))
  }
}
