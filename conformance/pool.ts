/** Hands cases out to workers, as many at once as asked for; those that are serial come last, and alone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Grouped } from './cases/catalog.ts'
import type { Result } from './results.ts'
import type { Order } from './worker.ts'

/** A case that takes longer is given up: no command of the runtime may take longer than a sixth of it. */
const PATIENCE = 120_000
/** How much of it each turn of a race has. */
const TURN = 1000

export interface Work {
  /** The command that starts a worker; its order is appended. */
  readonly command: readonly string[]
  readonly order: Order
  readonly jobs: number
  /** Called with each result, as it comes. */
  readonly onResult: (result: Result) => void
  /** Set when no further case is to begin. */
  readonly stop: { asked: boolean }
}

class Worker {
  private readonly process: ChildProcess
  private answer: ((line: string | undefined) => void) | undefined
  private readonly ended: Promise<void>

  constructor({ command, order }: Work, name: string) {
    const folder = `${order.folder}/${name}`
    mkdirSync(folder)
    const argv = [...command, '--worker', JSON.stringify({ ...order, folder })]
    this.process = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.process.stdout as NodeJS.ReadableStream }).on('line', (line) => this.answer?.(line))
    // One that has ended takes no further case; that it has ended is the answer.
    this.process.stdin?.on('error', () => {})
    this.ended = new Promise((resolve) => {
      this.process.on('close', () => {
        this.answer?.(undefined)
        resolve()
      })
    })
  }

  /** The result of a case; nothing if the worker ended over it, or took too long. */
  judge(id: string, patience: number): Promise<Result | undefined> {
    return new Promise((resolve) => {
      const clock = setTimeout(() => this.process.kill('SIGKILL'), patience)
      this.answer = (line) => {
        clearTimeout(clock)
        this.answer = undefined
        resolve(line === undefined ? undefined : (JSON.parse(line) as Result))
      }
      if (this.process.exitCode !== null || this.process.signalCode !== null) this.answer(undefined)
      else this.process.stdin?.write(`${id}\n`)
    })
  }

  end(): Promise<void> {
    this.process.stdin?.end()
    return this.ended
  }
}

let number = 0

async function drain(queue: Grouped[], work: Work): Promise<void> {
  let worker = new Worker(work, `worker-${number++}`)
  for (let it = queue.shift(); it !== undefined && !work.stop.asked; it = queue.shift()) {
    const patience = it.patience?.(work.order.lifecycles) ?? Math.max(PATIENCE, work.order.turns * TURN)
    const result = await worker.judge(it.id, patience)
    const lost = {
      id: it.id,
      verdict: 'failed',
      reason: 'the suite’s own worker ended',
      ms: patience,
      evidence: [],
    } as const
    // What the running case came to when it was interrupted says nothing of the runtime.
    if (work.stop.asked) break
    work.onResult(result ?? lost)
    if (result !== undefined) continue
    await worker.end()
    worker = new Worker(work, `worker-${number++}`)
  }
  await worker.end()
}

/** Judges cases until all are done or it is asked to stop, and has made the sign for the running ones. */
export async function judgeAll(cases: readonly Grouped[], work: Work): Promise<void> {
  const together = cases.filter(({ serial }) => !serial)
  const alone = cases.filter(({ serial }) => serial)
  const count = Math.min(work.jobs, together.length)
  await Promise.all(Array.from({ length: count }, () => drain(together, work)))
  if (alone.length > 0 && !work.stop.asked) await drain(alone, work)
}
