/** The cgroup driver on this machine's hierarchies, below a name of its own. Needs root and writable cgroups. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { closeFd, writeFd } from '../../src/ffi/file.ts'
import { attachDevices } from '../../src/host/cgroup/devices.ts'
import { gatherCgroupFacts } from '../../src/host/cgroup/facts.ts'
import { freezeCgroup, freezeState, thawCgroup } from '../../src/host/cgroup/freeze.ts'
import { killCgroup, signalCgroup } from '../../src/host/cgroup/kill.ts'
import { type MadeCgroup, makeCgroup, openTasks } from '../../src/host/cgroup/make.ts'
import { removeCgroup } from '../../src/host/cgroup/remove.ts'
import { allPids, recordDirs } from '../../src/host/cgroup/tree.ts'
import { type CgroupInput, planCgroup } from '../../src/plan/cgroup/plan.ts'
import type { CgroupFacts } from '../../src/plan/facts.ts'
import type { Resources } from '../../src/spec/types.gen.ts'

const TOP = `/davit-test-${process.pid}`
const PATH = `${TOP}/c1`

const isRoot = process.getuid?.() === 0
const facts: CgroupFacts = isRoot ? gatherCgroupFacts() : { mode: 'none', v1: [] }
const mustRun = process.env.MUST_RUN === '1'
const has = (controller: string) => facts.v1.some(({ controllers }) => controllers.includes(controller))
const v1Dir = (controller: string) => {
  const found = facts.v1.find(({ controllers }) => controllers.includes(controller))
  return `${found?.mount}${PATH}`
}

const children: ChildProcess[] = []
let made: MadeCgroup | undefined

function make(resources: Resources = {}, more: Partial<CgroupInput> = {}): MadeCgroup {
  const plan = planCgroup({ id: 'c1', cgroupsPath: PATH, resources, facts, rootless: false, ...more })
  made = makeCgroup(plan)
  return made
}

/** Starts a shell that moves itself into all cgroups, as a container's first process does, and then runs `script`. */
async function enter(script: string): Promise<{ child: ChildProcess; output: () => string }> {
  const files = [...(made?.tasks ?? []), ...(made?.into ? [`${made.into}/cgroup.procs`] : [])]
  const join = files.map((file) => `echo 0 > ${file} || exit 1`).join('\n')
  const child = spawn('sh', ['-c', `${join}\necho in\n${script}`], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  let text = ''
  child.stdout?.on('data', (data) => {
    text += data
  })
  const output = () => text
  await expect.poll(output).toMatch(/^in$/m)
  return { child, output }
}

const ended = (child: ChildProcess) =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.signalCode)
    : new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)))

afterEach(async () => {
  if (made !== undefined) {
    killCgroup(made.record)
    await Promise.all(children.splice(0).map(ended))
    removeCgroup(made.record)
    made = undefined
  }
  const mounts = [...facts.v1.map(({ mount }) => mount), ...(facts.v2 ? [facts.v2.mount] : [])]
  removeCgroup({ v1: mounts.map((mount) => mount + TOP) })
})

