/** A container that forks wildly up to its limit of processes is ended as a whole, and soon. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, createStart } from '../support/bundle.ts'
import { hierarchies, onlyCgroups, value } from '../support/cgroups.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { ALONE, patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'
import { davit, must, untilStatus } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

/** Others on the machine want to go on. */
const COUNT = ALONE ? 10_000 : 2000
/** In ms. It takes less than one second where nothing else runs. */
const LIMIT = patience(30_000)
const controller = hierarchies().pids === undefined ? '' : 'pids'

async function bomb(privatePid: boolean): Promise<Bundle> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/probe', 'bomb']
    config.linux.resources.pids = { limit: COUNT }
    if (!privatePid) config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
  })
  const { pid } = await createStart(made)
  const count = () => Number(value(pid, controller, 'pids.current'))
  await until('all of them', () => count() > COUNT * 0.9, 60_000)
  return made
}

/** How many of its processes there are, without those that only wait to be reaped. */
function left({ id }: Bundle): number {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOf(id, name)).length
}

function isOf(id: string, pid: string): boolean {
  try {
    const [cgroup, status] = ['cgroup', 'status'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8'))
    return !!cgroup?.includes(`/${id}\n`) && !/^State:\t[ZX]/m.test(status ?? '')
  } catch {
    return false // it has gone meanwhile
  }
}

describe.runIf(requires('root'))('a container that forks wildly', () => {
  test.each(['own', 'shared'])(
    'in its %s pid namespace ends by kill --all',
    { timeout: patience(120_000) },
    async (namespace) => {
      const made = await bomb(namespace === 'own')
      const begun = performance.now()
      await must(['kill', '--all', made.id, 'KILL'], { timeout: 60_000 })
      await until('the end of all', () => left(made) === 0, 60_000)
      expect(performance.now() - begun).toBeLessThan(LIMIT)
      await untilStatus(made.id, 'stopped')
      await must(['delete', made.id], { timeout: 60_000 })
      expect(cgroupsNamed(made.id)).toEqual([])
    },
  )

  test.each([['own', 'both'], ['shared', 'both'], ...(controller === '' ? [] : [['shared', 'v1'] as const])] as const)(
    'in its %s pid namespace ends by delete --force, on cgroups of %s',
    { timeout: patience(120_000) },
    async (namespace, version) => {
      const made = await bomb(namespace === 'own')
      if (version !== 'both') onlyCgroups(made.id, version)
      const begun = performance.now()
      const { code, stderr } = await davit(['delete', '--force', made.id], { timeout: 60_000 })
      expect([code, stderr]).toEqual([0, ''])
      expect(performance.now() - begun).toBeLessThan(LIMIT)
      expect(left(made)).toBe(0)
      if (version === 'both') expect(cgroupsNamed(made.id)).toEqual([])
    },
  )
})
