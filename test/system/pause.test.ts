/** pause and resume, on the v1 freezer and on cgroup.freeze of v2, as far as the machine has them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, containerOutput, create, createStart } from '../support/bundle.ts'
import { changeCgroups, directoryOf, hierarchies, onlyCgroups } from '../support/cgroups.ts'
import { output } from '../support/exec.ts'
import { processStatus } from '../support/kernel.ts'
import { patience } from '../support/pace.ts'
import { startProbe } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, untilStatus } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['/bin/sleep', '1000']
/** Counts for ever, so that a look at its output tells whether it runs. */
const COUNT = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'

/** The freezers of this machine, each with the record's cgroups of the other version forgotten. */
const FREEZERS = [
  ...(hierarchies().freezer ? (['v1'] as const) : []),
  ...(hierarchies()['']?.startsWith('/') ? (['v2'] as const) : []),
]

/** Where the kernel says whether the container is frozen, and whether it does. */
function frozen(pid: number, version: 'v1' | 'v2'): boolean {
  if (version === 'v1') return readFileSync(`${directoryOf(pid, 'freezer')}/freezer.state`, 'utf8') === 'FROZEN\n'
  return readFileSync(`${directoryOf(pid, '')}/cgroup.events`, 'utf8').includes('frozen 1')
}

/** A container that has only the freezer of one version. */
async function started(version: 'v1' | 'v2', script: string | readonly string[] = COUNT): Promise<[Bundle, number]> {
  const made = await bundle(script)
  const { pid } = await createStart(made)
  onlyCgroups(made.id, version)
  return [made, pid]
}

describe.runIf(requires('root')).each(FREEZERS)('pause with the freezer of %s', (version) => {
  test('stops all processes and resume lets them go on', async () => {
    const [made, pid] = await started(version)
    await until('output', () => containerOutput(made) !== '')
    expect(await must(['pause', made.id])).toBe('')
    expect(frozen(pid, version)).toBe(true)
    expect(await state(made.id)).toMatchObject({ status: 'paused', pid })
    const before = containerOutput(made)
    await new Promise((done) => setTimeout(done, 100))
    expect(containerOutput(made)).toBe(before)
    expect(await must(['resume', made.id])).toBe('')
    expect(frozen(pid, version)).toBe(false)
    expect((await state(made.id)).status).toBe('running')
    await until('more output', () => containerOutput(made) !== before)
  })

  test('works again and again without a moment between', async () => {
    const [made] = await started(version)
    for (let i = 0; i < 5; i++) {
      await must(['pause', made.id])
      await must(['resume', made.id])
    }
  })

  test('of a paused container ends with kill, SIGKILL without resume', async () => {
    const [made, pid] = await started(version)
    await must(['pause', made.id])
    await must(['kill', made.id, 'TERM'])
    expect((await state(made.id)).status).toBe('paused')
    await must(['kill', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
    expect(existsSync(`/proc/${pid}/exe`)).toBe(false)
    await must(['delete', made.id])
  })

  test('is no hindrance for delete --force, only for delete', async () => {
    const [made, pid] = await started(version)
    await must(['pause', made.id])
    const { code, stderr } = await davit(['delete', made.id])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/not stopped: paused/)])
    const begin = Date.now()
    await must(['delete', '--force', made.id])
    expect(Date.now() - begin).toBeLessThan(patience(2000))
    expect(existsSync(`/proc/${pid}/exe`)).toBe(false)
  })

  test('holds a created container, which starts after resume', async () => {
    const made = await bundle('echo started; exec sleep 1000')
    await create(made)
    onlyCgroups(made.id, version)
    await must(['pause', made.id])
    const { code, stderr } = await davit(['start', made.id])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/cannot start a container in the paused state/)])
    await must(['resume', made.id])
    expect((await state(made.id)).status).toBe('created')
    await must(['start', made.id])
    await until('output', () => containerOutput(made) === 'started\n')
  })

  test('is not undone by resume where a cgroup above is frozen, which is said', async () => {
    const [made, pid] = await started(version, SLEEP)
    const own = directoryOf(pid, version === 'v1' ? 'freezer' : '')
    const inner = `${own}/inner`
    const [file, freeze, thaw] = version === 'v1' ? ['freezer.state', 'FROZEN', 'THAWED'] : ['cgroup.freeze', '1', '0']
    mkdirSync(inner)
    writeFileSync(`${inner}/cgroup.procs`, `${pid}`)
    changeCgroups(made.id, (cgroup) => {
      if (version === 'v2') cgroup.v2 = inner
      else cgroup.v1 = [inner]
    })
    atEnd(() => writeFileSync(`${own}/${file}`, thaw))
    writeFileSync(`${own}/${file}`, freeze)
    await untilStatus(made.id, 'paused')
    const { code, stderr } = await davit(['resume', made.id])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/still frozen after 2000 ms, as a cgroup above it is/)])
    writeFileSync(`${own}/${file}`, thaw)
    await untilStatus(made.id, 'running')
  })

  const fuse = { name: '/dev/fuse', met: () => existsSync('/dev/fuse'), optional: true }
  // KERNEL: newer kernels freeze such a process on v1.
  test.runIf(version === 'v2' && requires(fuse))(
    'that cannot freeze everything fails and leaves nothing frozen',
    async () => {
      const [made, pid] = await started(version)
      mkdirSync(`${made.path}/fuse`)
      const stuck = await startProbe(['stuck', `${made.path}/fuse`])
      const other = Number(await until('pid', () => stuck.stdout().trim()))
      await until(
        'sleep',
        () => processStatus(other).State?.startsWith('D') || processStatus(other).State?.startsWith('S'),
      )
      const dir = directoryOf(pid, '')
      atEnd(async () => {
        stuck.child.kill('SIGKILL')
        await stuck.done
      })
      writeFileSync(`${dir}/cgroup.procs`, `${other}`)
      const { code, stderr } = await davit(['pause', made.id])
      expect([code, stderr]).toEqual([1, expect.stringMatching(/freeze .*: not all processes froze in 2000 ms/)])
      expect(readFileSync(`${dir}/cgroup.freeze`, 'utf8')).toBe('0\n')
      expect((await state(made.id)).status).toBe('running')
      const before = containerOutput(made)
      await until('more output', () => containerOutput(made) !== before)
    },
  )
})

