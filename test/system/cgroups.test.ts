/** Cgroups of containers: where they are, what is in them, their removal. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, containerOutput, create, createStart, run, startRun } from '../support/bundle.ts'
import { directoryOf, hierarchies, value } from '../support/cgroups.ts'
import { processCgroups } from '../support/kernel.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, untilStatus } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['/bin/sleep', '1000']
const v1 = requires('root', 'cgroup1')
const v2 = requires('root', 'cgroup2')

/** Parents of a container's cgroup stay when it goes, as they may be others': the test's own are removed after it. */
function removedAtEnd(name: string, id: string): void {
  atEnd(async () => {
    await davit(['delete', '--force', id])
    for (const left of cgroupsNamed(name)) rmdirSync(left)
  })
}

describe.runIf(v1 || v2)('the cgroup of a container', () => {
  test('is at an absolute cgroupsPath from the top of the hierarchies', async () => {
    const made = await bundle((config) => {
      config.process.args = SLEEP
    })
    const path = `/davit-test-${process.pid}/${made.id}`
    removedAtEnd(`davit-test-${process.pid}`, made.id)
    made.configure((config) => {
      config.linux.cgroupsPath = path
    })
    const { pid } = await createStart(made)
    const places = Object.entries(processCgroups(pid)).filter(([name]) => hierarchies()[name])
    expect(places.length).toBeGreaterThan(0)
    for (const [name, place] of places) expect(place, name).toBe(path)
    await must(['delete', '--force', made.id])
    expect(cgroupsNamed(made.id)).toEqual([])
  })

  test.each(['relative/', undefined])('is below the runtime’s own with path %s', async (prefix) => {
    const made = await bundle((config) => {
      config.process.args = SLEEP
    })
    made.configure((config) => {
      if (prefix) config.linux.cgroupsPath = `${prefix}${made.id}`
    })
    if (prefix) removedAtEnd('relative', made.id)
    const { pid } = await createStart(made)
    const own = processCgroups('self')
    const places = Object.entries(processCgroups(pid)).filter(([name]) => hierarchies()[name])
    const path = `/${prefix ?? ''}${made.id}`
    for (const [name, place] of places) {
      const base = own[name] === '/' ? '' : own[name]
      if (v1) expect(place, name).toBe(`${base}${path}`)
      else expect(place.endsWith(path)).toBe(true)
    }
    await must(['delete', '--force', made.id])
  })

  test('holds the process from the first moment, and every child', async () => {
    const script = 'cat /proc/self/cgroup; (cat /proc/self/cgroup)'
    const made = await bundle((config) => {
      // With a namespace of its own the container sees itself at the top.
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'cgroup')
      config.process.args = ['/bin/sh', '-c', script]
    })
    const { stdout } = await run(made)
    const lines = stdout
      .trim()
      .split('\n')
      .filter((line) => hierarchies()[line.split(':')[1]?.split(',')[0] ?? 'none'])
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) expect(line).toMatch(new RegExp(`/${made.id}$`))
  })

  test('holds nothing of the runtime’s', async () => {
    const made = await bundle(SLEEP)
    const running = startRun(made)
    const { pid } = await until('running', async () => {
      const { code, stdout } = await davit(['state', made.id])
      return code === 0 && JSON.parse(stdout).status === 'running' ? JSON.parse(stdout) : undefined
    })
    const controller = v1 ? 'pids' : ''
    expect(value(pid, controller, 'cgroup.procs')).toBe(`${pid}`)
    expect(processCgroups(running.pid)).toEqual(processCgroups('self'))
    await must(['kill', made.id, 'KILL'])
    await running.done
  })

  test('is removed with all that the container made below it', async () => {
    const made = await bundle((config) => {
      config.process.args = [
        '/bin/sh',
        '-c',
        'for d in /sys/fs/cgroup/pids /sys/fs/cgroup/memory /sys/fs/cgroup; do mkdir -p $d/a/b $d/c && echo 0 >$d/a/b/cgroup.procs; done 2>/dev/null; setsid sleep 1000 & echo ready; exec sleep 1000',
      ]
      const cgroups = config.mounts.find(({ type }) => type === 'cgroup')
      if (cgroups) cgroups.options = (cgroups.options ?? []).filter((option) => option !== 'ro')
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
    })
    await createStart(made)
    await until('ready', () => containerOutput(made) === 'ready\n')
    expect(cgroupsNamed(made.id).some((path) => existsSync(`${path}/a/b`))).toBe(true)
    await must(['delete', '--force', made.id])
    expect(cgroupsNamed(made.id)).toEqual([])
  })

  test('is removed when create fails', async () => {
    const made = await bundle(['/not/there'])
    expect((await run(made)).code).toBe(1)
    expect(cgroupsNamed(made.id)).toEqual([])
  })

  test('of a container whose processes outlive init is emptied by delete', async () => {
    const made = await bundle((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      config.process.args = ['/bin/sh', '-c', 'setsid sleep 1000 & exit 0']
    })
    await createStart(made)
    await untilStatus(made.id, 'stopped')
    await must(['delete', made.id])
    expect(cgroupsNamed(made.id)).toEqual([])
  })

  test('that others use is warned of; what they have stays, what was made for the container goes', async () => {
    const made = await bundle(SLEEP)
    const { pid } = await createStart(made)
    // Absolute, so that in hierarchies where the runtime is not at the top it is another one.
    const path = processCgroups(pid)[v1 ? 'pids' : ''] as string
    const before = cgroupsNamed(made.id)
    const other = await bundle((config) => {
      config.linux.cgroupsPath = path
      config.process.args = ['/bin/echo', 'ran']
    })
    const { code, stdout, stderr } = await run(other)
    expect([code, stdout]).toEqual([0, 'ran\n'])
    expect(stderr).toMatch(/cgroup .* is not empty: 1 process/)
    expect((await state(made.id)).status).toBe('running')
    expect(cgroupsNamed(made.id)).toEqual(before)
  })

  test.runIf(v1)('that is frozen is refused', async () => {
    const made = await bundle(SLEEP)
    const { pid } = await createStart(made)
    const freezer = directoryOf(pid, 'freezer')
    writeFileSync(`${freezer}/freezer.state`, 'FROZEN')
    atEnd(() => writeFileSync(`${freezer}/freezer.state`, 'THAWED'))
    const other = await bundle((config) => {
      config.linux.cgroupsPath = processCgroups(pid).freezer as string
      config.process.args = ['/bin/true']
    })
    const { code, stderr } = await run(other)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/frozen/)])
    expect((await state(made.id)).status).toBe('paused')
  })
})

