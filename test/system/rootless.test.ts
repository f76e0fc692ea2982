/** Containers of an ordinary user: a user namespace with one mapping, no cgroups, no privilege anywhere. */
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bundle, type Config } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { scratch } from '../support/scratch.ts'

const UID = 1000
const AS_USER = ['--reuid', `${UID}`, '--regid', `${UID}`, '--clear-groups', RUNTIME]

/** A bundle of the user's own, with the config.json that `spec --rootless` writes for it. */
async function userBundle(args: readonly string[], change: (config: Config) => void = () => {}) {
  const made = await bundle(() => {})
  const own = `${scratch()}/own`
  const runtimeDir = `${scratch()}/runtime`
  for (const folder of [own, runtimeDir]) {
    mkdirSync(folder)
    chownSync(folder, UID, UID)
  }
  const env = { XDG_RUNTIME_DIR: runtimeDir }
  const spec = await exec('setpriv', [...AS_USER, 'spec', '--rootless', '--bundle', own], { env })
  expect(spec).toMatchObject({ code: 0, stderr: '' })
  const config = JSON.parse(readFileSync(`${own}/config.json`, 'utf8')) as Config
  config.process.terminal = false
  config.process.args = [...args]
  config.root.path = made.rootfs
  change(config)
  writeFileSync(`${own}/config.json`, JSON.stringify(config))
  return { id: made.id, own, env, runtimeDir }
}

describe.runIf(requires('root', command('setpriv')))('rootless', () => {
  it('runs what spec --rootless writes, as root of a user namespace of the one user', async () => {
    const { id, own, env, runtimeDir } = await userBundle(['/bin/sh', '-c', 'id -u; cat /proc/self/uid_map; exit 7'])
    const result = await exec('setpriv', [...AS_USER, 'run', '--bundle', own, id], { env })
    expect(result.stderr).toBe('')
    const [uid, map] = result.stdout.trim().split('\n')
    expect(uid).toBe('0')
    expect(map?.trim().split(/\s+/)).toEqual(['0', `${UID}`, '1'])
    expect(result.code).toBe(7)
    const left = await exec('ls', [`${runtimeDir}/davit`])
    expect(left.stdout).toBe('')
  })

  it('refuses limits that it cannot set, and leaves nothing', async () => {
    const { id, own, env } = await userBundle(['/bin/true'], (config) => {
      config.linux.resources = { pids: { limit: 10 } }
    })
    const result = await exec('setpriv', [...AS_USER, 'run', '--bundle', own, id], { env })
    expect(result.code).toBe(1)
    expect(result.stderr).toMatch(/cgroup/)
    expect(result.stderr.trim().split('\n')).toHaveLength(1)
  })
})
