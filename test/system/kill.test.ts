/** kill: which processes get a signal, and what kill says when there is none to get it. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, containerOutput, create, createStart, startRun } from '../support/bundle.ts'
import { changeCgroups, directoryOf, forgetCgroups, hierarchies, onlyCgroups } from '../support/cgroups.ts'
import { processStatus } from '../support/kernel.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, untilStatus } from '../support/runtime.ts'
import { uniqueId } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['/bin/sleep', '1000']
const VERSIONS = ['v1', 'v2', 'both'] as const
const hasV2 = hierarchies()[''] !== undefined

/** Without a pid namespace: the kernel kills nobody for us. */
const shared = (script: string) => (config: Config) => {
  config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
  config.process.args = ['/bin/sh', '-c', script]
}

/** Whether a process is there and no zombie. */
function lives(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`) && !/^[ZX]/.test(processStatus(pid).State ?? 'Z')
}

const pids = async (id: string) => (JSON.parse(await must(['ps', '-f', 'json', id])) ?? []) as number[]

async function emptied(made: Bundle): Promise<void> {
  await until('nobody left', async () => (await pids(made.id)).every((pid) => !lives(pid)))
}

describe.runIf(requires('root'))('kill of a container that shares its pid namespace', () => {
  const family = 'setsid sleep 1000 & sleep 1001 & echo ready; wait; sleep 1002'

  test.each(VERSIONS)('with SIGKILL ends all its processes, on cgroups of %s', async (version) => {
    const made = await bundle(shared(family))
    await createStart(made)
    await until('ready', async () => containerOutput(made) === 'ready\n' && (await pids(made.id)).length === 3)
    if (version !== 'both') onlyCgroups(made.id, version)
    const all = await pids(made.id)
    // Without cgroups of this version there is only the first to be known.
    if (version === 'v1' && !hierarchies().pids) return
    expect(all).toHaveLength(3)
    await must(['kill', made.id, 'KILL'])
    await until('their end', () => !all.some(lives))
    await untilStatus(made.id, 'stopped')
  })

  test('with another signal tells init alone, unless --all is given', async () => {
    const made = await bundle(shared('sleep 1000 & trap "echo term" TERM; echo ready; while :; do wait; done'))
    await createStart(made)
    await until('ready', () => containerOutput(made) === 'ready\n')
    const all = await pids(made.id)
    await must(['kill', made.id, 'TERM'])
    await until('term', () => containerOutput(made) === 'ready\nterm\n')
    expect(all.every(lives)).toBe(true)
    await must(['kill', '--all', made.id, 'TERM'])
    await until('term', () => containerOutput(made) === 'ready\nterm\nterm\n')
    expect((await state(made.id)).status).toBe('running')
    await until('the end of the other', () => all.filter(lives).length === 1)
  })

  test('ends what outlived init, and then says that it does not run', async () => {
    const made = await bundle(shared('setsid sleep 1000 & exit 0'))
    await createStart(made)
    await untilStatus(made.id, 'stopped')
    const [left = 0] = await pids(made.id)
    expect(lives(left)).toBe(true)
    const term = await davit(['kill', made.id, 'TERM'])
    expect([term.code, term.stderr]).toEqual([1, 'davit: kill failed: container not running\n'])
    await must(['kill', made.id, 'KILL'])
    await until('its end', () => !lives(left))
    await until('an empty cgroup', async () => (await pids(made.id)).length === 0)
    const { code, stderr } = await davit(['kill', made.id, 'KILL'])
    expect([code, stderr]).toEqual([1, 'davit: kill failed: container not running\n'])
  })

  test('warns when it has no cgroups, and ends init', async () => {
    const made = await bundle(shared('exec sleep 1000'))
    await createStart(made)
    forgetCgroups(made.id)
    const { code, stderr } = await davit(['kill', made.id, 'KILL'])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/no cgroups: only its first process gets the signal/)])
    await untilStatus(made.id, 'stopped')
  })

  test.each(VERSIONS)('leaves nothing of one that forks all the time, on cgroups of %s', async (version) => {
    if (version === 'v1' && !hierarchies().pids) return
    const made = await bundle((config) => {
      shared('f() { while :; do (sleep 0.01; setsid sh -c "sleep 0.02; sleep 1000" & ) & sleep 0.005; done; }; f')(
        config,
      )
      config.linux.resources.pids = { limit: 150 }
    })
    await createStart(made)
    await until('many', async () => (await pids(made.id)).length > 40)
    if (version !== 'both') onlyCgroups(made.id, version)
    await must(['kill', made.id, 'KILL'])
    await emptied(made)
    await untilStatus(made.id, 'stopped')
  })
})

describe.runIf(requires('root'))('kill', () => {
  test('sends signals without names, too', async () => {
    const made = await bundle((config) => {
      shared('exec sleep 1000')(config)
    })
    for (const [name, number] of [
      ['RTMIN+3', 37],
      ['SIGRTMAX', 64],
      ['40', 40],
      ['sigusr2', 12],
    ] as const) {
      const running = startRun(made)
      await until('running', async () => (await davit(['state', made.id])).stdout.includes('"running"'))
      await must(['kill', made.id, name])
      expect((await running.done).code).toBe(128 + number)
    }
  })

  test('0 only asks whether it runs', async () => {
    const made = await bundle(SLEEP)
    await create(made)
    for (const args of [[], ['--all']]) expect(await must(['kill', ...args, made.id, '0'])).toBe('')
    await must(['start', made.id])
    for (const args of [[], ['--all']]) expect(await must(['kill', ...args, made.id, '0'])).toBe('')
    await must(['kill', made.id, '9'])
    await untilStatus(made.id, 'stopped')
    const { code, stderr } = await davit(['kill', made.id, '0'])
    expect([code, stderr]).toEqual([1, 'davit: kill failed: container not running\n'])
  })

  test('of a stopped container is an error, of --all of it none, as containerd calls it', async () => {
    const made = await bundle('true')
    await createStart(made)
    await untilStatus(made.id, 'stopped')
    for (const args of [[made.id], [made.id, '9'], [made.id, 'KILL'], [made.id, 'TERM']]) {
      const { code, stderr } = await davit(['kill', ...args])
      expect([code, stderr]).toEqual([1, 'davit: kill failed: container not running\n'])
    }
    expect(await must(['kill', '--all', made.id, '9'])).toBe('')
    expect(await must(['kill', '--all', made.id, '15'])).toBe('')
    await must(['delete', made.id])
    const { code, stderr } = await davit(['kill', '--all', made.id, '9'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('container does not exist')])
  })

  test('--all leaves a paused container paused, and lets one that runs go on', async () => {
    const made = await bundle('trap "echo got" USR1; echo ready; while :; do sleep 0.02; done')
    await createStart(made)
    await until('ready', () => containerOutput(made) === 'ready\n')
    await must(['pause', made.id])
    await must(['kill', '--all', made.id, 'USR1'])
    expect((await state(made.id)).status).toBe('paused')
    expect(containerOutput(made)).toBe('ready\n')
    await must(['resume', made.id])
    await until('got', () => containerOutput(made).endsWith('got\n'))
    // sleep has no handler and dies of it.
    await must(['kill', '--all', made.id, 'USR1'])
    expect((await state(made.id)).status).toBe('running')
    await until('got again', () => containerOutput(made).match(/got/g)?.length === 2)
  })

  test.each(['v1', 'v2'] as const)('reaches processes in cgroups that the container made, on %s', async (version) => {
    const controller = version === 'v1' ? 'pids' : ''
    if (hierarchies()[controller] === undefined) return
    const made = await bundle(shared('sleep 1000 & sleep 1001 & echo ready; wait'))
    const { pid } = await createStart(made)
    await until('ready', async () => (await pids(made.id)).length === 3)
    const all = await pids(made.id)
    // Everything but this hierarchy is forgotten, where the processes are one level below each other.
    const own = directoryOf(pid, controller)
    let dir = own
    for (const one of all) {
      dir += '/inner'
      mkdirSync(dir)
      writeFileSync(`${dir}/cgroup.procs`, `${one}`)
    }
    changeCgroups(made.id, (cgroup) => {
      if (version === 'v1') delete cgroup.v2
      cgroup.v1 = version === 'v1' ? [own] : []
    })
    expect(await pids(made.id)).toEqual(all)
    await must(['kill', made.id, 'KILL'])
    await until('their end', () => !all.some(lives))
  })

  test.runIf(hasV2)('reaches processes of threaded cgroups, and ps names them once', async () => {
    const made = await bundle(shared('exec probe threads'))
    const { pid } = await createStart(made)
    await until('threads', () => containerOutput(made) === 'threads\n')
    onlyCgroups(made.id, 'v2')
    const inner = `${directoryOf(pid, '')}/inner`
    mkdirSync(inner)
    writeFileSync(`${inner}/cgroup.type`, 'threaded')
    for (const thread of readdirSync(`/proc/${pid}/task`)) writeFileSync(`${inner}/cgroup.threads`, thread)
    expect(await pids(made.id)).toEqual([pid])
    // The container's own cgroup may be a threaded one as well.
    changeCgroups(made.id, (cgroup) => {
      cgroup.v2 = inner
    })
    expect(await pids(made.id)).toEqual([pid])
    await must(['kill', '--all', made.id, 'KILL'])
    await until('its end', () => !lives(pid))
  })

  test('is not disturbed by cgroups that vanish meanwhile', async () => {
    const made = await bundle('trap "" USR1; echo ready; while :; do sleep 1; done')
    const { pid } = await createStart(made)
    await until('ready', () => containerOutput(made) === 'ready\n')
    const dirs = Object.keys(hierarchies())
      .filter((name) => ['pids', 'freezer', ''].includes(name))
      .map((name) => directoryOf(pid, name))
    let busy = true
    const churn = (async () => {
      for (let i = 0; busy; i++) {
        for (const dir of dirs) mkdirSync(`${dir}/${i}/x`, { recursive: true })
        await new Promise((done) => setImmediate(done))
        for (const dir of dirs) {
          rmdirSync(`${dir}/${i}/x`)
          rmdirSync(`${dir}/${i}`)
        }
      }
    })()
    for (let i = 0; i < 15; i++) {
      await must(['kill', '--all', made.id, 'USR1'])
      expect((await pids(made.id)).length).toBeGreaterThan(0)
    }
    busy = false
    await churn
  })
})

describe.runIf(requires('root'))('a regular expression', () => {
  test('names the containers to kill and to delete', async () => {
    const prefix = uniqueId()
    const made: Bundle[] = []
    for (const name of ['one', 'two', 'other']) {
      const one = { ...(await bundle(SLEEP)), id: `${prefix}.${name}` }
      await createStart(one)
      made.push(one)
    }
    const [one, two, other] = made as [Bundle, Bundle, Bundle]
    await must(['kill', '--regex', `^${prefix}\\.(one|two)$`, 'KILL'])
    await untilStatus(one.id, 'stopped')
    await untilStatus(two.id, 'stopped')
    expect((await state(other.id)).status).toBe('running')
    // What cannot be deleted is a warning.
    const { code, stderr } = await davit(['delete', '-r', `^${prefix}`])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/other: cannot delete container .* not stopped: running/)])
    expect(await must(['list', '-q'])).toBe(`${other.id}\n`)
    await must(['delete', '-r', '-f', prefix])
    expect(await must(['list', '-q'])).toBe('')
    expect((await davit(['kill', '-r', '(', 'KILL'])).stderr).toMatch(/"\(" is no regular expression/)
  })
})
