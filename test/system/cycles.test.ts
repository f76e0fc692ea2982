/** What a hundred containers leave: nothing, also in the process that has made and deleted them all. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { closeFd } from '../../src/ffi/file.ts'
import { createContainer } from '../../src/lifecycle/create.ts'
import { deleteContainer } from '../../src/lifecycle/delete.ts'
import type { Runtime } from '../../src/lifecycle/runtime.ts'
import { releaseContainer } from '../../src/state/store.ts'
import { type Bundle, bundle, type Config } from '../support/bundle.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

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

const text = (file: string) => readFileSync(file, 'utf8')

/** Their session keyrings, which the kernel collects in its own time. */
const keyrings = (ids: readonly string[]) =>
  text('/proc/keys')
    .split('\n')
    .filter((line) => ids.some((id) => line.includes(`_ses.${id}:`)))

/** What this process and the machine have of it now. */
function snapshot(ids: readonly string[]): object {
  return {
    fds: readdirSync('/proc/self/fd').length,
    children: readdirSync('/proc/self/task').flatMap((task) =>
      text(`/proc/self/task/${task}/children`).split(' ').filter(Boolean),
    ),
    mounts: text('/proc/self/mountinfo')
      .split('\n')
      .filter((line) => ids.some((id) => line.includes(id))),
    cgroups: ids.flatMap((id) => cgroupsNamed(id)),
    state: existsSync(stateRoot()) ? readdirSync(stateRoot()) : [],
  }
}

test.runIf(requires('root'))('a hundred containers leave nothing', { timeout: 120_000 }, async () => {
  const quiet = () => {}
  const runtime: Runtime = {
    ...{ root: stateRoot(), rootExplicit: true, cwd: '/', rootless: 'auto', cgroups: 'cgroupfs' },
    log: { warning: quiet, info: quiet, debug: quiet },
  }
  const bundles: Bundle[] = []
  for (const change of KINDS)
    bundles.push(
      await bundle(
        (config) => {
          config.process.args = ['/bin/sleep', '1000']
          change(config)
        },
        { applets: ['sleep'] },
      ),
    )
  const cycle = async (made: Bundle) => {
    const about = { detach: true, noPivot: false, noNewKeyring: false, preserveFds: 0 }
    try {
      const creation = await createContainer(runtime, { id: made.id, bundle: made.path, verb: 'create', ...about })
      creation.close()
      if (creation.init) closeFd(creation.init.pidfd)
      releaseContainer(creation.claim)
      expect(made).not.toBe(bundles.at(-1))
    } catch (error) {
      expect([made, String(error)]).toEqual([bundles.at(-1), expect.stringMatching(/\/not\/there/)])
    }
    deleteContainer(runtime, made.id, true)
  }
  const ids = bundles.map(({ id }) => id)
  for (const made of bundles) await cycle(made) // whatever is opened once
  const before = snapshot(ids)
  for (let i = 0; i < 25; i++) for (const made of bundles) await cycle(made)
  expect(snapshot(ids)).toEqual(before)
  await until('the end of their keyrings', () => keyrings(ids).length === 0, 30_000)
  expect(before).toMatchObject({ mounts: [], cgroups: [], state: [] })
})
