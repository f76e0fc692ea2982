/**
 * `make bench-docker`: times `docker run` and `docker exec` end to end, with davit, runc and crun below one daemon in turn,
 * and writes bench/results/DATE-docker.json. The daemon has a host of its own, as in the engine tests.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { startDocker } from '../test/engine/support/docker.ts'
import { makeHost } from '../test/engine/support/host.ts'
import { findRuntimes } from './runtimes.ts'
import { summarise, type Times } from './time.ts'

const quick = process.argv.includes('--quick')
const { rounds, runs } = quick ? { rounds: 2, runs: 5 } : { rounds: 8, runs: 10 }

const say = (text: string) => process.stderr.write(`${text}\n`)

const runtimes = findRuntimes()
const host = await makeHost()
// crun refuses a v2 mount beside v1 controllers; for equal terms all three do without.
if (runtimes.some(({ prepare }) => prepare !== '')) await host.output('umount', ['/sys/fs/cgroup/unified'])
// `runc` is dockerd's own name for what it finds in its PATH.
const names = Object.fromEntries(runtimes.map(({ name }) => [name, `bench-${name}`]))
const known = runtimes.flatMap(({ name, path }) => ['--add-runtime', `${names[name]}=${path}`])
const docker = await startDocker({ host, runtime: known, images: ['busybox:latest'] })

/** Milliseconds of a command line of docker, run so often. */
async function time(line: string): Promise<number[]> {
  const json = `${host.directory}/hyperfine.json`
  const flags = ['--shell=none', '--style=none', '--warmup=2', `--runs=${runs}`, `--export-json=${json}`]
  await host.output('hyperfine', [...flags, `docker ${line}`], { env: docker.env, timeout: 300_000 })
  const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: { times: number[] }[] }
  return (results[0]?.times ?? []).map((seconds) => seconds * 1000)
}

/** Medians and more by runtime, each runtime in turn so that a noisy minute hits all alike. */
async function measure(line: (name: string) => string): Promise<Record<string, Times>> {
  const all: Record<string, number[]> = Object.fromEntries(runtimes.map(({ name }) => [name, []]))
  for (let n = 0; n < rounds; n++) for (const { name } of runtimes) all[name]?.push(...(await time(line(name))))
  return Object.fromEntries(Object.entries(all).map(([name, times]) => [name, summarise(times)]))
}

try {
  for (const { name } of runtimes)
    await docker.run('run', '-d', '--name', name, '--runtime', names[name] as string, 'busybox', 'sleep', '100000')
  say('docker exec')
  const dockerExec = await measure((name) => `exec ${name} true`)
  say('docker run')
  const dockerRun = await measure((name) => `run --rm --runtime ${names[name]} busybox true`)
  const times = { dockerExec, dockerRun }
  for (const [title, row] of Object.entries(times)) {
    const ratio = (other: string) =>
      row.davit && row[other] ? `, ${(row.davit.median / row[other].median).toFixed(2)} of ${other}'s` : ''
    const medians = Object.entries(row).map(([name, { median }]) => `${name} ${median.toFixed(1)} ms`)
    console.log(`${title}: ${medians.join(', ')}${ratio('runc')}${ratio('crun')}`)
  }
  const machine = {
    kernel: release(),
    arch: process.arch,
    cpu: cpus()[0]?.model ?? '',
    cpus: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  }
  const date = new Date().toISOString().slice(0, 10)
  const path = `bench/results/${date}-docker${quick ? '.local' : ''}.json`
  const versions = Object.fromEntries(runtimes.map(({ name, version }) => [name, version]))
  writeFileSync(path, `${JSON.stringify({ date, machine, runtimes: versions, times }, null, 1)}\n`)
  say(`written: ${path}`)
} finally {
  await docker.clear()
  await docker.close()
}
process.exit(0)
