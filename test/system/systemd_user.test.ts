/** Cgroups made by the systemd of an ordinary user, who is not root anywhere. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Config } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { processCgroups } from '../support/kernel.ts'
import { command, requires } from '../support/requires.ts'
import { atEnd } from '../support/scratch.ts'
import { userBundle } from '../support/user_bundle.ts'
import { until } from '../support/wait.ts'

const MIB = 1 << 20

/** A bundle of a user whose manager runs, as after a login. */
async function managed(change: (config: Config) => void) {
  const made = await userBundle(change)
  const { name, uid, exec } = made.user
  const env = { XDG_RUNTIME_DIR: `/run/user/${uid}`, DBUS_SESSION_BUS_ADDRESS: `unix:path=/run/user/${uid}/bus` }
  await output('loginctl', ['enable-linger', name])
  atEnd(async () => {
    await output('loginctl', ['disable-linger', name])
    await output('systemctl', ['stop', `user@${uid}.service`])
    await until('end of the manager', () => !existsSync(`/run/user/${uid}/bus`))
  })
  await until('manager', () => existsSync(`/run/user/${uid}/bus`) && existsSync(`/run/user/${uid}/systemd/private`))
  const as = (file: string, ...args: readonly string[]) => exec(file, args, { env, output: `${made.user.home}/output` })
  const said = async (file: string, ...args: readonly string[]) => (await exec(file, args, { env })).stdout
  return { ...made, as, said }
}

describe.runIf(requires('root', 'systemd', 'cgroup2', command('newuidmap')))('a user’s own systemd', () => {
  test('makes a scope with limits, which is entered, updated, paused and removed', async () => {
    const { id, path, user, as, said } = await managed((config) => {
      config.process.args = ['/bin/sleep', '1000']
      config.linux.resources = { memory: { limit: 64 * MIB }, pids: { limit: 20 } }
    })
    const davit = user.runtime
    const made = await as(
      davit,
      '--systemd-cgroup',
      'run',
      '--detach',
      '--pid-file',
      `${user.home}/pid`,
      '--bundle',
      path,
      id,
    )
    expect([made.code, readFileSync(`${user.home}/output`, 'utf8')]).toEqual([0, ''])
    const cgroup = processCgroups(Number(readFileSync(`${user.home}/pid`, 'utf8')))[''] ?? ''
    expect(cgroup).toBe(`/user.slice/user-${user.uid}.slice/user@${user.uid}.service/user.slice/davit-${id}.scope`)
    const file = (name: string) => readFileSync(`/sys/fs/cgroup${cgroup}/${name}`, 'utf8').trim()
    expect([file('memory.max'), file('pids.max')]).toEqual([`${64 * MIB}`, '20'])
    // Whoever calls is in a cgroup that is not the user's: only systemd can move the process.
    expect(await said(davit, 'exec', id, 'cat', '/proc/self/cgroup')).toBe('0::/\n')
    expect((await as(davit, 'update', '--memory', `${32 * MIB}`, id)).code).toBe(0)
    expect(file('memory.max')).toBe(`${32 * MIB}`)
    expect(await said('systemctl', '--user', 'show', `davit-${id}.scope`, '--property=MemoryMax')).toBe(
      `MemoryMax=${32 * MIB}\n`,
    )
    expect((await as(davit, 'pause', id)).code).toBe(0)
    expect((await as(davit, 'delete', '--force', id)).code).toBe(0)
    expect(existsSync(`/sys/fs/cgroup${cgroup}`)).toBe(false)
    expect(await said('systemctl', '--user', 'show', `davit-${id}.scope`, '--property=LoadState')).toBe(
      'LoadState=not-found\n',
    )
  })
})
