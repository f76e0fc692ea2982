/** Seccomp filters in real containers: what system calls return under them. */
import { copyFileSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Seccomp, SeccompArg } from '../../src/spec/types.gen.ts'
import { type Config, createStart, run } from '../support/bundle.ts'
import { filtered, results } from '../support/caller.ts'
import { engineProfile, podmanProfile, podmanProfileInstalled } from '../support/profiles.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { untilStatus } from '../support/runtime.ts'

const { EPERM, ENOSYS, EINVAL, EBADF } = constants.errno
/** Numbers on x86_64. */
const NR = {
  mkdir: 83,
  getpid: 39,
  dup3: 292,
  personality: 135,
  clone: 56,
  clone3: 435,
  keyctl: 250,
  mount: 165,
  swapoff: 168,
}
const X86 = { mkdir: 39, getpid: 20 }
const X32 = 0x40000000
const CAPS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']

const allowing = (...syscalls: NonNullable<Seccomp['syscalls']>): Seccomp => {
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls }
}
/** Allows execve and what caller.c itself calls. */
const STRICT: Seccomp = {
  defaultAction: 'SCMP_ACT_KILL_PROCESS',
  syscalls: [{ names: ['execve', 'write', 'exit_group'], action: 'SCMP_ACT_ALLOW' }],
}
const mkdir = `${NR.mkdir},@/tmp/x`

/** Fields of the container's /proc/PID/status. */
async function status(seccomp: Seccomp | undefined, change: (config: Config) => void = () => {}) {
  const made = await filtered(seccomp, (config) => {
    config.process.args = ['/bin/sleep', '100']
    change(config)
  })
  const { pid } = await createStart(made)
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Object.fromEntries(text.split('\n').map((line) => line.split(':\t') as [string, string]))
}

