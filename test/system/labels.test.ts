/** AppArmor profiles and SELinux labels: profiles are applied, and both are refused where the kernel has no such module. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle, type Config, create, createStart, outputOf, run, tryCreate } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { execIn } from '../support/in_container.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { refused } from '../support/refusal.ts'
import { command, commandPath, LSM, requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

const CONTEXT = 'system_u:object_r:tmp_t:s0:c1,c2'

const REFUSED: readonly (readonly [keyof typeof LSM, string, (config: Config) => void, string])[] = [
  [
    'apparmor',
    '/process/apparmorProfile',
    (config) => Object.assign(config.process, { apparmorProfile: 'docker-default' }),
    'apparmor: config provided but apparmor not supported',
  ],
  [
    'selinux',
    '/process/selinuxLabel',
    (config) => Object.assign(config.process, { selinuxLabel: CONTEXT }),
    'selinux label is specified in config, but selinux is disabled or not supported',
  ],
  [
    'selinux',
    '/linux/mountLabel',
    (config) => Object.assign(config.linux, { mountLabel: CONTEXT }),
    'selinux label is specified in config, but selinux is disabled or not supported',
  ],
]

describe.runIf(requires('root'))('without the module', () => {
  for (const [module, place, change, words] of REFUSED) {
    test.runIf(!LSM[module]())(`${place} is refused, not ignored`, async () => {
      expect(await refused(await bundle(change))).toBe(`unsupported config.json: ${place}: ${words}`)
    })
  }
})

describe.runIf(requires('root'))('exec without the module', () => {
  test.each([
    ['apparmor', '--apparmor', 'davit-test', 'apparmorProfile: apparmor: config provided but apparmor not supported'],
    [
      'selinux',
      '--process-label',
      CONTEXT,
      'selinuxLabel: selinux label is specified in config, but selinux is disabled or not supported',
    ],
  ] as const)('%s: %s is refused, and nothing is run', async (module, flag, value, words) => {
    if (LSM[module]()) return
    const made = await bundle(['/bin/sleep', '1000'])
    await createStart(made)
    const { code, stderr } = await execIn(made.id, ['/bin/touch', '/tmp/ran'], [flag, value])
    expect(code).toBe(255)
    expect(stderr).toContain(words)
    expect(existsSync(`${made.rootfs}/tmp/ran`)).toBe(false)
  })
})

describe.runIf(requires('root', 'apparmor', { ...command('apparmor_parser'), optional: true }))('AppArmor', () => {
  // What is not named is denied: the streams, which are sockets here, and signals, too.
  const RULES = 'file, capability, network, unix, signal, deny /secret r,'
  const PROFILE = `profile davit-test flags=(attach_disconnected,mediate_deleted) { ${RULES} }\n`
  const parser = (flag: string) => {
    writeFileSync(`${scratch()}/profile`, PROFILE)
    return output('apparmor_parser', [flag, `${scratch()}/profile`])
  }
  beforeAll(() => parser('-r'))
  afterAll(() => parser('-R'))

  const confined = (config: Config) => {
    config.process.apparmorProfile = 'davit-test'
  }

  test('the process runs in its profile, and is held by it', async () => {
    const made = await bundle((config) => {
      confined(config)
      config.process.args = ['/bin/sh', '-c', 'cat /proc/self/attr/current; cat /secret']
    })
    writeFileSync(`${made.rootfs}/secret`, 'x')
    const { stdout, stderr } = await run(made)
    expect(stdout).toBe('davit-test (enforce)\n')
    expect(stderr).toMatch(/secret.*permission denied/i)
  })

  test('init is not in it before start', async () => {
    const made = await bundle((config) => {
      confined(config)
      config.process.args = ['/bin/sleep', '100']
    })
    await create(made)
    const current = async () => readFileSync(`/proc/${(await state(made.id)).pid}/attr/current`, 'utf8').trim()
    expect(await current()).not.toContain('davit-test')
    await must(['start', made.id])
    expect(await current()).toBe('davit-test (enforce)')
  })

  test('a process of exec is in the profile of its container, and is held by it', async () => {
    const made = await bundle((config) => {
      confined(config)
      config.process.args = ['/bin/sleep', '100']
    })
    writeFileSync(`${made.rootfs}/secret`, 'x')
    await createStart(made)
    const { stdout, stderr } = await execIn(made.id, 'cat /proc/self/attr/current; cat /secret')
    expect(stdout).toBe('davit-test (enforce)\n')
    expect(stderr).toMatch(/secret.*permission denied/i)
  })

  test('a profile that is not loaded is refused before anything is made', async () => {
    const made = await bundle((config) => {
      config.process.apparmorProfile = 'davit-none'
      // After the profile, and so no way to load it.
      config.hooks = { poststop: [{ path: '/bin/sh', args: ['sh', '-c', `echo ran >${scratch()}/poststop`] }] }
    })
    expect(await refused(made)).toBe(
      'unsupported config.json: /process/apparmorProfile: unable to apply apparmor profile: "davit-none" is not loaded: ' +
        'no such file or directory',
    )
    expect(cgroupsNamed(made.id)).toEqual([])
    expect(existsSync(`${scratch()}/poststop`)).toBe(false)
  })

  test('a profile that a hook does not load either is an error of create that names it, and leaves nothing', async () => {
    const made = await bundle((config) => {
      config.process.apparmorProfile = 'davit-none'
      config.hooks = { createRuntime: [{ path: '/bin/true' }] }
    })
    const { code, stderr } = await tryCreate(made)
    expect(code).toBe(1)
    expect(readdirSync(stateRoot())).toEqual([])
    expect(cgroupsNamed(made.id)).toEqual([])
    const words =
      /apply apparmor profile \\"davit-none\\", from \/process\/apparmorProfile: .*no such file or directory/
    expect(stderr).toMatch(words)
  })

  test('a profile that a hook loads is there in time', async () => {
    writeFileSync(`${scratch()}/late`, PROFILE.replace('davit-test', 'davit-late'))
    const made = await bundle((config) => {
      config.process.apparmorProfile = 'davit-late'
      config.process.args = ['/bin/cat', '/proc/self/attr/current']
      const args = ['apparmor_parser', '-r', `${scratch()}/late`]
      config.hooks = { createRuntime: [{ path: commandPath('apparmor_parser') as string, args }] }
    })
    try {
      expect((await run(made)).stdout).toBe('davit-late (enforce)\n')
    } finally {
      await output('apparmor_parser', ['-R', `${scratch()}/late`])
    }
  })

  test('exec refuses a profile that is not loaded, and runs nothing', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    await createStart(made)
    const { code, stderr } = await execIn(made.id, ['/bin/touch', '/tmp/ran'], ['--apparmor', 'davit-none'])
    expect(code).toBe(255)
    expect(stderr).toContain('unable to apply apparmor profile: "davit-none" is not loaded: no such file or directory')
    expect(existsSync(`${made.rootfs}/tmp/ran`)).toBe(false)
  })

  test('names that only the kernel can look up are left to it', async () => {
    const made = await bundle((config) => Object.assign(config.process, { apparmorProfile: 'davit-test//&unconfined' }))
    // It may know the stack or not; it is asked.
    expect((await tryCreate(made)).stderr).not.toContain('is not loaded')
  })

  test('--apparmor of exec is the profile of that process alone', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    const { pid } = await createStart(made)
    const current = await execIn(made.id, ['cat', '/proc/self/attr/current'], ['--apparmor', 'davit-test'])
    expect(current).toMatchObject({ code: 0, stdout: 'davit-test (enforce)\n' })
    expect(readFileSync(`/proc/${pid}/attr/current`, 'utf8')).not.toContain('davit-test')
  })

  test('with a user, without capabilities, with no_new_privs', async () => {
    const text = await outputOf('cat /proc/self/attr/current', (config) => {
      confined(config)
      config.process.user = { uid: 1000, gid: 1000 }
      config.process.capabilities = {}
      config.process.noNewPrivileges = true
    })
    expect(text).toBe('davit-test (enforce)\n')
  })
})
