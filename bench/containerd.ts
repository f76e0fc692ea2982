/**
 * `make bench-containerd`: times `ctr run` and `ctr task exec` end to end, with davit, runc and crun below one containerd in
 * turn, and writes bench/results/DATE-containerd.json. The daemon has a host of its own, as in the engine tests.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { startContainerd } from '../test/engine/support/containerd.ts'
import { findRuntimes, type Runtime } from './runtimes.ts'
import { summarise, type Times } from './time.ts'

const quick = process.argv.includes('--quick')
const { rounds, runs } = quick ? { rounds: 2, runs: 5 } : { rounds: 5, runs: 20 }
const IMAGE = 'docker.io/library/busybox:latest'

const say = (text: string) => process.stderr.write(`${text}\n`)

const runtimes = findRuntimes()
const containerd = await startContainerd()
const { host } = containerd

/** Milliseconds of a command line of ctr, run so often. */
async function time(line: string): Promise<number[]> {
  const json = `${host.directory}/hyperfine.json`
  const flags = ['--shell=none', '--style=none', '--warmup=2', `--runs=${runs}`, `--export-json=${json}`]
  const env = { CONTAINERD_ADDRESS: containerd.socket }
  await host.output('hyperfine', [...flags, `ctr ${line}`], { env, timeout: 300_000 })
  const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: { times: number[] }[] }
  return (results[0]?.times ?? []).map((seconds) => seconds * 1000)
}

/** Each runtime in turn, so that a noisy minute hits all alike. */
async function measure(line: (runtime: Runtime) => string): Promise<Record<string, Times>> {
  const all: Record<string, number[]> = Object.fromEntries(runtimes.map(({ name }) => [name, []]))
  for (let n = 0; n < rounds; n++)
    for (const runtime of runtimes) all[runtime.name]?.push(...(await time(line(runtime))))
  return Object.fromEntries(Object.entries(all).map(([name, times]) => [name, summarise(times)]))
}

function tell(title: string, row: Readonly<Record<string, Times>>): void {
  const medians = Object.entries(row).map(([name, { median }]) => `${name} ${median.toFixed(1)} ms`)
  const ratios = ['runc', 'crun'].flatMap((other) =>
    row.davit && row[other] ? [`${(row.davit.median / row[other].median).toFixed(2)} of ${other}'s`] : [],
  )
  console.log(`${title}: ${[...medians, ...ratios].join(', ')}`)
}

try {
  // crun refuses a v2 mount beside v1 controllers; for equal terms all three do without.
  if (runtimes.some(({ prepare }) => prepare !== '')) await host.output('umount', ['/sys/fs/cgroup/unified'])
  for (const { name, path } of runtimes)
    await containerd.run('run', '--detach', '--null-io', '--runc-binary', path, IMAGE, name, 'sleep', '100000')
  say('ctr task exec')
  const ctrExec = await measure(({ name }) => `task exec --exec-id bench ${name} true`)
  say('ctr run')
  const ctrRun = await measure(({ path }) => `run --rm --runc-binary ${path} ${IMAGE} bench true`)
  tell('ctr run', ctrRun)
  tell('ctr task exec', ctrExec)
  const date = new Date().toISOString().slice(0, 10)
  const path = `bench/results/${date}-containerd${quick ? '.local' : ''}.json`
  const machine = { kernel: release(), arch: process.arch, cpu: cpus()[0]?.model ?? '', cpus: cpus().length }
  const versions = Object.fromEntries(runtimes.map(({ name, version }) => [name, version]))
  writeFileSync(path, `${JSON.stringify({ date, machine, runtimes: versions, times: { ctrRun, ctrExec } }, null, 1)}\n`)
  say(`written: ${path}`)
} finally {
  await containerd.close()
}
process.exit(0)