describe.runIf(v1)('paused', () => {
  test('is a status, from which kill and delete --force work', async () => {
    const made = await bundle(SLEEP)
    const { pid } = await createStart(made)
    const freezer = directoryOf(pid, 'freezer')
    atEnd(() => {
      if (existsSync(freezer)) writeFileSync(`${freezer}/freezer.state`, 'THAWED')
    })
    writeFileSync(`${freezer}/freezer.state`, 'FROZEN')
    await untilStatus(made.id, 'paused')
    expect((await davit(['delete', made.id])).stderr).toMatch(/paused/)
    await must(['delete', '--force', made.id])
    expect(existsSync(freezer)).toBe(false)
  })

  test('and killed is stopped', async () => {
    const made = await bundle(SLEEP)
    const { pid } = await createStart(made)
    writeFileSync(`${directoryOf(pid, 'freezer')}/freezer.state`, 'FROZEN')
    await untilStatus(made.id, 'paused')
    await must(['kill', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
  })

  test('a created container keeps its cgroup until it is deleted', async () => {
    const made = await bundle(SLEEP)
    await create(made)
    const { pid } = await state(made.id)
    const directory = directoryOf(pid, 'memory')
    expect(readdirSync(directory)).toContain('memory.limit_in_bytes')
    // What the container's own processes will use, and nothing of ours: the runtime's helper is small.
    expect(Number(readFileSync(`${directory}/memory.usage_in_bytes`, 'utf8'))).toBeLessThan(1 << 20)
    mkdirSync(`${made.path}/x`)
    await must(['delete', made.id])
    expect(existsSync(directory)).toBe(false)
  })
})
