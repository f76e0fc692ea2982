/** Hands cases out to workers, as many at once as asked for; those that are serial come last, and alone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { endFamily } from './abandoned.ts'
import type { Grouped } from './cases/catalog.ts'
import type { Result } from './results.ts'
import type { Order } from './worker.ts'

/** What a case has is enough for so many turns of a race; more have more. */
const TURNS = 120

export interface Work {
  /** The command that starts a worker; its order is appended. */
  readonly command: readonly string[]
  readonly order: Order
  readonly jobs: number
  /** A case that takes longer, in milliseconds, is given up; one that needs long has more. */
  readonly patience: number
  /** Called with each result, as it comes. */
  readonly onResult: (result: Result) => void
  /** Set when no further case is to begin. */
  readonly stop: { asked: boolean }
}

/** Runs the suite's own command on an order to its end, which says nothing. */
function carryOut({ command }: Work, flag: string, order: Order): Promise<void> {
  const [program = '', ...argv] = [...command, flag, JSON.stringify(order)]
  return new Promise((resolve) => {
    spawn(program, argv, { stdio: ['ignore', 'inherit', 'inherit'] }).on('close', () => resolve())
  })
}

class Worker {
  private readonly process: ChildProcess
  private answer: ((line: string | undefined) => void) | undefined
  private readonly ended: Promise<void>
  private readonly work: Work
  private readonly order: Order
  /** Why it ended. */
  why = 'the suite’s own worker ended'

  constructor(work: Work, name: string) {
    const folder = `${work.order.folder}/${name}`
    mkdirSync(folder)
    this.work = work
    this.order = { ...work.order, folder }
    const argv = [...work.command, '--worker', JSON.stringify(this.order)]
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
      const clock = setTimeout(() => this.giveUp(patience), patience)
      this.answer = (line) => {
        clearTimeout(clock)
        this.answer = undefined
        resolve(line === undefined ? undefined : (JSON.parse(line) as Result))
      }
      if (this.process.exitCode !== null || this.process.signalCode !== null) this.answer(undefined)
      else this.process.stdin?.write(`${id}\n`)
    })
  }

  private giveUp(patience: number): void {
    this.why = `it did not end within ${patience / 1000} s`
    if (this.process.pid !== undefined) endFamily(this.process.pid)
  }

  /** Takes away what it leaves that has ended over a case; in its surroundings, and while others work on. */
  async clearAway(): Promise<void> {
    await this.end()
    await carryOut(this.work, '--clear', this.order)
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
    const patience = it.patience?.(work.order.lifecycles) ?? work.patience * Math.max(1, work.order.turns / TURNS)
    const result = await worker.judge(it.id, patience)
    const lost = {
      id: it.id,
      verdict: 'failed',
      reason: worker.why,
      ms: patience,
      evidence: [],
    } as const
    if (result === undefined) await worker.clearAway()
    // What the running case came to when it was interrupted says nothing of the runtime.
    if (work.stop.asked) break
    work.onResult(result ?? lost)
    if (result === undefined) worker = new Worker(work, `worker-${number++}`)
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
