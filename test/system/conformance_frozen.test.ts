/** The conformance suite, when a runtime leaves a frozen container: it is thawed and taken away with its cgroups. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Report } from '../../conformance/results.ts'
import { exec } from '../support/exec.ts'
import { writeFake } from '../support/fake_runtime.ts'
import { cgroupsNamed, processesRootedIn } from '../support/leaks.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME, repositoryPath } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { scratch } from '../support/scratch.ts'

/** For a suite that leaves the container: else it would stay for ever. */
function thaw(id: string): void {
  for (const path of cgroupsNamed(id))
    if (existsSync(`${path}/freezer.state`)) writeFileSync(`${path}/freezer.state`, 'THAWED')
}

/** By the freezer of v1, also where there is that of v2, and it neither thaws nor deletes. */
const FREEZES = `
case $3 in
pause)
  state=/sys/fs/cgroup/freezer/$last/freezer.state
  echo FROZEN >"$state"
  until grep -q FROZEN "$state"; do sleep 0.02; done # FREEZING is before
  exit ;;
resume | delete) exit 0 ;;
esac`

// A frozen process of v1 cannot end; that of v2 can, and has nothing to show here.
describe.runIf(requires('root', 'cgroup1'))('a container that is left frozen', { timeout: patience(60_000) }, () => {
  it('is taken away, and the case has failed', async () => {
    const [folder, runtime] = [`${scratch()}/tmp`, `${scratch()}/runtime`]
    mkdirSync(folder)
    writeFake(runtime, RUNTIME, FREEZES)
    const argv = ['--runtime', runtime, '--format', 'json', '--filter', '^pause-freezes$']
    const env = { ...process.env, TMPDIR: folder }
    const { stdout } = await exec(repositoryPath('build/davit-conformance'), argv, { env, timeout: 50_000 })
    const [id = ''] = /conf-\d+-\d+/.exec(stdout) ?? []
    try {
      const [result] = (JSON.parse(stdout) as Report).runtimes[0]?.results ?? []
      expect(result).toMatchObject({ verdict: 'failed', reason: expect.stringContaining('status after resume') })
      expect(processesRootedIn(folder)).toEqual([])
      expect(cgroupsNamed(id)).toEqual([])
    } finally {
      thaw(id)
    }
  })
})
