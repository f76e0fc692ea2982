/** Memory: the limit a container can start in, the runtime's own peak, what it leaves in the container's cgroup. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { configure } from './bundle.ts'
import { outputBeside, type Runtime, runBeside, startBeside, stateRoot } from './runtimes.ts'

const PAGE = 4
// The kernel adds up a cgroup's statistics every two seconds.
const FLUSHED = 3000

/** Whether /bin/true runs in a limit of so many KiB, every time of `times`. */
function runsIn(runtime: Runtime, folder: string, kib: number, times: number): boolean {
  configure(folder, ['/bin/true'], { memory: kib * 1024 })
  for (let n = 0; n < times; n++) {
    const root = stateRoot(folder, runtime)
    const argv = ['build/bench/measure', 'quiet', runtime.path, '--root', root, 'run', '--bundle', folder, 'small']
    if (runBeside(runtime, argv).status === 0) continue
    runBeside(runtime, ['build/bench/measure', 'quiet', runtime.path, '--root', root, 'delete', '--force', 'small'])
    return false
  }
  return true
}

/** The smallest linux.resources.memory.limit in which /bin/true runs ten times of ten, in KiB. */
export function smallestLimit(runtime: Runtime, folder: string): number {
  let low = 64 / PAGE
  let high = 8192 / PAGE
  while (low < high) {
    const middle = (low + high) >> 1
    if (runsIn(runtime, folder, middle * PAGE, 3)) high = middle
    else low = middle + 1
  }
  while (low < 16384 / PAGE && !runsIn(runtime, folder, low * PAGE, 10)) low++
  return low * PAGE
}

/** Peak resident set of `run` of /bin/true in KiB: of the largest process among the runtime and its children. */
export function peakRss(runtime: Runtime, folder: string): number {
  configure(folder, ['/bin/true'])
  const argv = ['run', '--bundle', folder, 'peak']
  const root = stateRoot(folder, runtime)
  return Number(outputBeside(runtime, ['build/bench/measure', 'peak', runtime.path, '--root', root, ...argv]))
}

/** Resident set of a `run` in the foreground while its container sleeps, in KiB. */
export async function waitingRss(runtime: Runtime, folder: string): Promise<number> {
  configure(folder, ['/bin/sleep', '100'])
  const own = [runtime.path, '--root', stateRoot(folder, runtime)]
  const child = startBeside(runtime, [...own, 'run', '--bundle', folder, 'waits'])
  try {
    await sleep(1000)
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1])
  } finally {
    runBeside(runtime, ['build/bench/measure', 'quiet', ...own, 'delete', '--force', 'waits'])
  }
}

/** What a memory cgroup is charged with, in KiB. */
export interface Charge {
  readonly anon: number
  readonly file: number
  readonly kernel: number
}

/** The folder of a process's memory cgroup: v1's controller, or v2. */
function memoryCgroup(pid: number): string {
  const text = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  const v1 = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(text)?.[1]
  const v2 = /^0::(.*)$/m.exec(text)?.[1]
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const [path, filter] = v1 !== undefined ? [v1, / - cgroup .*\bmemory\b/] : [v2 ?? '', / - cgroup2 /]
  const [root = '/', point = ''] = (mounts.find((line) => filter.test(line)) ?? '').split(' ').slice(3, 5)
  return join(point, root === '/' ? path : path.slice(root.length))
}

function charge(folder: string): Charge {
  const stat = new Map(
    readFileSync(join(folder, 'memory.stat'), 'utf8')
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  )
  const bytes = (...names: string[]) => Number(names.map((name) => stat.get(name)).find((v) => v !== undefined) ?? 0)
  let kernel = bytes('kernel')
  try {
    kernel = Number(readFileSync(join(folder, 'memory.kmem.usage_in_bytes'), 'utf8'))
  } catch {
    // v2 has it in memory.stat
  }
  const kib = (value: number) => Math.round(value / 1024)
  return { anon: kib(bytes('anon', 'rss')), file: kib(bytes('file', 'cache')), kernel: kib(kernel) }
}

/** What the cgroup of a sleeping container is charged with, once it has come to rest. */
export async function leftInCgroup(runtime: Runtime, folder: string): Promise<Charge> {
  configure(folder, ['/bin/sleep', '100'], { memory: 64 << 20 })
  const root = stateRoot(folder, runtime)
  const own = [runtime.path, '--root', root]
  const quiet = ['build/bench/measure', 'quiet', ...own]
  outputBeside(runtime, [...quiet, 'run', '--detach', '--bundle', folder, 'left'])
  try {
    await sleep(FLUSHED)
    const { pid } = JSON.parse(outputBeside(runtime, [...own, 'state', 'left'])) as { pid: number }
    return charge(memoryCgroup(pid))
  } finally {
    runBeside(runtime, [...quiet, 'delete', '--force', 'left'])
  }
}

/** The same of a process that no runtime has touched: what there is to be charged at the least. */
export async function bareCharge(bundle: string): Promise<Charge> {
  const folder = join(memoryCgroup(process.pid), 'davit-bench-bare')
  mkdirSync(folder)
  const line = `echo $$ >${folder}/cgroup.procs && exec ${bundle}/rootfs/bin/busybox sleep 100`
  const child = spawn('sh', ['-c', line], { stdio: 'ignore' })
  try {
    writeFileSync(join(folder, 'memory.limit_in_bytes'), String(64 << 20))
  } catch {
    // v2: no limit is as good
  }
  try {
    await sleep(FLUSHED)
    return charge(folder)
  } finally {
    child.kill('SIGKILL')
    await sleep(200)
    rmdirSync(folder)
  }
}
