/** Many containers: at once, and one after the other. The machine is afterwards what it was before. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, run } from '../support/bundle.ts'
import { cgroupsNamed, processesNaming } from '../support/leaks.ts'
import { patience } from '../support/pace.ts'
import { stateEntries } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { davit, must, stateRoot } from '../support/runtime.ts'
import { scratch, uniqueId } from '../support/scratch.ts'

const applets = ['sh', 'sleep', 'true']
const AT_ONCE = 200
const WAVE = 20
const LIFECYCLES = 300

/** Does it for every one, so many at a time; what each gave. */
async function inWaves<T, R>(list: readonly T[], act: (each: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let i = 0; i < list.length; i += WAVE) results.push(...(await Promise.all(list.slice(i, i + WAVE).map(act))))
  return results
}

/** Mounts of the test's own directory, cgroups and processes of its containers, and fds that lead to them. */
async function leftOf(path: string, ids: readonly string[]): Promise<object> {
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(path)).length,
    cgroups: ids.flatMap((id) => cgroupsNamed(id, '/sys/fs/cgroup', 1)).length,
    processes: (await processesNaming(path, ids)).length,
    state: stateEntries().length,
  }
}

const NOTHING = { mounts: 0, cgroups: 0, processes: 0, state: 0 }

describe.runIf(requires('root'))('load', () => {
  test(`${AT_ONCE} containers exist at once, made ${WAVE} at a time`, { timeout: patience(240_000) }, async () => {
    mkdirSync(stateRoot(), { recursive: true })
    const made = await bundle(['sleep', '600'], { applets })
    const ids = Array.from({ length: AT_ONCE }, () => uniqueId())
    const created = await inWaves(ids, (id) =>
      davit(['create', '--bundle', made.path, id], { output: `${scratch()}/${id}.out`, timeout: 60_000 }),
    )
    expect(created.filter(({ code }) => code !== 0)).toEqual([])
    const started = await inWaves(ids, (id) => davit(['start', id], { timeout: 60_000 }))
    expect(started.filter(({ code }) => code !== 0)).toEqual([])
    const listed = JSON.parse(await must(['list', '--format', 'json'])) as { id: string; pid: number; status: string }[]
    expect(listed.map(({ id }) => id).sort()).toEqual([...ids].sort())
    expect(listed.filter(({ status }) => status !== 'running')).toEqual([])
    expect(new Set(listed.map(({ pid }) => readdirSync(`/proc/${pid}/fd`).join())).size).toBe(1)
    const deleted = await inWaves(ids, (id) => davit(['delete', '--force', id], { timeout: 60_000 }))
    expect(deleted.filter(({ code }) => code !== 0)).toEqual([])
    expect(await leftOf(made.path, ids)).toEqual(NOTHING)
  })

  test(`${LIFECYCLES} lifecycles in a row leave nothing`, { timeout: patience(240_000) }, async () => {
    const made = await bundle(['true'], { applets })
    const ours = () => readdirSync('/proc/self/fd').length
    expect(await run(made)).toMatchObject({ code: 0 })
    const fds = ours()
    for (let i = 0; i < LIFECYCLES; i++) {
      const { code, stderr } = await run(made)
      expect({ i, code, stderr }).toEqual({ i, code: 0, stderr: '' })
      if (i % 100 === 99) expect(await leftOf(made.path, [made.id])).toEqual(NOTHING)
    }
    expect(ours()).toBeLessThanOrEqual(fds)
  })
})
