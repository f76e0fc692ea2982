/** docs/conformance for a machine with nothing but cgroup v2: what the suite said in guests, as pages. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { CASES } from '../../conformance/cases/catalog.ts'
import { FORMATS } from '../../conformance/report/formats.ts'
import type { Report } from '../../conformance/results.ts'
import { CHECKOUT, say } from './host.ts'

/** One guest's part of a page. */
export interface Part {
  readonly name: string
  /** What the suite is told, but for the format. */
  readonly flags: string
}

interface Page {
  readonly file: string
  readonly parts: readonly Part[]
}

const RUNTIMES = { davit: 'build/davit', runc: '/usr/sbin/runc', crun: '/usr/bin/crun' } as const

const given = (paths: readonly string[]) => paths.map((path) => `--runtime ${path}`).join(' ')

/** A case is given up after so many seconds: emulated, one of many races takes minutes. */
const PATIENCE = '--patience 900'

/**
 * By process 1. Where that is no systemd, all cases, each runtime in a guest of its own, as one takes half an hour; where
 * systemd makes the cgroups, what is about them, of all runtimes in one.
 */
export const PAGES: Readonly<Record<'fast' | 'systemd', Page>> = {
  fast: {
    file: 'cgroup_v2',
    parts: Object.entries(RUNTIMES).map(([name, path]) => ({ name, flags: `${given([path])} ${PATIENCE}` })),
  },
  systemd: {
    file: 'cgroup_systemd',
    parts: [
      {
        name: 'all',
        flags: `${given(Object.values(RUNTIMES))} --group cgroups --group update --group systemd --systemd-cgroup`,
      },
    ],
  },
}

/** Where what guests said of a part is kept, as JSON, until the page is written. */
const keptOf = (init: keyof typeof PAGES, { name }: Part) => `${CHECKOUT}/build/test/conformance-${init}-${name}.json`

/** Runs the suite in the guest, with its report in the place of the tests' results; `filter`: only cases whose id matches. */
export const conformanceCommand = ({ flags }: Part, filter?: string): string => {
  const some = filter === undefined ? '' : `--filter '${filter}'`
  return `mkdir -p build/test; build/davit-conformance ${flags} ${some} --format json >build/test/results.json`
}

const load = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Report

/** Puts results in the place of older ones, by case. */
function renew(old: Report, report: Report): Report {
  const runtimes = report.runtimes.map((it) => {
    const before = old.runtimes.find(({ path, version }) => path === it.path && version === it.version)
    const results = sorted([...(before?.results ?? []), ...it.results])
    return { ...it, seconds: before?.seconds ?? it.seconds, results }
  })
  return { ...report, cases: sorted([...old.cases, ...report.cases]), runtimes }
}

const ORDER = new Map(CASES.map(({ id }, index) => [id, index]))

/** In the order of the suite, without what it no longer has; of several with one id the last. */
function sorted<T extends { readonly id: string }>(list: readonly T[]): T[] {
  const place = ({ id }: T) => ORDER.get(id) ?? -1
  const last = [...new Map(list.map((it) => [it.id, it])).values()]
  return last.filter((it) => place(it) >= 0).sort((one, other) => place(one) - place(other))
}

/** Keeps what a guest said of a part; where it was asked for `some` cases only, the others' results stay. */
export function keep(init: keyof typeof PAGES, part: Part, results: string, some: boolean): void {
  const path = keptOf(init, part)
  const report = load(results)
  writeFileSync(path, JSON.stringify(some && existsSync(path) ? renew(load(path), report) : report))
}

/** The parts as one report, if each of them has been judged on the same machine. */
function merge(reports: readonly Report[]): Report {
  const [first, ...rest] = reports
  if (first === undefined) throw new Error('no report')
  const other = rest.find(({ machine }) => machine !== first.machine)
  if (other) throw new Error(`judged on ${first.machine} and on ${other.machine}`)
  const cases = sorted(reports.flatMap((report) => report.cases))
  return { ...first, cases, runtimes: reports.flatMap(({ runtimes }) => runtimes) }
}

/** What is to be judged yet, in words. */
function missing({ cases, runtimes }: Report): string[] {
  return runtimes.flatMap(({ name, results }) => {
    const judged = new Set(results.map(({ id }) => id))
    return cases.filter(({ id }) => !judged.has(id)).map(({ id }) => `${name}: ${id}`)
  })
}

/** Writes the pages, once all parts of them are judged: by this run and by earlier ones. */
export function writeConformance(init: keyof typeof PAGES): void {
  const { file, parts } = PAGES[init]
  const absent = parts.filter((part) => !existsSync(keptOf(init, part)))
  if (absent.length > 0) return say(`${file}: not yet judged: ${absent.map(({ name }) => name).join(', ')}`)
  const report = merge(parts.map((part) => load(keptOf(init, part))))
  const open = missing(report)
  if (open.length > 0) return say(`${file}: not yet judged: ${open.join(', ')}`)
  for (const format of ['md', 'html']) {
    const path = `docs/conformance/${file}.${format}`
    writeFileSync(`${CHECKOUT}/${path}`, FORMATS[format]?.render(report) ?? '')
    say(path)
  }
}
