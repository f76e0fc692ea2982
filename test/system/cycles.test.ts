/** What five hundred containers leave: nothing, also in the process that has made and deleted them all. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { closeFd } from '../../src/ffi/file.ts'
import { createContainer } from '../../src/lifecycle/create.ts'
import { deleteContainer } from '../../src/lifecycle/delete.ts'
import type { Runtime } from '../../src/lifecycle/runtime.ts'
import { releaseContainer } from '../../src/state/claim.ts'
import { type Bundle, bundle, type Config } from '../support/bundle.ts'
import { patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { snapshot } from '../support/snapshot.ts'
import { until } from '../support/wait.ts'

/** Of each kind. */
const CYCLES = 125

const KINDS: readonly ((config: Config) => void)[] = [
  () => {},
  (config) => {
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  },
  (config) => {
    config.mounts.push({ destination: '/etc', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] })
    config.linux.resources = { ...config.linux.resources, pids: { limit: 20 }, memory: { limit: 64 << 20 } }
  },
  // Fails late: everything is taken back.
  (config) => {
    config.process.args = ['/not/there']
  },
]

/** Their session keyrings, which the kernel collects in its own time. */
const keyrings = (ids: readonly string[]) =>
  readFileSync('/proc/keys', 'utf8')
    .split('\n')
    .filter((line) => ids.some((id) => line.includes(`_ses.${id}:`)))

/** Creates and deletes a container, or sees it fail as it must. */
async function cycle(runtime: Runtime, { id, path }: Bundle, fails: boolean): Promise<void> {
  const about = { detach: true, noPivot: false, noNewKeyring: false, preserveFds: 0 }
  let said = ''
  try {
    const creation = await createContainer(runtime, { id, bundle: path, verb: 'create', ...about })
    creation.close()
    if (creation.init) closeFd(creation.init.pidfd)
    releaseContainer(creation.claim)
  } catch (error) {
    said = String(error)
  }
  expect(said).toMatch(fails ? /\/not\/there/ : /^$/)
  deleteContainer(runtime, id, true)
}

async function bundles(): Promise<Bundle[]> {
  const made: Bundle[] = []
  for (const change of KINDS) {
    const configure = (config: Config) => {
      config.process.args = ['/bin/sleep', '1000']
      change(config)
    }
    made.push(await bundle(configure, { applets: ['sleep'] }))
  }
  return made
}

const DRIVERS = [
  ['davit', 'cgroupfs', requires('root')],
  ['systemd', 'systemd', requires('root', 'systemd', 'cgroup2')],
] as const

for (const [maker, cgroups, possible] of DRIVERS)
  describe.runIf(possible)(`with cgroups made by ${maker}`, () => {
    test('five hundred containers leave nothing', { timeout: patience(240_000) }, async () => {
      const quiet = () => {}
      const runtime: Runtime = {
        ...{ root: stateRoot(), rootExplicit: true, cwd: '/', rootless: 'auto', cgroups },
        log: { warning: quiet, info: quiet, debug: quiet },
      }
      const made = await bundles()
      const ids = made.map(({ id }) => id)
      const all = async () => {
        for (const each of made) await cycle(runtime, each, each === made.at(-1))
      }
      await all() // whatever is opened once
      const before = snapshot([...ids, scratch()])
      const threads = () => readdirSync('/proc/self/task').length
      const few = threads() + 10 // the engine makes some when it wants to
      for (let i = 0; i < CYCLES; i++) await all()
      await until('the end of threads', () => threads() <= few, 30_000)
      expect(snapshot([...ids, scratch()])).toEqual(before)
      for (const name of ids) expect(JSON.stringify([before.cgroups, before.units, before.mounts])).not.toContain(name)
      expect(existsSync(stateRoot()) ? readdirSync(stateRoot()) : []).toEqual([])
      await until('the end of their keyrings', () => keyrings(ids).length === 0, 30_000)
    })
  })
