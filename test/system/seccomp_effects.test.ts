/** Seccomp by its effects: on handlers, threads, tracers and the kernel's log; the flags of seccomp(2); architectures. */
import { copyFileSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { describe, expect, test } from 'vitest'
import { ARCHITECTURES, type ArchName } from '../../src/kernel/seccomp.ts'
import type { Seccomp } from '../../src/spec/types.gen.ts'
import { containerOutput, create, run } from '../support/bundle.ts'
import { filtered, results } from '../support/caller.ts'
import { compiled } from '../support/compiled.ts'
import { exec, start } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { refused } from '../support/refusal.ts'
import { command, type Need, requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'
import { atEnd, uniqueId } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const NR = { mkdir: 83, getpid: 39, dup3: 292 }
const MKDIR = `${NR.mkdir},@/tmp/x`
const KILLED = 128 + constants.signals.SIGSYS

type Rule = NonNullable<Seccomp['syscalls']>[number]
const allowing = (...syscalls: Rule[]): Seccomp => ({ defaultAction: 'SCMP_ACT_ALLOW', syscalls })

/** Records of seccomp go to the kernel's log where no daemon takes them. */
const kernelLog: Need = {
  name: "seccomp's records in the kernel's log",
  optional: true,
  met: () => {
    const logged = '/proc/sys/kernel/seccomp/actions_logged'
    return process.geteuid?.() === 0 && /\berrno\b/.test(readFileSync(logged, 'utf8'))
  },
}

describe.runIf(requires('root') && process.arch === 'x64')('seccomp, by its effects', () => {
  test('TRAP is a signal that can be handled', async () => {
    const trapping = (action: Rule['action']) =>
      filtered(allowing({ names: ['umask'], action }), (config) => {
        config.process.args = ['/bin/sh', '-c', 'trap "echo handled" SYS; umask 022; echo on']
      })
    expect(await run(await trapping('SCMP_ACT_TRAP'))).toMatchObject({ code: 0, stdout: 'handled\non\n' })
    expect(await run(await trapping('SCMP_ACT_KILL_PROCESS'))).toMatchObject({ code: KILLED, stdout: '' })
  })

  test.each([
    ['SCMP_ACT_KILL_THREAD', 0, '39 1\n39 1\n'],
    ['SCMP_ACT_KILL', 0, '39 1\n39 1\n'],
    ['SCMP_ACT_KILL_PROCESS', KILLED, '39 1\n'],
  ] as const)('%s kills what it says', async (action, code, stdout) => {
    const profile = allowing({ names: ['mkdir'], action })
    expect(await run(await filtered(profile, ['39', `t:${MKDIR}`, '39']))).toMatchObject({ code, stdout })
    // And the thread is one: with a call that is allowed it comes back.
    expect(await results(profile, ['t:39', '39'])).toEqual([1, 1])
  })

  test('TRACE asks the tracer, with the number as data', async () => {
    const rule = { names: ['mkdir'], action: 'SCMP_ACT_TRACE', errnoRet: 4242 } as const
    const made = await filtered(allowing(rule, { names: ['dup3'], action: 'SCMP_ACT_TRACE' }), [MKDIR, '292,-1', '39'])
    await create(made)
    const { pid } = await state(made.id)
    const tracer = start(await compiled('tracer'), [`${pid}`], { timeout: 60_000 })
    atEnd(() => void tracer.child.kill('SIGKILL'))
    await until('the tracer', () => tracer.stdout().includes('tracing\n'))
    await must(['start', made.id])
    expect((await tracer.done).stdout).toBe(`tracing\ncall ${NR.mkdir} 4242\ncall ${NR.dup3} 1\nended\n`)
    expect(containerOutput(made)).toBe(`${MKDIR} 0\n292,-1 -9\n39 1\n`)
  })

  describe.runIf(requires(kernelLog, command('dmesg')))('in the log', () => {
    /** The code of every record of mkdir by a program with a name of its own. */
    async function logged(profile: Seccomp): Promise<string[]> {
      const name = `l${uniqueId()}`.slice(0, 15)
      const made = await filtered(profile, (config) => {
        config.process.args = [`/bin/${name}`, MKDIR]
      })
      copyFileSync(`${made.rootfs}/bin/caller`, `${made.rootfs}/bin/${name}`)
      await run(made)
      const { stdout } = await exec('dmesg', [])
      const lines = stdout.split('\n').filter((line) => line.includes(`comm="${name}"`) && line.includes('type=1326'))
      return lines.flatMap((line) => / syscall=83 .* code=(0x\w+)/.exec(line)?.[1] ?? [])
    }
    const mkdir = (action: Rule['action'], flags?: Seccomp['flags']): Seccomp => ({
      ...allowing({ names: ['mkdir'], action }),
      ...(flags ? { flags } : {}),
    })

    test('is what LOG lets through', async () => {
      expect(await logged(mkdir('SCMP_ACT_LOG'))).toEqual(['0x7ffc0000'])
    })

    test('is what is refused with SECCOMP_FILTER_FLAG_LOG, and not without', async () => {
      expect(await logged(mkdir('SCMP_ACT_ERRNO'))).toEqual([])
      expect(await logged(mkdir('SCMP_ACT_ERRNO', ['SECCOMP_FILTER_FLAG_LOG']))).toEqual(['0x50000'])
    })
  })

  describe.runIf(requires(command('strace')))('the flags of seccomp(2)', () => {
    test.each([
      [undefined, 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
      [[], '0'],
      [['SECCOMP_FILTER_FLAG_TSYNC'], '0'],
      [['SECCOMP_FILTER_FLAG_LOG'], 'SECCOMP_FILTER_FLAG_LOG'],
      [['SECCOMP_FILTER_FLAG_SPEC_ALLOW'], 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
      // It is about listeners.
      [['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'], '0'],
      [
        [
          'SECCOMP_FILTER_FLAG_LOG',
          'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
          'SECCOMP_FILTER_FLAG_TSYNC',
          'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
        ],
        'SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_SPEC_ALLOW',
      ],
    ] as const)('for %j are %s', async (flags, expected) => {
      const rule = { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 } as const
      const made = await filtered({ ...allowing(rule), ...(flags ? { flags: [...flags] } : {}) }, [MKDIR])
      const trace = `${made.path}/trace`
      const davit = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
      const { stdout } = await exec('strace', ['-f', '-o', trace, '-e', 'trace=seccomp', ...davit])
      expect(stdout).toBe(`${MKDIR} -99\n`)
      const loads = readFileSync(trace, 'utf8').matchAll(/seccomp\(SECCOMP_SET_MODE_FILTER, ([^,]*), \{.*= 0$/gm)
      expect([...loads].map(([, words]) => words)).toEqual([expected])
    })

    test('that nobody knows are refused, with their place', async () => {
      const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_NEW_LISTENER'] as unknown as Seccomp['flags']
      const made = await filtered({ ...allowing(), ...(flags ? { flags } : {}) }, ['39'])
      expect(await refused(made)).toMatch(/\/linux\/seccomp\/flags\/1/)
    })
  })

  test('of several rules for one call, any may hold', async () => {
    const rule = (index: number, value: number, errnoRet: number): Rule => ({
      names: ['dup3'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet,
      args: [{ index, value, op: 'SCMP_CMP_EQ' }],
    })
    const calls = ['292,500,1', '292,501,1', '292,502,7', '292,503,1']
    const profile = allowing(rule(0, 500, 90), rule(0, 501, 91), rule(1, 7, 92))
    expect(await results(profile, calls)).toEqual([-90, -91, -92, -9])
  })

  test('all six arguments can be looked at, in all their bits', async () => {
    // mmap: nothing can be mapped at an odd offset.
    const values = ['0x1100000000000001', '0x2200000000000002', 3, 4, '0x5500000000000005', '0x6600000000000006']
    const rule: Rule = {
      names: ['mmap'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 99,
      args: values.map((value, index) => ({ index, value: BigInt(value) as unknown as number, op: 'SCMP_CMP_EQ' })),
    }
    const call = (at?: number) =>
      [
        '9',
        ...values.map((value, i) => (i === at ? `${value}`.replace(/^0x./, '0x7').replace(/^[34]$/, '5') : value)),
      ].join()
    const got = await results(allowing(rule), [call(), ...values.map((_, i) => call(i))])
    expect(got.map((result) => result === -99)).toEqual([true, ...values.map(() => false)])
  })

  describe('architectures of the specification', () => {
    const profile = (...architectures: ArchName[]): Seccomp => ({
      ...allowing({ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 }),
      architectures,
    })

    test.each(Object.keys(ARCHITECTURES) as ArchName[])('%s', async (name) => {
      expect(await results(profile(name), [MKDIR, '39'])).toEqual([-99, 1])
    })

    test('all together, of either byte order and older than libseccomp or not', async () => {
      const names = Object.keys(ARCHITECTURES) as ArchName[]
      const denying: Seccomp = {
        ...profile(...names),
        defaultAction: 'SCMP_ACT_ERRNO',
        defaultErrnoRet: 77,
        syscalls: [
          { names: ['execve', 'write', 'exit_group', 'getpid'], action: 'SCMP_ACT_ALLOW' },
          { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 },
        ],
      }
      // The 32-bit half is one that the machine runs: mkdir is 39 there, and getpid 20.
      const calls = [MKDIR, '39', '102', '100000', 'i:39,@/tmp/x', 'i:20', 'i:24']
      expect(await results(denying, calls)).toEqual([-99, 1, -77, -38, -99, 1, -77])
    })

    test('unknown ones are refused, with their place', async () => {
      const made = await filtered(profile('SCMP_ARCH_X86', 'SCMP_ARCH_VAX' as ArchName), ['39'])
      expect(await refused(made)).toMatch(/\/linux\/seccomp\/architectures\/1/)
    })
  })
})
