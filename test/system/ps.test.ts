/** ps: which processes, and what ps(1) of the host says of them. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, containerOutput, create, createStart } from '../support/bundle.ts'
import { directoryOf, hierarchies, onlyCgroups } from '../support/cgroups.ts'
import { exec } from '../support/exec.ts'
import { processStatus } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['/bin/sleep', '1000']

/** Init and two children, with a pid namespace of their own. */
async function family() {
  const made = await bundle('sleep 1000 & sleep 1001 & echo ready; wait')
  const { pid } = await createStart(made)
  await until('ready', () => containerOutput(made) === 'ready\n')
  return { made, pid }
}

const json = async (id: string) => JSON.parse(await must(['ps', '--format', 'json', id])) as number[] | null

describe.runIf(requires('root'))('ps', () => {
  test('lists all processes of the container by their pids on the host', async () => {
    const { made, pid } = await family()
    const pids = await json(made.id)
    expect(pids).toHaveLength(3)
    expect(pids).toContain(pid)
    for (const one of pids ?? []) expect(processStatus(one).NSpid?.split(' ')).toHaveLength(2)
    const text = await must(['ps', '-f', 'json', made.id])
    expect(text).toBe(`[${pids?.join(',')}]\n`)
    const lines = (await must(['ps', made.id])).trimEnd().split('\n')
    expect(lines[0]).toMatch(/^UID +PID +PPID /)
    expect(lines.slice(1).map((line) => Number(line.split(/ +/)[1]))).toEqual(pids)
    expect(lines.filter((line) => / sleep 100[01]$/.test(line))).toHaveLength(2)
  })

  test('gives everything after the id to ps(1)', async () => {
    const { made, pid } = await family()
    const all = (await must(['ps', made.id, '-e', '-o', 'pid,args'])).trimEnd().split('\n')
    expect(all).toHaveLength(4)
    expect(all[1]?.trim().split(' ')[0]).toBe(`${pid}`)
    expect(await must(['ps', made.id, 'aux'])).toMatch(/^USER +PID +%CPU/)
    // What would be flags of ours before the id.
    expect((await must(['ps', made.id, '--format', 'pid,comm', '-e'])).split('\n')[0]).toMatch(/^ +PID COMMAND$/)
  })

  test('shows the threads of a process below it, where ps(1) prints no pid', async () => {
    const { made } = await family()
    const lines = (await must(['ps', made.id, 'axm'])).trimEnd().split('\n')
    expect(lines).toHaveLength(1 + 3 * 2)
  })

  test('says what is wrong with the arguments, in one line', async () => {
    const { made } = await family()
    for (const [args, words] of [
      [['-e', '-o', 'comm'], /^davit: couldn't find PID field in ps output\n$/],
      [['--nonsense'], /^davit: exit status 1: error: unknown gnu long option; [^\n]*\n$/],
    ] as const) {
      const { code, stdout, stderr } = await davit(['ps', made.id, ...args])
      expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(words)])
    }
    expect((await davit(['ps', '-f', 'xml', made.id])).stderr).toMatch(/--format is "xml", not one of "table", "json"/)
  })

  test('never runs a ps of the caller’s directory or PATH', async () => {
    const { made } = await family()
    const trap = `${made.path}/trap`
    mkdirSync(trap)
    writeFileSync(`${trap}/ps`, '#!/bin/sh\necho PID trapped\n')
    chmodSync(`${trap}/ps`, 0o755)
    const env = { PATH: `${trap}:.:/bin` }
    const { code, stdout } = await exec(RUNTIME, ['--root', stateRoot(), 'ps', made.id], { cwd: trap, env })
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^UID /)])
  })

  test('of a created container shows its init, of a paused one the same, of a stopped one none', async () => {
    const made = await bundle(SLEEP)
    await create(made)
    const { pid } = await state(made.id)
    expect(await json(made.id)).toEqual([pid])
    await must(['start', made.id])
    await must(['pause', made.id])
    expect(await json(made.id)).toEqual([pid])
    await must(['kill', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
    await until('end', async () => (await json(made.id)) === null)
    expect((await must(['ps', made.id])).trimEnd().split('\n')).toHaveLength(1)
    await must(['delete', made.id])
    const { code, stderr } = await davit(['ps', made.id])
    expect([code, stderr]).toEqual([1, `davit: ps failed: container does not exist: ${made.id}\n`])
  })

  test('finds processes in cgroups that the container made, and those that left in one hierarchy', async () => {
    const { made, pid } = await family()
    const expected = await json(made.id)
    const moved = expected?.find((one) => one !== pid) as number
    const names = Object.keys(hierarchies()).filter((name) => name in { pids: 1, freezer: 1, '': 1 })
    for (const name of names) {
      const inner = `${directoryOf(pid, name)}/inner/most`
      mkdirSync(inner, { recursive: true })
      writeFileSync(`${inner}/cgroup.procs`, `${moved}`)
    }
    expect(await json(made.id)).toEqual(expected)
    // Who has left the only one belongs to the container no more.
    if (names.length < 2) return
    const away = names[0] as string
    writeFileSync(`${hierarchies()[away]}/cgroup.procs`, `${moved}`)
    expect(await json(made.id)).toEqual(expected)
  })

  test.each(['v1', 'v2'] as const)('knows them by cgroups of %s alone', async (version) => {
    const { made, pid } = await family()
    const has = Object.keys(hierarchies()).some((name) => (name === '') === (version === 'v2'))
    const expected = await json(made.id)
    onlyCgroups(made.id, version)
    expect(await json(made.id)).toEqual(has ? expected : null)
    expect(expected).toContain(pid)
  })
})
