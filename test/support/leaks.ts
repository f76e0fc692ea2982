/** What a container can leave on the machine, looked for by the names that a test used. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const CGROUPS = '/sys/fs/cgroup'

/** Mount points of this process's namespace below a directory. */
export function mountsBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
}

/** Cgroup directories with this name, in all hierarchies. */
export function cgroupsNamed(name: string, below = CGROUPS, depth = 8): string[] {
  let entries: string[]
  try {
    entries = readdirSync(below, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  } catch {
    return [] // it went away while we looked
  }
  return entries.flatMap((entry) => {
    const path = `${below}/${entry}`
    return entry === name ? [path] : depth > 0 ? cgroupsNamed(name, path, depth - 1) : []
  })
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

function link(pid: string, file: string): string {
  try {
    return readlinkSync(`/proc/${pid}/${file}`)
  } catch {
    return ''
  }
}

/** Live processes that are in a cgroup of one of the ids, or have the directory in their command line or as their place. */
function search(directory: string, ids: readonly string[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      if (/^State:\s+[ZX]/m.test(read(pid, 'status'))) return false
      const groups = read(pid, 'cgroup').split(/[/\n]/)
      if (ids.some((id) => groups.includes(id))) return true
      return [read(pid, 'cmdline'), link(pid, 'root'), link(pid, 'cwd')].some((text) => text.includes(directory))
    })
    .map((pid) => `process ${pid} (${read(pid, 'cmdline').replaceAll('\0', ' ').trim()})`)
}

/** The same, with a moment for those that are just ending. */
export async function processesNaming(directory: string, ids: readonly string[]): Promise<string[]> {
  for (let i = 0; ; i++) {
    const found = search(directory, ids)
    if (found.length === 0 || i === 40) return found
    await new Promise((done) => setTimeout(done, 25))
  }
}

/** Processes whose root is mounted from below a directory: those of containers, which need not name it anywhere else. */
export function processesRootedIn(directory: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) =>
      read(pid, 'mountinfo')
        .split('\n')
        .map((line) => line.split(' '))
        .some(([, , , root = '', at]) => at === '/' && root.startsWith(`${directory}/`)),
    )
    .map((pid) => `process ${pid} (${read(pid, 'comm').trim()})`)
}
