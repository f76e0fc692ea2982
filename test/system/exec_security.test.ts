/** Attackers inside the container while processes enter it (CVE-2016-9962, CVE-2019-5736, CVE-2024-21626). */
import { closeSync, copyFileSync, openSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { attackerPath } from '../support/attacker.ts'
import { bundle, type Config, containerOutput, createStart } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { execIn } from '../support/in_container.ts'
import { patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'
import { until } from '../support/wait.ts'

const EXECS = 40

/** Root of a container with everything but what would let it look into any process of the host. */
const STRONG = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID', 'CAP_NET_ADMIN']
const mapped = (config: Config) => {
  config.linux.namespaces.push({ type: 'user' })
  config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
}
const capabilities = (config: Config, names: string[]) => {
  config.process.capabilities = { bounding: names, permitted: names, effective: names }
}

describe.runIf(requires('root'))('a container that pries on what enters it', () => {
  test.each([
    ['as root', (config: Config) => capabilities(config, STRONG), []],
    [
      'as root that may trace all of its user namespace',
      (config: Config) => {
        mapped(config)
        capabilities(config, [...STRONG, 'CAP_SYS_PTRACE', 'CAP_SYS_ADMIN'])
      },
      [],
    ],
    [
      'as the user that the process will be',
      (config: Config) => {
        config.process.user = { uid: 1000, gid: 1000 }
        capabilities(config, [])
      },
      [],
    ],
    [
      'from the pid namespace of the host',
      (config: Config) => {
        capabilities(config, STRONG)
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      },
      [],
    ],
  ])('%s', { timeout: patience(120_000) }, async (_, change, flags: readonly string[]) => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/attacker', 'pry']
      change(config)
    })
    copyFileSync(await attackerPath(), `${made.rootfs}/bin/attacker`)
    if (made.config.linux.uidMappings) await exec('chown', ['-R', '-h', '100000:100000', made.rootfs])
    await createStart(made)
    await until('the attacker', () => containerOutput(made).includes('prying'))
    const secrets = openSync('/etc/shadow', 'r')
    try {
      for (let i = 0; i < EXECS; i++) {
        const { code, stderr } = await execIn(made.id, ['true'], flags, { fds: [secrets] })
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      }
    } finally {
      closeSync(secrets)
    }
    const score = () => containerOutput(made).trim().split('\n').at(-1) ?? ''
    // It has seen them, or this test shows nothing.
    await until('a score', () => /^denied [1-9]\d* breached/.test(score()))
    expect(readFileSync(`${made.path}/output`, 'utf8')).not.toContain('breach:')
    expect(score()).toMatch(/ breached 0$/)
  })
})