describe.runIf(requires('root'))('pause and resume', () => {
  const both = { name: 'freezers of v1 and v2', met: () => FREEZERS.length === 2, optional: true }
  test.runIf(requires(both))('thaw every freezer, and then tell of the one that refused', async () => {
    const made = await bundle(SLEEP)
    const { pid } = await createStart(made)
    const [v1, v2] = [directoryOf(pid, 'freezer'), directoryOf(pid, '')]
    await must(['pause', made.id])
    writeFileSync(`${v1}/freezer.state`, 'FROZEN')
    await until('frozen', () => frozen(pid, 'v1'))
    // Neither root nor anybody else can write to what is mounted read-only.
    await output('mount', ['--bind', '-o', 'ro', `${v2}/cgroup.freeze`, `${v2}/cgroup.freeze`])
    atEnd(() => void output('umount', [`${v2}/cgroup.freeze`]).catch(() => {}))
    const { code, stderr } = await davit(['resume', made.id])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/cgroup\.freeze.*read-only file system/)])
    await output('umount', [`${v2}/cgroup.freeze`])
    expect(frozen(pid, 'v1')).toBe(false)
    await must(['resume', made.id])
  })

  test('are refused in every other status, in the words of runc', async () => {
    const made = await bundle(SLEEP)
    const refused = async (verb: string, words: string) => {
      const { code, stdout, stderr } = await davit([verb, made.id])
      expect([code, stdout, stderr]).toEqual([1, '', `davit: ${verb} failed: ${words}\n`])
    }
    for (const verb of ['pause', 'resume']) await refused(verb, `container does not exist: ${made.id}`)
    await create(made)
    await refused('resume', 'container not paused')
    await must(['start', made.id])
    await refused('resume', 'container not paused')
    await must(['pause', made.id])
    await refused('pause', 'container not running')
    await must(['kill', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
    await refused('pause', 'container not running')
    await refused('resume', 'container not paused')
  })

  test('of two at once one wins', async () => {
    const made = await bundle(SLEEP)
    await createStart(made)
    const results = await Promise.all(Array.from({ length: 4 }, () => davit(['pause', made.id])))
    expect(results.map(({ code }) => code).sort()).toEqual([0, 1, 1, 1])
  })

  test('beside SIGKILL never leave a container that neither runs nor ends', async () => {
    for (let i = 0; i < 10; i++) {
      const made = await bundle(SLEEP)
      await createStart(made)
      await Promise.all([davit(['pause', made.id]), davit(['kill', made.id, 'KILL'])])
      await untilStatus(made.id, 'stopped')
      await must(['delete', made.id])
    }
  })
})
