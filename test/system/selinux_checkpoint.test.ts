/** Checkpoints of containers with labels of SELinux: none comes back freer than it was. */
import { describe, expect, test } from 'vitest'
import { checkpoint, counting, goesOn, ids, LIMIT, restore } from '../support/checkpoint.ts'
import { CRIU, criuPath } from '../support/criu.ts'
import { exec } from '../support/exec.ts'
import { mountAt, processMounts } from '../support/kernel.ts'
import { cgroupsNamed, processesNaming } from '../support/leaks.ts'
import { type Need, requires } from '../support/requires.ts'
import { state } from '../support/runtime.ts'
import { FILES, OTHER_PROCESS, PROCESS, processLabel } from '../support/selinux.ts'

const OTHER_FILES = FILES.replace('c1,c2', 'c5,c6')

/** Debian's criu is built without. */
const linked = async () => (await exec('ldd', [criuPath()])).stdout.includes('libselinux')
const labels = CRIU.met() && (await linked())
const WITH: Need = { name: 'a criu with SELinux', optional: true, met: () => labels }
const WITHOUT: Need = { name: 'a criu without SELinux', optional: true, met: () => !labels }

describe.runIf(requires('root', CRIU, 'selinux'))('mounts', LIMIT, () => {
  test('have their label again; --lsm-mount-context gives them another one', async () => {
    const made = await counting((config) => {
      config.linux.mountLabel = FILES
    })
    const label = async () => mountAt(processMounts((await state(made.id)).pid), '/dev/shm').data
    await checkpoint(made)
    await restore(made)
    expect(await label()).toContain(`context="${FILES}"`)
    await checkpoint(made)
    await restore(made, '--lsm-mount-context', OTHER_FILES)
    expect(await label()).toContain(`context="${OTHER_FILES}"`)
    await goesOn(made)
  })
})

const counter = () =>
  counting((config) => {
    config.process.selinuxLabel = PROCESS
  })

describe.runIf(requires('root', CRIU, 'selinux', WITHOUT))('processes, by a criu without SELinux', LIMIT, () => {
  test.each<[string, string[], RegExp]>([
    [
      'as they were',
      [],
      /\/process\/selinuxLabel: the restored label is .*:unconfined_t:.*, not .*:container_t:s0:c1,c2/,
    ],
    [
      'with --lsm-profile',
      ['--lsm-profile', `selinux:${OTHER_PROCESS}`],
      /selinux LSM specified but selinux not supported/,
    ],
  ])('are refused rather than freed, %s', async (_, flags, words) => {
    const made = await counter()
    await checkpoint(made)
    await expect(restore(made, ...flags)).rejects.toThrow(words)
    expect((await ids())?.map(({ id }) => id) ?? []).not.toContain(made.id)
    expect(cgroupsNamed(made.id)).toEqual([])
    expect(await processesNaming(made.path, [made.id])).toEqual([])
  })
})

describe.runIf(requires('root', CRIU, 'selinux', WITH))('processes', LIMIT, () => {
  test('have their label again; --lsm-profile gives them another one', async () => {
    const made = await counter()
    const label = async () => processLabel((await state(made.id)).pid)
    await checkpoint(made)
    await restore(made)
    expect(await label()).toBe(PROCESS)
    await checkpoint(made)
    await restore(made, '--lsm-profile', `selinux:${OTHER_PROCESS}`)
    expect(await label()).toBe(OTHER_PROCESS)
    await goesOn(made)
  })
})
