/** events: the numbers, lack of memory, and when it ends. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, create, createStart } from '../support/bundle.ts'
import { directoryOf, hierarchies, onlyCgroups, value } from '../support/cgroups.ts'
import { exec, type Running } from '../support/exec.ts'
import { processCgroups } from '../support/kernel.ts'
import { command, commandPath, requires } from '../support/requires.ts'
import { davit, must, startDavit, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['/bin/sleep', '1000']
const MB = 1 << 20

// biome-ignore lint/suspicious/noExplicitAny: the numbers are looked at one by one
type Stats = any

/** The lines printed so far, parsed. */
function linesOf(running: Running): { type: string; id: string; data?: Stats }[] {
  const text = running.stdout()
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

function watch(made: Bundle, interval = '50ms'): Running {
  const running = startDavit(['events', '--interval', interval, made.id], { timeout: 60_000 })
  atEnd(() => void running.child.kill('SIGKILL'))
  return running
}

describe.runIf(requires('root'))('events', () => {
  test('--stats prints the numbers of the kernel once', async () => {
    const made = await bundle((config) => {
      config.process.args = SLEEP
      config.linux.resources = { ...config.linux.resources, pids: { limit: 44 } }
    })
    const { pid } = await createStart(made)
    // KERNEL: the memory of a cgroup is counted for each CPU, and those counts are gathered now and then.
    const text = await until('numbers that have been gathered', async () => {
      const one = await must(['events', '--stats', made.id])
      const { cpu, memory } = JSON.parse(one).data
      return cpu.usage.total > 0 && (!hierarchies().memory || memory.raw.total_rss > 0) && one
    })
    expect(text.split('\n')).toHaveLength(2)
    const { type, id, data } = JSON.parse(text)
    expect([type, id]).toEqual(['stats', made.id])
    expect(Object.keys(data)).toEqual('cpu cpuset memory pids blkio hugetlb intel_rdt network_interfaces'.split(' '))
    expect(data.pids).toEqual({ current: 1, limit: 44 })
    expect([data.intel_rdt, data.network_interfaces]).toEqual([{}, null])
    expect(data.cpu.usage.total).toBeGreaterThan(0)
    if (!hierarchies().memory) return
    expect(text).toContain(`"usage":{"limit":${value(pid, 'memory', 'memory.limit_in_bytes')},`)
    expect(Math.abs(data.memory.usage.usage - Number(value(pid, 'memory', 'memory.usage_in_bytes')))).toBeLessThan(MB)
    expect(data.memory.raw.total_rss).toBeGreaterThan(0)
    expect(data.cpuset.cpus.length).toBeGreaterThan(0)
  })

  const pressure = `${hierarchies()['']}/cpu.pressure`
  test.runIf(hierarchies()[''] && existsSync(pressure))('has the pressure of v2: CPU, memory and I/O', async () => {
    const made = await bundle(['/bin/sh', '-c', 'for i in 1 2 3 4 5 6; do while :; do :; done & done; wait'])
    const { pid } = await createStart(made)
    onlyCgroups(made.id, 'v2')
    const waited = () => Number(/^some .*total=(\d+)$/m.exec(value(pid, '', 'cpu.pressure'))?.[1])
    // More processes than CPUs: some wait.
    const before = await until('pressure', () => waited() > 20_000 && waited())
    const { data } = JSON.parse(await must(['events', '--stats', made.id]))
    expect(data.cpu.psi.some.total).toBeGreaterThanOrEqual(before)
    expect(data.cpu.psi.some.total).toBeLessThanOrEqual(waited())
    for (const { psi } of [data.cpu, data.memory, data.blkio]) {
      for (const kind of ['some', 'full']) expect(Object.keys(psi[kind])).toEqual(['avg10', 'avg60', 'avg300', 'total'])
    }
    // The stream has it each time anew.
    const watching = watch(made)
    const totals = () => linesOf(watching).map((event) => event.data.cpu.psi.some.total)
    await until('more pressure', () => totals().some((total) => total > (totals()[0] ?? total)))
    const seen = totals()
    expect(seen).toEqual([...seen].sort((one, other) => one - other))
    expect(seen[0]).toBeGreaterThanOrEqual(data.cpu.psi.some.total)
    await must(['kill', made.id, 'KILL'])
  })

  test('prints the numbers again and again, and ends with the container', async () => {
    const made = await bundle(SLEEP)
    await createStart(made)
    const watching = watch(made)
    await until('three', () => linesOf(watching).length >= 3)
    expect(new Set(linesOf(watching).map(({ type }) => type))).toEqual(new Set(['stats']))
    await must(['kill', made.id, 'KILL'])
    expect(await watching.done).toMatchObject({ code: 0, stderr: '' })
  })

  test('waits for the first interval', async () => {
    const made = await bundle(SLEEP)
    await createStart(made)
    const watching = watch(made, '1h')
    await new Promise((done) => setTimeout(done, 300))
    expect(watching.stdout()).toBe('')
    await must(['kill', made.id, 'KILL'])
    expect(await watching.done).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  test('ends when nobody reads any more, though it has nothing to say', async () => {
    const made = await bundle(SLEEP)
    await createStart(made)
    for (const interval of ['1h', '20ms']) {
      const watching = watch(made, interval)
      await new Promise((done) => setTimeout(done, 200))
      watching.child.stdout?.destroy()
      expect(await watching.done).toMatchObject({ code: 0, stderr: '' })
    }
  })

  test('works on a created and on a paused container', async () => {
    const made = await bundle(SLEEP)
    await create(made)
    expect(JSON.parse(await must(['events', '--stats', made.id])).data.pids.current).toBe(1)
    await must(['start', made.id])
    await must(['pause', made.id])
    expect(JSON.parse(await must(['events', '--stats', made.id])).data.pids.current).toBe(1)
  })

  test('is refused for what does not run, and for intervals that are none', async () => {
    const made = await bundle(SLEEP)
    expect((await davit(['events', made.id])).stderr).toMatch(/container does not exist/)
    await createStart(made)
    for (const interval of ['0s', '-1s']) {
      const { code, stderr } = await davit(['events', '--interval', interval, made.id])
      expect([code, stderr]).toEqual([1, 'davit: duration interval must be greater than 0\n'])
    }
    expect((await davit(['events', '--interval', '5', made.id])).stderr).toMatch(/invalid value "5" for --interval/)
    await must(['kill', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
    for (const args of [['events'], ['events', '--stats']]) {
      const { code, stderr } = await davit([...args, made.id])
      expect([code, stderr]).toEqual([1, `davit: events failed: container with id ${made.id} is not running\n`])
    }
  })
})

const memory = [requires('root', 'cgroup1'), requires('root', 'cgroup2')].some(Boolean)

describe.runIf(memory)('lack of memory', () => {
  const limited = (script: string) =>
    bundle((config) => {
      config.process.args = ['/bin/sh', '-c', script]
      config.linux.resources = { ...config.linux.resources, memory: { limit: 16 * MB, swap: 16 * MB } }
    })

  /** Lets the script read a line once davit watches; the lacks of memory told so far, by the end if it ends. */
  async function afterGo(script: string): Promise<{ watching: Running; ooms: () => unknown[] }> {
    const made = await limited(script)
    await exec('mkfifo', [`${made.rootfs}/fifo`])
    await createStart(made)
    const watching = watch(made)
    await until('the first numbers', () => linesOf(watching).length > 0)
    writeFileSync(`${made.rootfs}/fifo`, 'go\n')
    return { watching, ooms: () => linesOf(watching).filter(({ type }) => type === 'oom') }
  }

  test('is told, while the container goes on', async () => {
    const { watching, ooms } = await afterGo('while read x; do probe dirty 64; done </fifo; exec sleep 1000')
    await until('oom', () => ooms().length === 1)
    const [{ id }] = ooms() as [{ id: string }]
    expect(watching.stdout()).toContain(`{"type":"oom","id":"${id}"}\n`)
    const count = linesOf(watching).length
    await until('further numbers', () => linesOf(watching).length > count + 2)
    expect(ooms()).toHaveLength(1)
  })

  test('is told when it ends the container', async () => {
    const { watching, ooms } = await afterGo('read x </fifo; exec probe dirty 64')
    expect(await watching.done).toMatchObject({ code: 0, stderr: '' })
    expect(ooms()).toHaveLength(1)
  })

  test('is not what an ordinary end is taken for', async () => {
    const { watching, ooms } = await afterGo('read x </fifo')
    expect(await watching.done).toMatchObject({ code: 0, stderr: '' })
    expect(ooms()).toEqual([])
  })
})

/** Every path of a value, with a mark for numbers, which differ from moment to moment. */
function shape(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((member, index) => shape(member, `${path}/${index}`))
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, member]) => shape(member, `${path}/${key}`))
  return [`${path} ${typeof value === 'number' ? 'number' : JSON.stringify(value)}`]
}

test.runIf(requires('root', command('runc')))('events of a container of runc’s are what runc says', async () => {
  const made = await bundle((config) => {
    config.process.args = SLEEP
    config.linux.resources = { ...config.linux.resources, memory: { limit: 64 * MB }, pids: { limit: 50 } }
    // What an older runc knows.
    config.ociVersion = '1.0.2'
  })
  const runc = (...args: string[]) =>
    exec(commandPath('runc') as string, ['--root', `${scratch()}/runc`, ...args], { output: `${made.path}/runc.log` })
  atEnd(async () => void (await runc('delete', '--force', made.id)))
  expect((await runc('run', '--detach', '--bundle', made.path, '--pid-file', `${made.path}/pid`, made.id)).code).toBe(0)
  const pid = Number(readFileSync(`${made.path}/pid`, 'utf8'))
  // A record of davit's for it.
  const v1 = Object.keys(hierarchies()).filter((name) => name !== '' && processCgroups(pid)[name])
  const cgroup = { v1: v1.map((name) => directoryOf(pid, name)), v2: directoryOf(pid, '') }
  const startTime = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21])
  mkdirSync(`${stateRoot()}/${made.id}`, { recursive: true })
  const about = { format: 1, id: made.id, ociVersion: '1.0.0', bundle: made.path, rootfs: made.rootfs, created: '' }
  const now = { owner: 0, pid, startTime, phase: 'created', cgroup, privatePid: true, poststart: [], poststop: [] }
  const record = { ...about, ...now }
  writeFileSync(`${stateRoot()}/${made.id}/state.json`, JSON.stringify(record))
  expect(await state(made.id)).toMatchObject({ status: 'running', pid })

  const look = async () => {
    writeFileSync(`${made.path}/runc.log`, '')
    await runc('events', '--stats', made.id)
    const theirs = JSON.parse(readFileSync(`${made.path}/runc.log`, 'utf8'))
    const ours = JSON.parse(await must(['events', '--stats', made.id]))
    // Of a hybrid machine runc looks at v1 only; on v2 1.1.15 wants a file of events of reservations, which no kernel has.
    ours.data.hugetlb = theirs.data.hugetlb
    // An older runc says nothing of pressure.
    if (theirs.data.cpu.psi === undefined) for (const name of ['cpu', 'memory', 'blkio']) delete ours.data[name].psi
    return [ours, theirs]
  }
  const [ours, theirs] = await look()
  expect(shape(ours)).toEqual(shape(theirs))
  // The kernel's own bookkeeping settles soon after the start.
  await until('the same numbers', async () => isDeepStrictEqual(...((await look()) as [unknown, unknown])))
})
