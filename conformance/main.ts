/** Judges runtimes and writes reports: the whole of the suite but for where its executable and its busybox are. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import { clearAway } from './abandoned.ts'
import type { Grouped } from './cases/catalog.ts'
import { HELP, type Options, parseOptions, Unusable } from './command_line.ts'
import { INTERRUPTIONS } from './interrupt.ts'
import { describeMachine, surroundingsFor } from './machine.ts'
import { judgeAll } from './pool.ts'
import { Progress } from './progress.ts'
import { FORMATS } from './report/formats.ts'
import { renderFailures, renderSummary } from './report/summary.ts'
import type { Judged, Report, Result } from './results.ts'
import { swapForEver } from './system_calls.ts'
import { type Identity, parseIdentity } from './versions.ts'
import { type Order, work } from './worker.ts'

/** How the suite finds itself. */
export interface Self {
  /** The command that starts it again. */
  readonly command: readonly string[]
  /** Puts a static busybox into a folder; the path. */
  readonly busybox: (folder: string) => string
}

/** `sign`: the file that interrupts workers, once there is a folder for it. */
const STOP = { asked: false, sign: '' }

interface Candidate {
  /** As it was given. */
  readonly path: string
  readonly identity: Identity
}

/** Asks a runtime for its version; it must answer. */
function identify(path: string): Candidate {
  const { status, stdout, error } = spawnSync(resolve(path), ['--version'], { encoding: 'utf8', timeout: 20_000 })
  if (status !== 0) throw new Unusable(`${path} --version: ${error?.message ?? `exit ${status}`}`)
  return { path, identity: parseIdentity(stdout) }
}

/** A new folder that users whom a namespace maps to others pass through, to their rootfs. */
function makeFolder(prefix: string): string {
  const path = mkdtempSync(prefix)
  chmodSync(path, 0o711)
  return path
}

async function judgeRuntime(
  { path, identity }: Candidate,
  { cases, jobs, patience, turns, lifecycles, driver }: Options,
  self: Self,
  folder: string,
): Promise<Judged> {
  const { command, note } = surroundingsFor(identity.name)
  const own = makeFolder(join(folder, 'runtime-'))
  const results = new Map<string, Result>()
  const progress = new Progress(`${identity.name} ${identity.version}`, cases.length)
  const begin = performance.now()
  await judgeAll(cases, {
    command: [...command, ...self.command],
    order: {
      runtime: resolve(path),
      identity,
      folder: own,
      busybox: self.busybox(own),
      sign: STOP.sign,
      turns,
      lifecycles,
      driver,
    },
    jobs,
    patience,
    stop: STOP,
    onResult(result) {
      results.set(result.id, result)
      progress.step(result.id, result.verdict === 'failed')
    },
  })
  progress.end()
  const sorted = cases.flatMap(({ id }) => results.get(id) ?? [])
  const seconds = (performance.now() - begin) / 1000
  return { path, ...identity, seconds, results: sorted, ...(note === undefined ? {} : { note }) }
}

const questionOf = ({ id, group, clause, asks, covers = [] }: Grouped) => ({ id, group, clause, asks, covers })

async function judgeRuntimes(options: Options, self: Self): Promise<Report> {
  const candidates = options.runtimes.map(identify)
  const folder = makeFolder(join(realpathSync(tmpdir()), 'conformance-'))
  STOP.sign = join(folder, 'interrupted')
  const runtimes: Judged[] = []
  try {
    for (const it of candidates) if (!STOP.asked) runtimes.push(await judgeRuntime(it, options, self, folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return {
    suite: packageJson.version,
    specification: '1.3.0',
    date: new Date().toISOString(),
    machine: describeMachine(options.driver),
    cases: options.cases.map(questionOf),
    runtimes,
  }
}

/** The folder of the reports is made before anything is judged: who mistypes it shall not wait ten minutes to be told. */
function makeOut(out: string): void {
  try {
    mkdirSync(out, { recursive: true })
  } catch (error) {
    throw new Unusable(`--out ${out}: ${(error as Error).message}`)
  }
}

/** Reports go where they were asked for; people get a summary, on stderr where stdout has the report. */
function write(report: Report, { formats, out }: Options): void {
  const summary = renderSummary(report)
  for (const name of formats) {
    const format = FORMATS[name]
    if (format === undefined) continue
    if (out === undefined) process.stdout.write(format.render(report))
    else writeFileSync(join(out, format.file), format.render(report))
  }
  if (formats.length > 0 && out === undefined) process.stderr.write(summary)
  else process.stdout.write(`${renderFailures(report)}${summary}`)
}

function list(cases: readonly Grouped[]): string {
  return cases
    .map(({ group, id, clause, asks, covers = [] }) => {
      const rules = covers.length > 0 ? `\n    covers ${covers.join(', ')}` : ''
      return `${group}/${id}\n    ${clause}: ${asks}${rules}\n`
    })
    .join('')
}

async function run(argv: readonly string[], self: Self): Promise<number> {
  const options = parseOptions(argv)
  if (options.help) process.stdout.write(HELP)
  else if (options.list) process.stdout.write(list(options.cases))
  if (options.help || options.list) return 0
  if (options.runtimes.length === 0) throw new Unusable('--runtime is missing')
  if (process.getuid?.() !== 0) throw new Unusable('root is needed to make containers')
  if (options.driver === 'systemd' && !existsSync('/run/systemd/system')) throw new Unusable('systemd does not run')
  for (const signal of INTERRUPTIONS)
    process.on(signal, () => {
      STOP.asked = true
      if (STOP.sign !== '' && existsSync(dirname(STOP.sign))) writeFileSync(STOP.sign, '')
    })
  if (options.out !== undefined) makeOut(options.out)
  const report = await judgeRuntimes(options, self)
  write(report, options)
  if (STOP.asked) throw new Unusable('interrupted')
  return report.runtimes.some(({ results }) => results.some(({ verdict }) => verdict === 'failed')) ? 1 : 0
}

/** Runs the suite, or one of its workers; the exit code. */
export async function main(argv: readonly string[], self: Self): Promise<number> {
  try {
    if (argv[0] === '--swap') swapForEver(argv[1] ?? '', argv[2] ?? '')
    if (argv[0] === '--swap') return 0
    if (argv[0] === '--clear') clearAway(JSON.parse(argv[1] ?? '') as Order)
    if (argv[0] === '--clear') return 0
    if (argv[0] !== '--worker') return await run(argv, self)
    await work(JSON.parse(argv[1] ?? '') as Order)
    return 0
  } catch (error) {
    if (!(error instanceof Unusable)) throw error
    process.stderr.write(`davit-conformance: ${error.message}\n`)
    return 2
  }
}
