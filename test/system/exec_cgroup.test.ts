/** The cgroups of a process of exec. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, createStart } from '../support/bundle.ts'
import { changeCgroups, directoryOf, hierarchies, onlyCgroups } from '../support/cgroups.ts'
import { start } from '../support/exec.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { processCgroups } from '../support/kernel.ts'
import { requires } from '../support/requires.ts'
import { davit } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

async function sleeper(change: (config: Config) => void = () => {}): Promise<Bundle & { readonly pid: number }> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    // The host's names are what the tests look at.
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'cgroup')
    change(config)
  })
  const { pid } = await createStart(made)
  return { ...made, pid }
}

/** What /proc/self/cgroup says in a process of exec, by controller. */
async function placesOf({ id }: Bundle, flags: readonly string[] = []): Promise<Record<string, string>> {
  const text = await outputIn(id, ['cat', '/proc/self/cgroup'], flags)
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(':') as [string, string, string])
  return Object.fromEntries(
    lines.flatMap(([, controllers, path]) => controllers.split(',').map((name) => [name, path])),
  )
}

/** A directory in a hierarchy, removed with the test when the container is gone. */
function directory(path: string, { id }: Bundle): string {
  mkdirSync(path)
  atEnd(async () => {
    await davit(['delete', '--force', id])
    if (existsSync(path)) await until(`removal of ${path}`, () => tryRemove(path))
  })
  return path
}

function tryRemove(path: string): boolean {
  try {
    rmdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return false
  }
  return true
}

const failed = (words: string | RegExp) => ({ code: 255, stdout: '', stderr: expect.stringMatching(words) })
const v1 = requires('root', 'cgroup1')
const own = processCgroups('self')
const mounted = Object.keys(hierarchies()).filter((name) => own[name] !== undefined)
const hasV2 = mounted.includes('')

describe.runIf(v1 || requires('root', 'cgroup2'))('exec enters the cgroups of the container', () => {
  test('all of them, whatever cgroup the caller is in', async () => {
    const made = await sleeper()
    expect(await placesOf(made)).toEqual(processCgroups(made.pid))
  })

  test.runIf(v1 && hasV2).each(['v1', 'v2'] as const)('of %s alone', async (version) => {
    const made = await sleeper()
    onlyCgroups(made.id, version)
    const [places, init] = [await placesOf(made), processCgroups(made.pid)]
    for (const name of mounted)
      expect(places[name], name).toBe((version === 'v2') === (name === '') ? init[name] : own[name])
  })

  test('one that others were in before, too', async () => {
    const path = `/davit-shared-${process.pid}`
    const other = start('sleep', ['1000'])
    const made = await bundle(['/bin/sleep', '1000'])
    for (const mount of new Set(Object.values(hierarchies()))) {
      directory(`${mount}${path}`, made)
      // A v1 cpuset takes nobody before it has CPUs.
      if (existsSync(`${mount}/cpuset.cpus`))
        for (const file of ['cpuset.cpus', 'cpuset.mems'])
          writeFileSync(`${mount}${path}/${file}`, readFileSync(`${mount}/${file}`))
      writeFileSync(`${mount}${path}/cgroup.procs`, `${other.pid}`)
    }
    atEnd(async () => {
      other.child.kill('SIGKILL')
      await other.done
    })
    made.configure(({ linux }) => {
      linux.cgroupsPath = path
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'cgroup')
    })
    const { pid } = await createStart(made)
    expect(await placesOf(made)).toEqual(processCgroups(pid))
  })
})

describe.runIf(v1)('exec into a container whose first process has moved', () => {
  test('goes where it is now, in every hierarchy whose recorded cgroup is gone', async () => {
    const made = await sleeper()
    const moved = ['memory', 'pids', ...(hasV2 ? [''] : [])]
    for (const name of moved) {
      const before = directoryOf(made.pid, name)
      writeFileSync(`${directory(`${before}-moved`, made)}/cgroup.procs`, `${made.pid}`)
      rmdirSync(before)
    }
    const places = await placesOf(made)
    expect(places).toEqual(processCgroups(made.pid))
    for (const name of moved) expect(places[name]).toMatch(/-moved$/)
    expect(await execIn(made.id, 'exit 3')).toMatchObject({ code: 3 })
  })

  test.runIf(hasV2)('goes where it is when the kernel takes nobody into the recorded cgroup', async () => {
    const made = await sleeper()
    const own = directoryOf(made.pid, '')
    // Below a cgroup with a threaded child the next one is "domain invalid": nobody can be put into it.
    writeFileSync(`${directory(`${own}/threads`, made)}/cgroup.type`, 'threaded')
    const invalid = directory(`${own}/invalid`, made)
    expect(readFileSync(`${invalid}/cgroup.type`, 'utf8')).toBe('domain invalid\n')
    changeCgroups(made.id, (cgroup) => {
      cgroup.v2 = invalid
    })
    expect((await placesOf(made))['']).toBe(processCgroups(made.pid)[''])
  })
})

