/** What davit makes on the host has its modes whatever the caller's umask. */
import { statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle } from '../support/bundle.ts'
import { directoryOf, hierarchies } from '../support/cgroups.ts'
import { processCgroups } from '../support/kernel.ts'
import { requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8)

describe.runIf(requires('root'))('under an odd umask', () => {
  test('cgroups, state, log and pid file have their modes', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    const [log, pidFile] = [`${made.path}/log`, `${made.path}/pid`]
    const before = process.umask(0o777)
    try {
      const line = ['--log', log, 'create', '--bundle', made.path, '--pid-file', pidFile, made.id]
      await must(line, { output: `${made.path}/output` })
    } finally {
      process.umask(before)
    }
    const { pid } = await state(made.id)
    // The files of /proc have names of their own for hierarchies without a controller.
    const names = Object.keys(hierarchies()).filter((name) => processCgroups(pid)[name] !== undefined)
    expect(names).not.toEqual([])
    expect(names.map((name) => mode(directoryOf(pid, name)))).toEqual(names.map(() => '755'))
    expect([mode(log), mode(pidFile)]).toEqual(['644', '644'])
    const own = `${stateRoot()}/${made.id}`
    expect([mode(stateRoot()), mode(own), mode(`${own}/state.json`)]).toEqual(['1700', '700', '600'])
  })
})