describe.runIf(requires('root') && process.arch === 'x64')('seccomp', () => {
  describe('actions', () => {
    test.each([
      ['ERRNO without a number', { action: 'SCMP_ACT_ERRNO' }, -EPERM],
      ['ERRNO 38', { action: 'SCMP_ACT_ERRNO', errnoRet: 38 }, -38],
      ['ERRNO 0: done, as far as the caller sees', { action: 'SCMP_ACT_ERRNO', errnoRet: 0 }, 0],
      ['the largest ERRNO', { action: 'SCMP_ACT_ERRNO', errnoRet: 4094 }, -4094],
      ['TRACE without a tracer', { action: 'SCMP_ACT_TRACE' }, -ENOSYS],
      ['LOG lets through', { action: 'SCMP_ACT_LOG' }, 0],
    ] as const)('%s', async (_, rule, result) => {
      expect(await results(allowing({ names: ['mkdir'], ...rule }), [mkdir, mkdir])).toEqual([
        result,
        rule.action === 'SCMP_ACT_LOG' ? -17 : result,
      ])
    })

    test.each(['KILL', 'KILL_THREAD', 'KILL_PROCESS', 'TRAP'] as const)('%s: bad system call', async (action) => {
      const made = await filtered(allowing({ names: ['mkdir'], action: `SCMP_ACT_${action}` }), ['39', mkdir, '39'])
      const { code, stdout } = await run(made)
      expect([code, stdout]).toEqual([128 + constants.signals.SIGSYS, '39 1\n'])
    })

    test('a default with a number of its own', async () => {
      const profile = { ...STRICT, defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 77 } as const
      expect(await results(profile, [`${NR.getpid}`, mkdir])).toEqual([-77, -77])
    })
  })

  describe('conditions', () => {
    const MAX = 2n ** 64n - 1n
    // dup3 of a bad fd: EBADF from the kernel, 99 from the filter.
    const forbids = async (args: SeccompArg[], calls: readonly (readonly (number | string)[])[]) => {
      const rule = { names: ['dup3'], action: 'SCMP_ACT_ERRNO', errnoRet: 99, args } as const
      const lines = calls.map((values) => [NR.dup3, ...values].join(','))
      return (await results(allowing(rule), lines)).map((result) => result === -99)
    }

    test.each([
      ['SCMP_CMP_NE', [true, false, true]],
      ['SCMP_CMP_LT', [true, false, false]],
      ['SCMP_CMP_LE', [true, true, false]],
      ['SCMP_CMP_EQ', [false, true, false]],
      ['SCMP_CMP_GE', [false, true, true]],
      ['SCMP_CMP_GT', [false, false, true]],
    ] as const)('%s', async (op, expected) => {
      expect(await forbids([{ index: 0, value: 500, op }], [[499], [500], [501]])).toEqual(expected)
      const wide = [{ index: 1, value: 2n ** 63n + 1n, op }]
      const calls = ['0x8000000000000000', '0x8000000000000001', '0x8000000000000002'].map((n) => [-1, n])
      expect(await forbids(wide, calls)).toEqual(expected)
    })

    test('SCMP_CMP_MASKED_EQ', async () => {
      const args: SeccompArg[] = [{ index: 1, value: 0xf0, valueTwo: 0x30, op: 'SCMP_CMP_MASKED_EQ' }]
      expect(
        await forbids(args, [
          [-1, 0x3f],
          [-1, 0x30],
          [-1, 0x0f],
          [-1, 0x70],
        ]),
      ).toEqual([true, true, false, false])
    })

    test('every bit of the largest number counts', async () => {
      expect(
        await forbids(
          [{ index: 2, value: MAX, op: 'SCMP_CMP_EQ' }],
          [
            [-1, 0, -1],
            [-1, 0, -2],
          ],
        ),
      ).toEqual([true, false])
    })

    test('on different arguments all must hold, on the same one any', async () => {
      const both: SeccompArg[] = [
        { index: 0, value: 500, op: 'SCMP_CMP_EQ' },
        { index: 1, value: 600, op: 'SCMP_CMP_EQ' },
      ]
      expect(
        await forbids(both, [
          [500, 600],
          [500, 601],
          [501, 600],
        ]),
      ).toEqual([true, false, false])
      const either: SeccompArg[] = [500, 502].map((value) => ({ index: 0, value, op: 'SCMP_CMP_EQ' }))
      expect(await forbids(either, [[500], [501], [502]])).toEqual([true, false, true])
    })
  })

  describe('calls that the profile does not know', () => {
    const profile = (defaultAction: Seccomp['defaultAction']): Seccomp => ({ ...STRICT, defaultAction })

    test('newer ones do not exist, older ones are forbidden', async () => {
      // exit_group, 231, is the newest that is named.
      expect(await results(profile('SCMP_ACT_ERRNO'), ['231000', '232', '39', '600'])).toEqual([
        -ENOSYS,
        -ENOSYS,
        -EPERM,
        -ENOSYS,
      ])
      expect(await results(profile('SCMP_ACT_KILL_PROCESS'), ['232'])).toEqual([-ENOSYS])
    })

    test('names that nobody knows are passed over', async () => {
      const odd = allowing({ names: ['no_such_call', 'mkdir'], action: 'SCMP_ACT_ERRNO' })
      expect(await results(odd, [mkdir])).toEqual([-EPERM])
    })
  })

  describe('architectures', () => {
    const profile = (...architectures: NonNullable<Seccomp['architectures']>): Seccomp => ({
      ...allowing({ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 }),
      architectures,
    })

    test('one that is not listed gets the process killed', async () => {
      const { code, stdout } = await run(await filtered(profile(), ['39', `i:${X86.getpid}`]))
      expect([code, stdout]).toEqual([159, '39 1\n'])
    })

    test('a listed one has the rules by its own numbers', async () => {
      const calls = [mkdir, `i:${X86.mkdir},@/tmp/x`, `i:${X86.getpid}`]
      const [native, old, pid] = await results(profile('SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'), calls)
      expect([native, old, pid]).toEqual([-99, -99, 1])
    })

    test('the native one is implied; x32 has its own numbers', async () => {
      const [plain, x32] = await results(profile('SCMP_ARCH_X32'), [mkdir, `${X32 + NR.mkdir},@/tmp/x`])
      expect([plain, x32]).toEqual([-99, -99])
    })
  })

  describe('identity', () => {
    const sets = async (uid: number, noNewPrivileges: boolean, seccomp: Seccomp | undefined) => {
      const fields = await status(seccomp, (config) => {
        Object.assign(config.process.user, { uid })
        config.process.noNewPrivileges = noNewPrivileges
        const some = ['CAP_KILL', 'CAP_SYS_CHROOT']
        config.process.capabilities = {
          bounding: [...some, 'CAP_NET_RAW'],
          effective: some,
          permitted: some,
          inheritable: ['CAP_KILL'],
          ambient: ['CAP_KILL'],
        }
      })
      expect(fields).toMatchObject({ NoNewPrivs: noNewPrivileges ? '1' : '0', Seccomp: seccomp ? '2' : '0' })
      if (seccomp) expect(fields.Seccomp_filters).toBe('1')
      return CAPS.map((name) => fields[name])
    }

    test.each([
      [0, false],
      [0, true],
      [1000, false],
      [1000, true],
    ])('uid %d, noNewPrivileges %s: the same capabilities with and without a profile', async (uid, nnp) => {
      const without = await sets(uid, nnp, undefined)
      expect(await sets(uid, nnp, engineProfile())).toEqual(without)
      expect(without[3]).not.toBe('0000000000000000')
    })
  })

  test.each([true, false])('nothing but execve has to be allowed (noNewPrivileges %s)', async (noNewPrivileges) => {
    const change = (config: Config) => Object.assign(config.process, { noNewPrivileges })
    expect(await results(STRICT, ['1,1,@', '1,-1,@'], change)).toEqual([0, -EBADF])
  })

  describe('as engines send them', () => {
    const calls = [
      `${NR.keyctl},0,-3`,
      `${NR.mount},0,0,0,0,0`,
      `${NR.personality},0xffffffff`,
      `${NR.personality},0x40000`,
      `${NR.clone},0x10000000`,
      `${NR.clone3}`,
      '100000',
      mkdir,
    ]

    test('a long list', async () => {
      expect(await results(engineProfile(), calls)).toEqual([-EPERM, -EPERM, 0, -EPERM, -EPERM, -ENOSYS, -ENOSYS, 0])
      expect(await status(engineProfile())).toMatchObject({ Seccomp: '2', Seccomp_filters: '1' })
    })

    test.runIf(requires(podmanProfileInstalled))("Podman's own", async () => {
      const personality = [`${NR.personality},0xffffffff`, `${NR.personality},0x40000`]
      const got = await results(podmanProfile(), [...personality, `${NR.clone3}`, `${NR.swapoff},@/`, '100000', mkdir])
      expect(got).toEqual([0, -ENOSYS, -EINVAL, -EPERM, -ENOSYS, 0])
    })
  })

  test('a startContainer hook runs under the filter, too', async () => {
    const made = await filtered(allowing({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }), (config) => {
      config.process.args = ['/bin/true']
      config.process.noNewPrivileges = false
      config.hooks = { startContainer: [{ path: '/bin/mkdir', args: ['mkdir', '/tmp/y'] }] }
    })
    const { code, stderr } = await run(made)
    expect(code).toBe(1)
    expect(stderr).toMatch(/run startContainer hook #0 .*Operation not permitted/)
  })

  test.each(['davit-init', 'davit-0'])('a program that calls itself %s and ends at once has run', async (name) => {
    const made = await filtered(allowing(), (config) => {
      config.process.args = [`/bin/${name}`]
    })
    copyFileSync(`${made.rootfs}/bin/caller`, `${made.rootfs}/bin/${name}`)
    expect(await run(made)).toMatchObject({ code: 0, stderr: '' })
    await createStart(made)
    await untilStatus(made.id, 'stopped')
  })

  test('execve itself forbidden: the error says so', async () => {
    const made = await filtered(allowing({ names: ['execve'], action: 'SCMP_ACT_ERRNO', errnoRet: EINVAL }), ['39'])
    expect(await refused(made)).toBe('unable to start container process: exec /bin/caller: invalid argument')
  })
})
