/** What makes a restored container as confined as it was: AppArmor profile, systemd's unit. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { directoryOf, value } from '../support/cgroups.ts'
import { checkpoint, counting, goesOn, image, LIMIT, restore } from '../support/checkpoint.ts'
import { CRIU } from '../support/criu.ts'
import { output } from '../support/exec.ts'
import { processCgroups } from '../support/kernel.ts'
import { command, requires } from '../support/requires.ts'
import { davit, must, state } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'

// As optional as AppArmor itself.
const parser = { ...command('apparmor_parser'), optional: true }

describe.runIf(requires('root', CRIU, 'apparmor', parser))('AppArmor', LIMIT, () => {
  /** Loads a profile that allows everything, until the end of the test. */
  async function profile(name: string): Promise<string> {
    const full = `davit-${process.pid}-${name}`
    const text = `profile ${full} flags=(attach_disconnected,mediate_deleted) {
  capability,
  dbus,
  file,
  mount,
  network,
  pivot_root,
  ptrace,
  signal,
  umount,
  unix,
  userns,
}
`
    const parse = (flag: string) => output('apparmor_parser', [flag, '--skip-cache', '--quiet'], { stdin: text })
    await parse('--replace')
    atEnd(async () => void (await parse('--remove')))
    return full
  }
  const current = async (id: string) =>
    readFileSync(`/proc/${(await state(id)).pid}/attr/apparmor/current`, 'utf8').trim()

  test('the profile is in force again; --lsm-profile gives another one', async () => {
    const [one, other] = [await profile('one'), await profile('other')]
    const made = await counting((config) => {
      config.process.apparmorProfile = one
    })
    expect(await current(made.id)).toBe(`${one} (enforce)`)
    await checkpoint(made)
    await restore(made)
    expect(await current(made.id)).toBe(`${one} (enforce)`)
    await checkpoint(made)
    await restore(made, '--lsm-profile', `apparmor:${other}`)
    expect(await current(made.id)).toBe(`${other} (enforce)`)
    await goesOn(made)
  })
})

describe.runIf(requires('root', CRIU, 'systemd', 'cgroup2'))('--systemd-cgroup restore', LIMIT, () => {
  test('has systemd make the unit again, with its limits', async () => {
    const made = await counting(
      (config) => {
        config.linux.resources = { ...config.linux.resources, memory: { limit: 64 << 20 }, pids: { limit: 20 } }
      },
      { global: ['--systemd-cgroup'] },
    )
    const unit = `davit-${made.id}.scope`
    const shown = (name: string) => output('systemctl', ['show', '--value', '--property', name, unit])
    expect(processCgroups((await state(made.id)).pid)['']).toBe(`/system.slice/${unit}`)
    await checkpoint(made)
    expect(await shown('LoadState')).toBe('not-found\n')
    const args = ['restore', '-d', '-b', made.path, '--image-path', image(), made.id]
    await must(['--systemd-cgroup', ...args], { ...LIMIT, output: `${made.path}/output` })
    const { pid } = await state(made.id)
    expect(processCgroups(pid)['']).toBe(`/system.slice/${unit}`)
    expect([await shown('MemoryMax'), await shown('ActiveState')]).toEqual([`${64 << 20}\n`, 'active\n'])
    expect([value(pid, '', 'memory.max'), value(pid, '', 'pids.max')]).toEqual([`${64 << 20}`, '20'])
    expect(directoryOf(pid, '')).toBe(`/sys/fs/cgroup/system.slice/${unit}`)
    await goesOn(made)
  })

  test('is refused while a unit of that name is there', async () => {
    const made = await counting(() => {}, { global: ['--systemd-cgroup'] })
    await checkpoint(made, '--leave-running')
    const args = ['restore', '-d', '-b', made.path, '--image-path', image(), made.id]
    const root = ['--root', `${scratch()}/other-root`]
    const { code, stderr } = await davit([...root, '--systemd-cgroup', ...args], LIMIT)
    expect([code, stderr]).toEqual([1, expect.stringContaining(`davit-${made.id}.scope`)])
    await goesOn(made)
  })
})
