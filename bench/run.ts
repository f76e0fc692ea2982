/** `make bench`: measures davit beside runc and crun, prints a table and writes bench/results/DATE.json. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { KEPT_EXECS } from '../src/state/kept_exec.ts'
import { engineProfile } from '../test/support/profiles.ts'
import { configure, type Extras, makeBundle } from './bundle.ts'
import { bareCharge, type Charge, leftInCgroup, peakRss, smallestLimit, waitingRss } from './memory.ts'
import type { Results } from './model.ts'
import { figures } from './report.ts'
import { findRuntimes, outputBeside, type Runtime, stateRoot, statesOf } from './runtimes.ts'
import { type Times, timeCommand, timeSteps } from './time.ts'

const quick = process.argv.includes('--quick')
/** Rounds of what waits before each run. */
const RESTED = quick ? 1 : 4
const EFFORT = quick ? { rounds: 1, runs: 10 } : { rounds: 10, runs: 20 }

const say = (text: string) => process.stderr.write(`${text}\n`)

/** Uses containers that sleep, one of each runtime: `state-` and its name. */
function withContainers<T>(runtimes: readonly Runtime[], folder: string, use: () => T): T {
  const each = (argv: (runtime: Runtime) => readonly string[]) => {
    for (const runtime of runtimes) {
      const own = ['build/bench/measure', 'quiet', runtime.path, '--root', stateRoot(folder, runtime)]
      outputBeside(runtime, [...own, ...argv(runtime)])
    }
  }
  configure(folder, ['/bin/sleep', '1000'])
  each((runtime) => ['run', '--detach', '--bundle', folder, `state-${runtime.name}`])
  try {
    return use()
  } finally {
    each((runtime) => ['delete', '--force', `state-${runtime.name}`])
  }
}

async function measure(folder: string): Promise<Results> {
  const runtimes = findRuntimes()
  makeBundle(folder)
  const root = (runtime: Runtime) => ['--root', stateRoot(folder, runtime)]
  const times: Record<string, Record<string, Times>> = {}

  const run = (r: Runtime) => [...root(r), 'run', '--bundle', folder, 'run']
  /** One after the other at once, and, `name` with "Rested" after it, each when the kernel is through with the last one. */
  const timeRun = (name: string, extras: Extras = {}) => {
    configure(folder, ['/bin/true'], extras)
    times[name] = timeCommand(runtimes, run, EFFORT, folder)
    times[`${name}Rested`] = timeCommand(runtimes, run, { ...EFFORT, rounds: RESTED }, folder, () => 'sleep 0.05')
  }

  say('run of /bin/true')
  timeRun('run')
  say('run with a seccomp profile')
  timeRun('seccomp', { seccomp: engineProfile() })
  say('run with 100 bind mounts, with 100 masked paths')
  timeRun('binds', { binds: 100 })
  timeRun('masks', { masks: 100 })
  say('create, start, kill, delete')
  configure(folder, ['/bin/sleep', '1000'])
  const steps = timeSteps(runtimes, { rounds: EFFORT.rounds, runs: EFFORT.runs / 2 }, folder)
  for (const [step, all] of Object.entries(steps)) times[step === 'whole' ? 'sequence' : step] = all
  withContainers(runtimes, folder, () => {
    say('exec of /bin/true')
    const exec = (r: Runtime) => [...root(r), 'exec', `state-${r.name}`, '/bin/true']
    times.exec = timeCommand(runtimes, exec, EFFORT, folder)
    // davit keeps of a container's first what it has planned; the others keep nothing.
    const forget = (r: Runtime) => [
      'rm -f',
      ...KEPT_EXECS.map((name) => `${stateRoot(folder, r)}/state-${r.name}/${name}`),
    ]
    times.execFirst = timeCommand(runtimes, exec, EFFORT, folder, (r) => forget(r).join(' '))
    say('state')
    times.state = timeCommand(runtimes, (r) => [...root(r), 'state', `state-${r.name}`], EFFORT, folder)
  })
  say('--version')
  times.version = timeCommand(runtimes, () => ['--version'], EFFORT, folder)

  say('memory')
  const each = <T>(get: (runtime: Runtime) => T) => Object.fromEntries(runtimes.map((r) => [r.name, get(r)]))
  const left: Record<string, Charge> = { bare: await bareCharge(folder) }
  for (const runtime of runtimes) left[runtime.name] = await leftInCgroup(runtime, folder)
  const waiting: Record<string, number> = {}
  for (const runtime of runtimes) waiting[runtime.name] = await waitingRss(runtime, folder)
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      kernel: release(),
      arch: process.arch,
      cpu: cpus()[0]?.model ?? '',
      cpus: cpus().length,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    },
    runtimes: Object.fromEntries(runtimes.map((r) => [r.name, r.version])),
    times,
    smallestLimit: each((r) => smallestLimit(r, folder)),
    peakRss: each((r) => peakRss(r, folder)),
    waitingRss: waiting,
    left,
  }
}

if (process.getuid?.() !== 0) {
  say('make bench needs root')
  process.exit(1)
}
const folder = mkdtempSync(join(tmpdir(), 'davit-bench-'))
try {
  const results = await measure(folder)
  console.log(figures(results))
  const path = `bench/results/${results.date}${quick ? '.local' : ''}.json`
  mkdirSync('bench/results', { recursive: true })
  writeFileSync(path, `${JSON.stringify(results, null, 1)}\n`)
  say(`written: ${path}`)
} finally {
  for (const made of [folder, statesOf(folder)]) rmSync(made, { recursive: true, force: true })
}