describe.runIf(v1)('--cgroup', () => {
  async function withChild(): Promise<Bundle & { readonly pid: number }> {
    const made = await sleeper()
    for (const name of ['memory', 'pids', 'freezer', ...(hasV2 ? [''] : [])])
      directory(`${directoryOf(made.pid, name)}/child`, made)
    mkdirSync(`${directoryOf(made.pid, 'pids')}/child/deep`)
    return made
  }

  test.each([
    [['pids:child'], { pids: '/child' }],
    [['pids:/child/'], { pids: '/child' }],
    [['pids:./child//deep/.'], { pids: '/child/deep' }],
    [['pids,memory:child'], { pids: '/child', memory: '/child' }],
    [['pids:child/deep', 'memory:child'], { pids: '/child/deep', memory: '/child' }],
    [['pids:/'], {}],
    [['/'], {}],
  ])('%j', async (values, below) => {
    const made = await withChild()
    const expected = processCgroups(made.pid)
    for (const [name, path] of Object.entries(below)) expected[name] += path
    const flags = values.flatMap((value) => ['--cgroup', value])
    expect(await placesOf(made, flags)).toEqual(expected)
  })

  test('without a controller means every hierarchy', async () => {
    const made = await sleeper()
    const dirs = [...new Set(mounted.map((name) => directoryOf(made.pid, name)))]
    for (const dir of dirs) {
      directory(`${dir}/child`, made)
      if (existsSync(`${dir}/cpuset.cpus`))
        for (const file of ['cpuset.cpus', 'cpuset.mems'])
          writeFileSync(`${dir}/child/${file}`, readFileSync(`${dir}/${file}`))
    }
    const places = await placesOf(made, ['--cgroup', 'child'])
    const init = processCgroups(made.pid)
    for (const name of mounted) expect(places[name], name).toBe(`${init[name]}/child`)
  })

  test.each([
    [['pids:..'], 'is not a sub cgroup path'],
    [['pids:child/../..'], 'is not a sub cgroup path'],
    [['pids:child/../child'], 'is not a sub cgroup path'],
    [['../x'], 'is not a sub cgroup path'],
    [['pids:none'], 'enter cgroup .*/none: no such file or directory'],
    [['pids:child/tasks'], 'enter cgroup .*not a directory'],
    [['nosuch:child'], 'no cgroup of controller nosuch'],
    [[':child'], 'empty <controller> prefix'],
    [['pids,:child'], 'empty <controller> prefix'],
    [['pids:child', 'child'], 'missing <controller>: prefix'],
    [['pids:child', 'memory,pids:child'], 'controller pids specified multiple times'],
  ])('%j is refused', async (values, words) => {
    const made = await withChild()
    const flags = values.flatMap((value) => ['--cgroup', value])
    expect(await execIn(made.id, ['true'], flags)).toMatchObject(failed(words))
  })

  test('reaches no sibling whose name only begins as the container’s', async () => {
    const made = await sleeper()
    const own = directoryOf(made.pid, 'pids')
    directory(`${own}-sibling`, made)
    expect(await execIn(made.id, ['true'], ['--cgroup', 'pids:../x-sibling'])).toMatchObject(failed('sub cgroup'))
    expect(await execIn(made.id, ['true'], ['--cgroup', 'pids:-sibling'])).toMatchObject(
      failed(`${own}/-sibling: no such`),
    )
  })

  test('is no place to fall back from', async () => {
    const made = await sleeper()
    const before = directoryOf(made.pid, 'pids')
    writeFileSync(`${directory(`${before}-moved`, made)}/cgroup.procs`, `${made.pid}`)
    rmdirSync(before)
    expect(await execIn(made.id, ['true'], ['--cgroup', 'pids:/'])).toMatchObject(failed('enter cgroup .*no such file'))
    expect(await execIn(made.id, ['true'])).toMatchObject({ code: 0 })
  })
})
