/** What the program view.c says of a container, and the kernel of its cgroups, as a flat table to be compared. */
import { readdirSync, readFileSync } from 'node:fs'
import { hierarchies } from './cgroups.ts'
import { namespaceOf, parseMountInfo, parseStatus, processCgroups } from './kernel.ts'

/** Place to value; places are such as "status Umask", "mount /proc", "cgroup pids.max". */
export type View = Readonly<Record<string, string>>

/** Of /proc/self/status: what a runtime decides. */
const STATUS =
  'Umask Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Seccomp_filters SigBlk SigIgn SigCgt SigPnd ShdPnd Cpus_allowed_list Mems_allowed_list'.split(
    ' ',
  )

/** Files that count or that only take orders. */
const COUNTERS =
  /stat|usage|peak|current|events|pressure|failcnt|procs|tasks|serviced|service_bytes|slabinfo|threads|effective|event_control|reset_stats|force_empty|allow$|deny$|cpuacct|cgroup\.kill/

/** Sections of a single value. */
const WHOLE =
  /^(oom_score_adj|uid_map|gid_map|setgroups|timens_offsets|personality|coredump_filter|loginuid|keyring|[a-z]+\/.*)$/

function sections(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  let lines: string[] = []
  for (const line of text.replaceAll('\r', '').split('\n')) {
    if (line.startsWith('== ')) {
      lines = []
      found.set(line.slice(3), lines)
    } else if (line !== '') lines.push(line)
  }
  return found
}

/** Mounts in their order, each by its path; one over another of the same path has a number. */
function mounts(lines: readonly string[]): View {
  const view: Record<string, string> = {}
  const list = parseMountInfo(lines.join('\n'))
  for (const { path, root, options, propagation, type, source, data } of list) {
    let place = `mount ${path}`
    for (let count = 2; view[`${place} type`] !== undefined; count++) place = `mount ${path}#${count}`
    view[`${place} type`] = type
    view[`${place} source`] = source
    view[`${place} root`] = root
    view[`${place} options`] = options.join()
    view[`${place} propagation`] = propagation.map((each) => each.replace(/:\d+/, '')).join() || 'private'
    // The machine's own file systems are as large as the machine.
    view[`${place} data`] = type === 'devtmpfs' ? '' : data.join()
  }
  return { ...view, 'mount order': list.map(({ path }) => path).join(' ') }
}

/** "first word" to the rest of the line. */
function words(name: string, lines: readonly string[]): View {
  return Object.fromEntries(
    lines.map((line) => {
      const cut = line.indexOf(' ')
      return [`${name} ${cut < 0 ? line : line.slice(0, cut)}`, cut < 0 ? '' : line.slice(cut + 1)]
    }),
  )
}

/** Pipes and sockets without their numbers. */
const anonymous = (lines: readonly string[]) => lines.map((line) => line.replace(/:\[\d+\]/, ''))

/** The text that view printed. */
export function parseView(text: string): View {
  const view: Record<string, string> = {}
  for (const [name, lines] of sections(text)) {
    if (name === 'status') {
      const status = parseStatus(lines.join('\n'))
      for (const key of STATUS) view[`status ${key}`] = status[key] ?? 'none'
    } else if (name === 'mountinfo') Object.assign(view, mounts(lines))
    else if (name === 'limits') {
      for (const line of lines.slice(1))
        view[`limit ${line.slice(4, 26).trim()}`] = line.slice(26).trim().replace(/ +/g, ' ')
    } else if (name === 'namespaces') Object.assign(view, words('namespace', lines.map(sharedWithHost)))
    else if (name === 'cgroup') {
      for (const line of lines) view[`in cgroup ${line.split(':')[1]}`] = line.split(':').slice(2).join(':')
    } else if (name === 'args' || name === 'env' || WHOLE.test(name)) {
      view[name] = lines.map((line) => line.trim().replace(/\s+/g, ' ')).join(' | ')
    } else Object.assign(view, words(name, name === 'fds' ? anonymous(lines) : lines))
  }
  return view
}

function sharedWithHost(line: string): string {
  const [name = '', id] = line.split(' ')
  return `${name} ${id === namespaceOf('self', name) ? 'of the host' : 'its own'}`
}

/** The settings of a process's cgroups, read from outside. */
export function cgroupView(pid: number): View {
  const view: Record<string, string> = {}
  const mounted = hierarchies()
  for (const [controller, place] of Object.entries(processCgroups(pid))) {
    const mount = mounted[controller]
    if (mount === undefined) continue
    const dir = `${mount}${place}`
    view[`cgroup of ${controller || 'v2'}`] = place
    for (const file of readdirSync(dir)) {
      if (COUNTERS.test(file)) continue
      const text = settings(`${dir}/${file}`)
      if (text !== undefined) view[`cgroup ${controller || 'v2'} ${file}`] = text
    }
  }
  return view
}

function settings(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').sort().join(' | ')
  } catch {
    return undefined // a directory, or a file that can be written only
  }
}
