/** Seccomp filters in containers of an ordinary user. */
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Seccomp } from '../../src/spec/types.gen.ts'
import { startAgent } from '../support/agent.ts'
import type { Config } from '../support/bundle.ts'
import { filtered } from '../support/caller.ts'
import { ordinaryUser } from '../support/ordinary_user.ts'
import { RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { atEnd, scratch } from '../support/scratch.ts'

const { EXDEV } = constants.errno
const MKDIR = '83,@/x'

/** Runs caller under a profile in a container of an ordinary user, as root of a namespace of its own. */
async function asUser(profile: Seccomp, change: (config: Config) => void = () => {}) {
  const made = await filtered(undefined, ['39'])
  const user = await ordinaryUser(scratch())
  atEnd(user.remove)
  const path = `${scratch()}/own`
  mkdirSync(path)
  chownSync(path, user.uid, user.gid)
  expect(await user.exec(RUNTIME, ['spec', '--rootless', '--bundle', path])).toMatchObject({ code: 0, stderr: '' })
  const config = JSON.parse(readFileSync(`${path}/config.json`, 'utf8')) as Config
  config.process.terminal = false
  config.process.args = ['/bin/caller', MKDIR]
  config.root.path = made.rootfs
  Object.assign(config.linux, { seccomp: profile })
  change(config)
  writeFileSync(`${path}/config.json`, JSON.stringify(config))
  return { user, run: () => user.exec(RUNTIME, ['run', '--bundle', path, made.id]) }
}

describe.runIf(requires('root', command('setpriv'), command('useradd')) && process.arch === 'x64')(
  'a rootless filter',
  () => {
    const profile: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: EXDEV }],
    }

    test.each([true, false])('is loaded (noNewPrivileges %s), and kept for the next time', async (noNewPrivileges) => {
      const { user, run } = await asUser(profile, (config) => Object.assign(config.process, { noNewPrivileges }))
      expect(await run()).toMatchObject({ code: 0, stdout: `${MKDIR} -${EXDEV}\n`, stderr: '' })
      const cache = `${user.runtimeDir}/davit.cache`
      expect(statSync(cache)).toMatchObject({ mode: 0o40700, uid: user.uid })
      expect(readdirSync(cache)).toHaveLength(1)
      expect(await run()).toMatchObject({ code: 0, stdout: `${MKDIR} -${EXDEV}\n` })
      expect(readdirSync(cache)).toHaveLength(1)
    })

    test.each([true, false])('may have an agent (noNewPrivileges %s)', async (noNewPrivileges) => {
      const agent = await startAgent({ 83: -77 })
      chmodSync(agent.socket, 0o777)
      const asking: Seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: agent.socket,
        syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
      }
      const { run } = await asUser(asking, (config) => Object.assign(config.process, { noNewPrivileges }))
      expect(await run()).toMatchObject({ code: 0, stdout: `${MKDIR} -77\n`, stderr: '' })
      expect(agent.states()).toHaveLength(1)
    })
  },
)
