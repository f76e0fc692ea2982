/**
 * A process that judges cases, one after the other: their ids come on stdin, their results go to stdout, a line each.
 * Cases wait without giving other code a turn, so that several at once take several processes.
 */
import { createInterface } from 'node:readline'
import { CASES } from './cases/catalog.ts'
import { judge } from './judge.ts'
import { Subject } from './subject.ts'
import type { Identity } from './versions.ts'

/** What a worker is told on its command line, as JSON. */
export interface Order {
  readonly runtime: string
  readonly identity: Identity
  /** A folder for its bundles, of its own. */
  readonly folder: string
  /** The busybox that containers are made of. */
  readonly busybox: string
  /** How often a race is run. */
  readonly turns: number
  /** How many containers come and go in the case about that. */
  readonly lifecycles: number
}

/** Works until stdin ends. */
export async function work({ runtime, identity, folder, busybox, turns, lifecycles }: Order): Promise<void> {
  // A terminal sends it to all; whoever gives the orders sees to it that the last case is cleaned up.
  process.on('SIGINT', () => {})
  const subject = new Subject(runtime, folder, busybox, turns, lifecycles)
  for await (const id of createInterface({ input: process.stdin })) {
    const it = CASES.find((each) => each.id === id)
    if (it === undefined) throw new Error(`no case ${id}`)
    process.stdout.write(`${JSON.stringify(judge(it, subject, identity))}\n`)
  }
}
