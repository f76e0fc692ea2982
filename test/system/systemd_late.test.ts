/** A unit that does not come to be in time is taken back, and not left to start later. */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, run } from '../support/bundle.ts'
import { exec, output } from '../support/exec.ts'
import { requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { atEnd, uniqueId } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

describe.runIf(requires('root', 'systemd', 'cgroup2'))('a unit that waits for another', () => {
  test('is given up after half a minute, and nothing of it is left', { timeout: 120_000 }, async () => {
    const slow = `davit-test-${uniqueId()}.service`
    atEnd(async () => void (await exec('systemctl', ['kill', '--signal=KILL', slow])))
    const how = ['--no-block', '--property=Type=oneshot', '--collect', `--unit=${slow}`]
    await output('systemd-run', [...how, 'sleep', '1000'])
    await until('it is starting', async () => (await output('systemctl', ['list-jobs'])).includes(slow))
    const made = await bundle((config) => {
      config.annotations = { 'org.systemd.property.After': `['${slow}']` }
    })
    const { code, stderr } = await run(made, { global: ['--systemd-cgroup'], timeout: 100_000 })
    const unit = `davit-${made.id}.scope`
    expect(code).toBe(1)
    expect(stderr).toContain(`start unit ${unit}: timeout waiting for the job of ${unit} in systemd`)
    expect(await output('systemctl', ['list-jobs'])).not.toContain(unit)
    const shown = await output('systemctl', ['show', unit, '--property=ActiveState', '--property=LoadState'])
    expect(shown.trim().split('\n').sort()).toEqual(['ActiveState=inactive', 'LoadState=not-found'])
    expect(readdirSync(stateRoot())).toEqual([])
  })
})
