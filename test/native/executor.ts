/**
 * Runs small plans in the executor alone: in the build with the sanitizers, and in davit-init itself. The parent's
 * part is played by the test: it hears every report and answers syncs.
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'
import { closeFd, openFile } from '../../src/ffi/file.ts'
import { libexecFolder } from '../../src/ffi/libexec.ts'
import { type Launched, launch, reap, signalPidfd, waitFor } from '../../src/host/process.ts'
import { awaitReadable } from '../../src/host/signals.ts'
import { receive, send, socketPair } from '../../src/host/socket.ts'
import { errnoName } from '../../src/kernel/errno.ts'
import { O_DIRECTORY, O_PATH } from '../../src/kernel/files.ts'
import type { ChildStep } from '../../src/plan/step.ts'
import { TAGS } from '../../src/plan/tags.ts'
import { decodeReport, encodeAnswer, type Report } from '../../src/wire/decode.ts'
import { encodePlan } from '../../src/wire/encode.ts'

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
export const ARCH = process.arch === 'arm64' ? 'arm64' : 'x64'
const LIMIT = 20_000

/** The programs with the sanitizers, built when they are older than their sources. */
export function nativeTests(): { readonly run: string; readonly fuzz: string; readonly smash: string } {
  execFileSync('make', ['-s', 'native-tests'], { cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'inherit'] })
  const at = `${REPOSITORY}build/test/native-`
  return { run: `${at}run`, fuzz: `${at}fuzz`, smash: `${at}smash` }
}

export type Executor = 'sanitized' | 'davit-init'
export const EXECUTORS: readonly Executor[] = ['sanitized', 'davit-init']

let directory: string | undefined

/** The directory of the running test. */
export function place(): string {
  directory ??= mkdtempSync(`${tmpdir()}/davit-native-`)
  return directory
}

afterEach(() => {
  if (directory && existsSync(directory)) rmSync(directory, { recursive: true, force: true })
  directory = undefined
})

export interface Options {
  readonly executor?: Executor
  readonly stage?: readonly ChildStep[]
  /** fds of the test that the plan finds in its slots. */
  readonly slots?: Readonly<Record<number, number>>
  /** What syncs are answered with: 0 or a negative errno, other bytes, nothing; or the parent goes away. */
  readonly answer?: (tag: number) => number | Buffer | 'nothing' | 'leave'
  /** Called when the executor has closed the socket, and before its end is awaited. */
  readonly closed?: () => void
  readonly keepFds?: number
  /** More fds that the program inherits: [fd, its number there]. */
  readonly inherit?: readonly (readonly [number, number])[]
  /** clone(2) flags. */
  readonly flags?: number
  /** Runs the bytes through this before they are used. */
  readonly change?: (bytes: Buffer) => Buffer
}

export interface Outcome {
  readonly reports: readonly Report[]
  /** The first failure in words: "init 3 ENOENT", the program, the step and the errno; '' when there was none. */
  readonly failure: string
  readonly detail: Buffer
  /** Exit code, or the signal's name with a minus: what the last process of the plan ended with. */
  readonly end: number
  readonly stdout: string
  /** What the sanitizers say goes here; nothing else may. */
  readonly stderr: string
}

function outcome(reports: readonly Report[], steps: ReturnType<typeof encodePlan>['steps'], end: number): Outcome {
  const failed = reports.find((report) => report.kind === 'failed')
  const read = (name: string) => readFileSync(`${place()}/${name}`, 'utf8')
  return {
    reports,
    failure: failed ? `${failed.program} ${steps[failed.program][failed.record]} ${errnoName(failed.errno)}` : '',
    detail: failed?.detail ?? Buffer.alloc(0),
    end,
    stdout: read('.stdout'),
    stderr: read('.stderr'),
  }
}

