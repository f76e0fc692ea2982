/** A seccomp agent (agent.c) beside the runtime. */
import { compiled } from './compiled.ts'
import { type Running, start } from './exec.ts'
import { atEnd, scratch } from './scratch.ts'
import { until } from './wait.ts'

export interface Agent {
  readonly socket: string
  readonly running: Running
  /** Lines that it has printed so far, but for the first. */
  lines(): string[]
  /** The states that it was given, with the number of fds that came with each. */
  states(): { readonly fds: number; readonly state: unknown }[]
  /** Waits until it has printed a line that matches. */
  said(line: RegExp): Promise<string>
  kill(): Promise<void>
}

/** Starts an agent that answers calls by number as given, and lets all others go on. It ends with the test. */
export async function startAgent(answers: Readonly<Record<number, number>> = {}): Promise<Agent> {
  const socket = `${scratch()}/agent.sock`
  const rules = Object.entries(answers).map(([call, value]) => `${call}=${value}`)
  const running = start(await compiled('agent'), [socket, ...rules], { timeout: 120_000 })
  const kill = async () => {
    running.child.kill('SIGKILL')
    await running.done
  }
  atEnd(kill)
  await until('seccomp agent', () => running.stdout().includes('listening\n'))
  const lines = () => running.stdout().split('\n').slice(1, -1)
  return {
    socket,
    running,
    lines,
    states: () =>
      lines().flatMap((line) => {
        const [, fds, text = ''] = /^state (\d+) (.*)$/.exec(line) ?? []
        return fds === undefined ? [] : [{ fds: Number(fds), state: JSON.parse(text) }]
      }),
    said: (line) => until(`agent saying ${line}`, () => lines().find((each) => line.test(each))),
    kill,
  }
}