describe.skipIf(!isRoot && !mustRun)('the cgroup driver', () => {
  test('makes, configures and removes', () => {
    const { record, tasks } = make({
      ...(has('memory') ? { memory: { limit: 64 << 20, disableOOMKiller: false } } : {}),
      ...(has('pids') ? { pids: { limit: 100 } } : {}),
      ...(has('cpu') ? { cpu: { shares: 512, quota: 50000, period: 100000 } } : {}),
    })
    for (const dir of recordDirs(record)) expect(existsSync(dir)).toBe(true)
    if (has('memory')) expect(readFileSync(`${v1Dir('memory')}/memory.limit_in_bytes`, 'utf8')).toBe('67108864\n')
    if (has('pids')) expect(readFileSync(`${v1Dir('pids')}/pids.max`, 'utf8')).toBe('100\n')
    if (has('cpu')) expect(readFileSync(`${v1Dir('cpu')}/cpu.cfs_quota_us`, 'utf8')).toBe('50000\n')
    const fds = openTasks(tasks)
    expect(fds).toHaveLength(tasks.length)
    for (const fd of fds) closeFd(fd)
    removeCgroup(record)
    for (const dir of recordDirs(record)) expect(existsSync(dir)).toBe(false)
    // A second removal is no error.
    removeCgroup(record)
  })

  test.runIf(has('cpuset'))('a new cpuset takes tasks: it has what its parent has', () => {
    make({ cpu: { mems: '0' } })
    const file = (dir: string, name: string) => readFileSync(`${dir}/cpuset.${name}`, 'utf8').trim()
    const root = v1Dir('cpuset').slice(0, -PATH.length)
    expect(file(v1Dir('cpuset'), 'cpus')).toBe(file(root, 'cpus'))
    expect(file(v1Dir('cpuset'), 'mems')).toBe('0')
  })

  test.runIf(has('cpuset'))('a cpuset that somebody filled is not overwritten', () => {
    make()
    writeFileSync(`${v1Dir('cpuset')}/cpuset.cpus`, '0')
    make()
    expect(readFileSync(`${v1Dir('cpuset')}/cpuset.cpus`, 'utf8')).toBe('0\n')
  })

  test.runIf(has('memory'))('memory and swap can be raised and lowered together', () => {
    const limits = (limit: number, swap: number) => {
      make({ memory: { limit, swap } })
      const read = (file: string) => Number(readFileSync(`${v1Dir('memory')}/memory.${file}`, 'utf8'))
      return [read('limit_in_bytes'), read('memsw.limit_in_bytes')]
    }
    const MB = 1 << 20
    expect(limits(64 * MB, 128 * MB)).toEqual([64 * MB, 128 * MB])
    expect(limits(256 * MB, 512 * MB)).toEqual([256 * MB, 512 * MB])
    expect(limits(32 * MB, 32 * MB)).toEqual([32 * MB, 32 * MB])
  })

  test.runIf(has('cpuset'))('an error names file, value, directory and place, and leaves nothing behind', () => {
    const message = /^set cpuset\.cpus to 4000 in \/\S+\/c1 \(\/linux\/resources\/cpu\/cpus\): /
    expect(() => make({ cpu: { cpus: '4000' } })).toThrow(message)
    for (const { mount } of facts.v1) expect(existsSync(mount + TOP)).toBe(false)
  })

  test('rootless: without permission there is no cgroup, but a limit is an error', () => {
    // Nobody can make a directory in sysfs: EPERM, as a user gets it elsewhere.
    const refusing: CgroupFacts = { mode: 'legacy', v1: [{ mount: '/sys/kernel', controllers: ['pids'], own: '/' }] }
    const more = { facts: refusing, rootless: true, cgroupsPath: undefined }
    expect(make({}, more)).toMatchObject({ record: { v1: [] }, tasks: [] })
    expect(() => make({ pids: { limit: 10 } }, more)).toThrow(
      'rootless needs no limits + no cgrouppath when no permission is granted for cgroups: make cgroup /sys/kernel/c1',
    )
    expect(() => make({}, { ...more, cgroupsPath: '/x' })).toThrow('make cgroup /sys/kernel/x: operation not permitted')
    expect(() => make({}, { ...more, rootless: false })).toThrow('make cgroup /sys/kernel/c1: operation not permitted')
  })

  test.runIf(has('devices'))('the v1 device list is exactly what was planned', () => {
    make({
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
      ],
    })
    const list = readFileSync(`${v1Dir('devices')}/devices.list`, 'utf8')
      .trim()
      .split('\n')
    expect(list.slice(0, 2)).toEqual(['c 10:229 rw', 'c *:* m'])
    expect(list).toContain('c 10:200 rwm')
    expect(list).toHaveLength(12)
  })

  test.runIf(facts.v2 !== undefined)('the kernel accepts the device program, and it works', async () => {
    // As if there were no v1: the program goes to the v2 side and applies to whoever is in there.
    const { mount = '', own = '/' } = facts.v2 ?? {}
    // No controllers: nothing is enabled outside of our own directories.
    const v2Only: CgroupFacts = { v1: [], mode: 'unified', v2: { mount, own, controllers: [] } }
    const { record } = make({ devices: [{ allow: false, access: 'rwm' }] }, { facts: v2Only })
    expect(record.v1).toEqual([])
    const open = (path: string) => `if head -c 0 ${path} 2>/dev/null; then echo ${path} yes; else echo ${path} no; fi`
    const { output } = await enter([open('/dev/zero'), open('/dev/kmsg'), 'exec sleep 60'].join('\n'))
    await expect.poll(output).toContain('/dev/kmsg no')
    expect(output()).toContain('/dev/zero yes')
  })

  test.runIf(facts.v2 !== undefined)('below a threaded v2 cgroup the container is threaded too', async () => {
    const { mount = '', own = '/' } = facts.v2 ?? {}
    const top = mount + TOP
    mkdirSync(`${top}/other`, { recursive: true })
    writeFileSync(`${top}/other/cgroup.type`, 'threaded')
    const v2Only: CgroupFacts = { v1: [], mode: 'unified', v2: { mount, own, controllers: [] } }
    const { record } = make({}, { facts: v2Only })
    await enter('exec sleep 60')
    expect(allPids(record)).toHaveLength(1)
    const limited: CgroupFacts = { v1: [], mode: 'unified', v2: { mount, own, controllers: ['memory'] } }
    const plan = planCgroup({
      id: 'x',
      cgroupsPath: PATH,
      resources: { memory: { limit: 1 } },
      facts: limited,
      rootless: false,
    })
    const steps = plan.steps.filter(({ kind }) => kind === 'write')
    expect(() => makeCgroup({ ...plan, steps })).toThrow(
      /its type is "threaded" \(\/linux\/resources\/memory\/limit\)$/,
    )
  })

  test('1000 device programs leave no fd behind', () => {
    if (facts.v2 === undefined) return
    make()
    const dir = made?.into as string
    const before = readdirSync('/proc/self/fd').length
    const program = planCgroup({ id: 'x', resources: {}, facts: { ...facts, v1: [] }, rootless: false }).devices
    // KERNEL: a cgroup takes 64 programs at the most; what is beyond fails, and must leak no fd either.
    let failed = 0
    for (let i = 0; i < 1000; i++) {
      try {
        attachDevices({ dir, instructions: program?.instructions ?? [] })
      } catch (error) {
        expect(String(error)).toContain('attach the device filter')
        failed++
      }
    }
    // Where v2 restricts devices the cgroup was made with one.
    expect(failed).toBe(1000 - 64 + (facts.mode === 'unified' ? 1 : 0))
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })

  test('kills what is inside, in cgroups made by the container too', async () => {
    const { record } = make()
    const below = record.v1.length > 0 ? record.v1 : [record.v2 as string]
    const { child } = await enter('sleep 60 &\nsleep 60')
    for (const dir of below) mkdirSync(`${dir}/below/deeper`, { recursive: true })
    await expect.poll(() => allPids(record).length).toBe(3)
    expect(allPids(record)).toContain(child.pid)
    killCgroup(record)
    expect(await ended(child)).toBe('SIGKILL')
    removeCgroup(record)
    for (const dir of recordDirs(record)) expect(existsSync(dir)).toBe(false)
  })

  test.runIf(facts.v1.length > 0)('kills without cgroup.kill, by pids, a process in a child cgroup', async () => {
    const { record } = make()
    const { child } = await enter('exec sleep 60')
    for (const dir of record.v1.filter((path) => !path.includes('/cpuset/'))) {
      mkdirSync(`${dir}/below`)
      writeFileSync(`${dir}/below/cgroup.procs`, String(child.pid))
    }
    killCgroup({ v1: record.v1 })
    expect(await ended(child)).toBe('SIGKILL')
  })

  test('a paused container is frozen, dies when killed, and removal waits for it', async () => {
    const { record } = make()
    const { child } = await enter('exec sleep 60')
    expect(freezeState(record)).toBe('thawed')
    freezeCgroup(record)
    expect(freezeState(record)).toBe('frozen')
    thawCgroup(record)
    expect(freezeState(record)).toBe('thawed')
    freezeCgroup(record)
    killCgroup(record)
    expect(await ended(child)).toBe('SIGKILL')
  })

  test.runIf(has('freezer'))('so does one that was frozen on v1, with a frozen child', async () => {
    const { record } = make()
    const { child } = await enter('exec sleep 60')
    const dir = `${v1Dir('freezer')}/below`
    mkdirSync(dir)
    writeFileSync(`${dir}/cgroup.procs`, String(child.pid))
    writeFileSync(`${dir}/freezer.state`, 'FROZEN')
    freezeCgroup({ v1: record.v1 })
    killCgroup(record)
    expect(await ended(child)).toBe('SIGKILL')
  })

  test('a signal to all', async () => {
    const { record } = make()
    const { child } = await enter('exec sleep 60')
    expect(signalCgroup(record, 15)).toBe(1)
    expect(await ended(child)).toBe('SIGTERM')
    expect(signalCgroup(record, 15)).toBe(0)
  })

  test('a frozen cgroup is refused, a used one warned of', async () => {
    const { record } = make()
    await enter('exec sleep 60')
    expect(make().warnings.some((text) => /is not empty: 1 process/.test(text))).toBe(true)
    freezeCgroup(record)
    expect(() => make()).toThrow(/ is frozen: the container could not start/)
    thawCgroup(record)
  })

  test('removal of a busy cgroup gives up after its bound and says who is there', async () => {
    const { record } = make()
    await enter('exec sleep 60')
    expect(() => removeCgroup(record, 30)).toThrow(
      /^remove cgroup \S+: device or resource busy \(1 process\(es\) left\)$/,
    )
  })

  test('a process that writes 0 to an open tasks file moves itself', async () => {
    const { tasks, record } = make()
    if (tasks.length === 0) return
    const fds = openTasks(tasks.slice(0, 1))
    const dir = record.v1[0] as string
    writeFd(fds[0] as number, '0')
    const threads = readFileSync(`${dir}/tasks`, 'utf8').trim().split('\n')
    writeFileSync(`${dir.slice(0, -PATH.length)}/tasks`, threads[0] as string)
    closeFd(fds[0] as number)
    expect(threads).toEqual([String(process.pid)])
  })
})
