/** Where a process of exec goes on a machine with cgroup v2 alone: one hierarchy, which has no names. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, createStart } from '../support/bundle.ts'
import { directoryOf, hierarchies } from '../support/cgroups.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { processCgroups } from '../support/kernel.ts'
import { type Need, requires } from '../support/requires.ts'

type Sleeper = Bundle & { readonly pid: number; readonly dir: string; readonly place: string }

/** A container that sees its cgroup as the host names it. */
async function sleeper(): Promise<Sleeper> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'cgroup')
  })
  const { pid } = await createStart(made)
  return { ...made, pid, dir: directoryOf(pid, ''), place: processCgroups(pid)[''] as string }
}

const placeOf = async ({ id }: Bundle, ...flags: string[]) => {
  return (await outputIn(id, ['cat', '/proc/self/cgroup'], flags)).trimEnd()
}

const alone: Need = {
  name: 'cgroup v2 alone',
  optional: true,
  met: () => Object.keys(hierarchies()).join() === '',
}

describe.runIf(requires('root', alone))('exec --cgroup', () => {
  test.each([
    ['child', '/child'],
    ['/child/', '/child'],
    ['./child//deep/.', '/child/deep'],
    ['/', ''],
  ])('%s', async (path, below) => {
    const made = await sleeper()
    mkdirSync(`${made.dir}/child/deep`, { recursive: true })
    expect(await placeOf(made, '--cgroup', path)).toBe(`0::${made.place}${below}`)
    expect(processCgroups(made.pid)['']).toBe(made.place)
  })

  test.each([
    ['child/../..', 'is not a sub cgroup path'],
    ['none', 'enter cgroup .*/none: no such file or directory'],
    ['child/cgroup.procs', 'enter cgroup .*not a directory'],
    [':child', 'empty <controller> prefix'],
    ['pids:child', 'no cgroup of controller pids'],
  ])('%s is refused', async (path, words) => {
    const made = await sleeper()
    mkdirSync(`${made.dir}/child`)
    const { code, stderr } = await execIn(made.id, ['true'], ['--cgroup', path])
    expect([code, stderr]).toEqual([255, expect.stringMatching(words)])
  })
})

describe.runIf(requires('root', alone))('exec, when the first process has moved,', () => {
  test('goes where it is, as the kernel takes nobody beside children that have controllers', async () => {
    const made = await sleeper()
    mkdirSync(`${made.dir}/inner`)
    writeFileSync(`${made.dir}/inner/cgroup.procs`, `${made.pid}`)
    writeFileSync(`${made.dir}/cgroup.subtree_control`, '+memory +pids')
    expect(await placeOf(made)).toBe(`0::${made.place}/inner`)
    expect((await execIn(made.id, ['true'], ['--cgroup', '/'])).code).toBe(255)
    expect(await placeOf(made, '--cgroup', 'inner')).toBe(`0::${made.place}/inner`)
  })

  test('goes where it is when the cgroup that davit made is gone', async () => {
    const made = await sleeper()
    mkdirSync(`${made.dir}-moved`)
    writeFileSync(`${made.dir}-moved/cgroup.procs`, `${made.pid}`)
    rmdirSync(made.dir)
    expect(await placeOf(made)).toBe(`0::${made.place}-moved`)
    // Back again, so that all goes with the container.
    mkdirSync(made.dir)
    writeFileSync(`${made.dir}/cgroup.procs`, `${made.pid}`)
    rmdirSync(`${made.dir}-moved`)
  })
})
