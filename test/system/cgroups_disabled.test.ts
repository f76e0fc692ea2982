/** `--cgroup-manager=disabled`, which Podman gives for `--cgroups=disabled`: no cgroup is made, joined or looked for. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, createStart, run, tryCreate } from '../support/bundle.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { requires } from '../support/requires.ts'
import { davit, must, untilStatus } from '../support/runtime.ts'

const global = ['--cgroup-manager', 'disabled']

describe.runIf(requires('root'))('a container without cgroups', () => {
  test('stays in those of the caller, and is killed and deleted', async () => {
    const made = await bundle((config) => {
      config.linux.cgroupsPath = '/davit-nowhere'
      config.process.args = ['/bin/sleep', '1000']
    })
    const { pid } = await createStart(made, { global })
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toBe(readFileSync('/proc/self/cgroup', 'utf8'))
    expect([...cgroupsNamed(made.id), ...cgroupsNamed('davit-nowhere')]).toEqual([])
    expect((await davit(['pause', made.id])).stderr).toMatch(/cgroup/)
    await must(['kill', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
    await must(['delete', made.id])
  })

  test('takes the list of devices that every engine writes, and refuses limits before anything is made', async () => {
    const made = await bundle((config) => {
      config.linux.resources = { devices: [{ allow: false, access: 'rwm' }], pids: {} as never, hugepageLimits: [] }
      config.process.args = ['/bin/echo', 'hello']
    })
    expect(await run(made, { global })).toMatchObject({ code: 0, stdout: 'hello\n', stderr: '' })
    made.configure((config) => {
      config.linux.resources = { pids: { limit: 10 }, memory: { limit: 1 << 24 } }
    })
    const { code, stderr } = await tryCreate(made, { global })
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /disabled: \/linux\/resources\/pids: needs a cgroup; \/linux\/resources\/memory: needs a cgroup/,
    )
    expect((await davit(['state', made.id])).stderr).toMatch(/does not exist/)
  })
})
