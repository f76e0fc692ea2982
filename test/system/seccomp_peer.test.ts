/** The filter that a process is really under, beside the one that runc makes of the same profile. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ArchName } from '../../src/kernel/seccomp.ts'
import type { Seccomp } from '../../src/spec/types.gen.ts'
import { createStart } from '../support/bundle.ts'
import { filtered } from '../support/caller.ts'
import { compiled } from '../support/compiled.ts'
import { output } from '../support/exec.ts'
import { engineProfile, podmanProfile, podmanProfileInstalled } from '../support/profiles.ts'
import { command, commandPath, requires } from '../support/requires.ts'
import { atEnd, scratch } from '../support/scratch.ts'
import { answer } from '../unit/plan/seccomp/machine.ts'

let tool = ''

/** The program that the kernel runs for a process. */
const filterOf = (pid: number): Uint8Array => execFileSync(tool, [String(pid)])

/** Both runtimes' filters for a profile. */
async function filters(seccomp: Seccomp): Promise<{ ours: Uint8Array; theirs: Uint8Array }> {
  const made = await filtered(seccomp, (config) => {
    config.process.args = ['/bin/sleep', '100']
    config.process.capabilities = { ...config.process.capabilities, ambient: [] }
  })
  const { pid } = await createStart(made)
  const runc = [commandPath('runc') as string, '--root', `${scratch()}/runc`] as const
  const id = `${made.id}-runc`
  const run = (...args: string[]) => output(runc[0], [...runc.slice(1), ...args], { output: `${scratch()}/runc.log` })
  atEnd(() => run('delete', '--force', id).then(() => {}))
  await run('run', '--detach', '--bundle', made.path, '--pid-file', `${scratch()}/runc.pid`, id)
  return { ours: filterOf(pid), theirs: filterOf(Number(readFileSync(`${scratch()}/runc.pid`, 'utf8'))) }
}

const ARCHS: readonly ArchName[] = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_ARM']
/** First arguments that the profiles tell apart, and some that they do not. */
const ARGUMENTS = [0, 1, 8, 16, 0x20000, 0x20008, 0x10000000, 0x7e020000, 0xffffffff, 0xffffffffffffffffn]

/** Every call on every architecture: what differs. */
function differences(ours: Uint8Array, theirs: Uint8Array): string[] {
  const different: string[] = []
  for (const arch of ARCHS) {
    const base = arch === 'SCMP_ARCH_X32' ? 0x40000000 : 0
    for (const number of [...Array.from({ length: 560 }, (_, i) => i), 1000, 0x3fffffff]) {
      const some = number < 500 && [41, 56, 57, 102, 120, 135, 136].includes(number)
      for (const first of some ? ARGUMENTS : [0]) {
        const call = { arch, nr: base + number, args: [first, 0, 9, first] }
        const [a, b] = [answer(ours, call), answer(theirs, call)]
        if (a !== b) different.push(`${arch} ${number}(${first}): ${a}, runc ${b}`)
      }
    }
  }
  return different
}

const CASES: readonly (readonly [string, () => Seccomp])[] = [
  ['an engine', engineProfile],
  ...(podmanProfileInstalled.met() ? [['Podman', podmanProfile] as const] : []),
  [
    'two conditions on an argument',
    () => ({
      ...engineProfile(),
      syscalls: [
        {
          names: ['read', 'write', 'execve', 'nanosleep', 'brk', 'arch_prctl', 'exit_group'],
          action: 'SCMP_ACT_ALLOW',
        },
        {
          names: ['personality'],
          action: 'SCMP_ACT_LOG',
          args: [
            { index: 0, value: 8, op: 'SCMP_CMP_GE' },
            { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
          ],
        },
      ],
      defaultAction: 'SCMP_ACT_LOG',
    }),
  ],
]

describe.runIf(requires('root', command('runc')) && process.arch === 'x64')('the same filter as runc', () => {
  beforeAll(async () => {
    tool = await compiled('filter_of')
  })

  test.each(CASES)('for %s', async (_, profile) => {
    const { ours, theirs } = await filters(profile())
    expect(differences(ours, theirs)).toEqual([])
    expect(ours.length).toBeGreaterThan(0)
  })
})