/** Hears reports until the socket closes. */
function converse(peer: number, options: Options, reports: Report[]): void {
  for (;;) {
    const ready = awaitReadable(peer, LIMIT)
    if (!ready) throw new Error(`no report for ${LIMIT} ms after ${JSON.stringify(reports)}`)
    const { message, fd } = receive(peer)
    if (fd >= 0) closeFd(fd)
    if (message.length === 0) return
    const report = decodeReport(message)
    reports.push(report)
    if (report.kind !== 'sync' && report.kind !== 'listener') continue
    const tag = report.kind === 'sync' ? report.tag : TAGS.listener
    const value = options.answer ? options.answer(tag) : 0
    if (value === 'leave') return
    if (value === 'nothing') continue
    send(peer, typeof value === 'number' ? encodeAnswer(tag, value) : value, 'answer')
  }
}

function end(child: Launched): number {
  const exit = waitFor(child, LIMIT)
  if (!exit) signalPidfd(child.pidfd, 9)
  closeFd(child.pidfd)
  if (!exit) throw new Error(`the executor ran for more than ${LIMIT} ms`)
  return exit.code ?? -(exit.signal ?? 0)
}

/** Runs the steps of init (and of a stage). */
export function runPlan(init: readonly ChildStep[], options: Options = {}): Outcome {
  const { executor = 'sanitized' } = options
  const open: number[] = []
  const keep = (fd: number) => {
    open.push(fd)
    return fd
  }
  const [ours, theirs] = socketPair().map(keep) as [number, number]
  const slots = new Map([[0, theirs], ...Object.entries(options.slots ?? {}).map(([k, v]) => [Number(k), v] as const)])
  const plan = {
    parent: [],
    presets: [],
    stage: options.stage ?? [],
    init,
    keepFds: options.keepFds ?? 0,
    warnings: [],
  }
  const { bytes, steps } = encodePlan(plan, slots, ARCH)
  const file = `${place()}/.plan`
  writeFileSync(file, (options.change ?? ((same) => same))(Buffer.from(bytes)))
  for (const name of ['.stdout', '.stderr']) writeFileSync(`${place()}/${name}`, '')
  const reports: Report[] = []
  try {
    const planFd = keep(openFile(file, 0))
    const streams = [1, 2].map(
      (fd) => [keep(openFile(`${place()}/.std${fd === 1 ? 'out' : 'err'}`, 0o2001)), fd] as const,
    )
    const program =
      executor === 'sanitized'
        ? { path: nativeRun(), args: ['native-run', 'run', file] }
        : { path: `${libexecFolder()}/davit-init`, args: ['davit-init', `${planFd}`] }
    const child = launch('run the executor', {
      ...program,
      env: ['ASAN_OPTIONS=detect_leaks=0', 'UBSAN_OPTIONS=print_stacktrace=1'],
      flags: options.flags ?? 0,
      fds: [...streams, ...[...slots.values(), planFd].map((fd) => [fd, -1] as const), ...(options.inherit ?? [])],
    })
    closeFd(theirs)
    open.splice(open.indexOf(theirs), 1)
    converse(ours, options, reports)
    closeFd(ours)
    open.splice(open.indexOf(ours), 1)
    options.closed?.()
    let status = end(child)
    for (const report of reports) {
      if (report.kind === 'child') status = reap(report.pid)?.code ?? status
    }
    return outcome(reports, steps, status)
  } finally {
    for (const fd of open) closeFd(fd)
  }
}

let built: string | undefined

function nativeRun(): string {
  built ??= nativeTests().run
  return built
}

/** An fd of a directory, for a slot. The caller closes it. */
export function directoryFd(path: string): number {
  return openFile(path, O_PATH | O_DIRECTORY)
}

let files = 0

/** Runs steps without anybody to talk to, beside others. Resolves to the exit code. */
export function runAlone(init: readonly ChildStep[]): Promise<number | null> {
  const plan = { parent: [], presets: [], stage: [], init, keepFds: 0, warnings: [] }
  const file = `${place()}/.plan${++files}`
  writeFileSync(file, encodePlan(plan, new Map(), ARCH).bytes)
  return new Promise((resolve, reject) => {
    const child = spawn(nativeRun(), ['run', file], { stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', reject)
    child.on('exit', resolve)
  })
}
