/**
 * A process that judges cases, one after the other: their ids come on stdin, their results go to stdout, a line each.
 * Cases wait without giving other code a turn, so that several at once take several processes.
 */
import { createInterface } from 'node:readline'
import { CASES } from './cases/catalog.ts'
import { heedSign, INTERRUPTIONS, Interrupted } from './interrupt.ts'
import { judge } from './judge.ts'
import type { Setting } from './setting.ts'
import { Subject } from './subject.ts'
import type { Identity } from './versions.ts'

/** What a worker is told on its command line, as JSON. */
export interface Order extends Setting {
  readonly identity: Identity
  /** Once this file is there, the running case is to end. */
  readonly sign: string
}

/** Works until stdin ends. */
export async function work({ identity, sign, ...setting }: Order): Promise<void> {
  // They may be sent to all processes of a terminal or a service; what they are to do is told by the sign.
  for (const signal of INTERRUPTIONS) process.on(signal, () => {})
  const subject = new Subject(setting)
  for await (const id of createInterface({ input: process.stdin })) {
    const it = CASES.find((each) => each.id === id)
    if (it === undefined) throw new Error(`no case ${id}`)
    heedSign(sign)
    try {
      process.stdout.write(`${JSON.stringify(judge(it, subject, identity))}\n`)
    } catch (error) {
      if (error instanceof Interrupted) process.exit() // stdin, which is still open, would be waited for
      throw error
    }
  }
}
