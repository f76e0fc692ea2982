/** Time: hyperfine for single commands, a driver in C for the verbs in sequence. Milliseconds. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { outputBeside, type Runtime, stateRoot } from './runtimes.ts'

export interface Times {
  readonly median: number
  readonly min: number
  readonly p95: number
  readonly runs: number
}

export function summarise(times: readonly number[]): Times {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (part: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0)
  return { median: at(0.5), min: at(0), p95: at(0.95), runs: sorted.length }
}

const round = (milliseconds: number): number => Math.round(milliseconds * 100) / 100

/** How often: rounds of every runtime in turn, so that a noisy minute hits all of them alike. */
export interface Effort {
  readonly rounds: number
  readonly runs: number
}

/** Times one command of each runtime. `argv` follows the runtime's path; `first` is a command before each time. */
export function timeCommand(
  runtimes: readonly Runtime[],
  argv: (runtime: Runtime) => readonly string[],
  effort: Effort,
  folder: string,
  first?: (runtime: Runtime) => string,
): Record<string, Times> {
  return inTurn(runtimes, effort, (runtime) => {
    const json = join(folder, 'hyperfine.json')
    const command = [runtime.path, ...argv(runtime)].join(' ')
    outputBeside(runtime, [
      'hyperfine',
      '--shell=none',
      '--style=none',
      '--warmup=2',
      `--runs=${effort.runs}`,
      ...(first ? [`--prepare=${first(runtime)}`] : []),
      `--export-json=${json}`,
      command,
    ])
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: { times: number[] }[] }
    return (results[0]?.times ?? []).map((seconds) => seconds * 1000)
  })
}

const STEPS = ['create', 'start', 'kill', 'delete', 'whole'] as const

/** Times create, start, kill and delete of a sleeping container; `whole` includes the death of its process. */
export function timeSteps(
  runtimes: readonly Runtime[],
  effort: Effort,
  folder: string,
): Record<(typeof STEPS)[number], Record<string, Times>> {
  const of = Object.fromEntries(STEPS.map((step) => [step, {} as Record<string, number[]>]))
  for (let n = 0; n < effort.rounds; n++) {
    for (const runtime of runtimes) {
      const steps = (times: number, id: string) => [
        'build/bench/measure',
        'steps',
        String(times),
        runtime.path,
        stateRoot(folder, runtime),
        folder,
        id,
      ]
      outputBeside(runtime, steps(1, 'warm'))
      const lines = outputBeside(runtime, steps(effort.runs, 'steps')).trim().split('\n')
      for (const line of lines) {
        line.split(' ').forEach((micros, index) => {
          const step = of[STEPS[index] as string] as Record<string, number[]>
          const list = step[runtime.name] ?? []
          list.push(Number(micros) / 1000)
          step[runtime.name] = list
        })
      }
    }
  }
  return Object.fromEntries(
    STEPS.map((step) => [
      step,
      Object.fromEntries(Object.entries(of[step] ?? {}).map(([name, times]) => [name, summarise(times)])),
    ]),
  ) as Record<(typeof STEPS)[number], Record<string, Times>>
}

function inTurn(
  runtimes: readonly Runtime[],
  { rounds }: Effort,
  measure: (runtime: Runtime) => number[],
): Record<string, Times> {
  const all = Object.fromEntries(runtimes.map(({ name }) => [name, [] as number[]]))
  for (let n = 0; n < rounds; n++) for (const runtime of runtimes) all[runtime.name]?.push(...measure(runtime))
  return Object.fromEntries(Object.entries(all).map(([name, times]) => [name, summarise(times)]))
}
