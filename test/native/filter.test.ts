/** Loading a seccomp filter, and what the executor still does under it. */
import { constants } from 'node:os'
import { describe, expect, test } from 'vitest'
import { DATA_NR, encodeClassic, JEQ_K, LD_W_ABS, RET_K } from '../../src/kernel/bpf_classic.ts'
import { PR_SET_NO_NEW_PRIVS } from '../../src/kernel/prctl.ts'
import { SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS } from '../../src/kernel/seccomp.ts'
import { type SyscallName, syscallNumber } from '../../src/kernel/syscalls.ts'
import type { ChildStep } from '../../src/plan/step.ts'
import { ARCH, EXECUTORS, runPlan } from './executor.ts'

const noNewPrivileges: ChildStep = {
  kind: 'prctl',
  name: 'PR_SET_NO_NEW_PRIVS',
  option: PR_SET_NO_NEW_PRIVS,
  args: [1, 0, 0, 0],
}
const fail: ChildStep = { kind: 'chdir', path: '/no/such/place' }

/** A filter with one answer for some calls and another for the rest. */
function filter(answer: number, names: readonly SyscallName[], rest: number): ChildStep {
  const program = encodeClassic([
    { code: LD_W_ABS, k: DATA_NR },
    ...names.map((name, i) => ({ code: JEQ_K, jt: names.length - i, jf: 0, k: syscallNumber(name, ARCH) })),
    { code: RET_K, k: rest },
    { code: RET_K, k: answer },
  ])
  return { kind: 'filter', program, flags: 0 }
}

describe.each(EXECUTORS)('%s', (executor) => {
  test('holds for what follows', () => {
    const forbidden = filter(SECCOMP_RET_ERRNO | constants.errno.EXDEV, ['chdir'], SECCOMP_RET_ALLOW)
    expect(runPlan([noNewPrivileges, forbidden, fail], { executor }).failure).toBe('init 2 EXDEV')
  })

  test('failures are reported where sendmsg is forbidden', () => {
    const forbidden = filter(SECCOMP_RET_KILL_PROCESS, ['sendmsg'], SECCOMP_RET_ALLOW)
    expect(runPlan([noNewPrivileges, forbidden, fail], { executor })).toMatchObject({
      failure: 'init 2 ENOENT',
      end: 1,
    })
  })

  test('one that the kernel refuses is a failure that says so', () => {
    const bad: ChildStep = { kind: 'filter', program: encodeClassic([{ code: 0xff, k: 0 }]), flags: 0 }
    const { failure, detail } = runPlan([noNewPrivileges, bad, fail], { executor })
    expect([failure, detail.toString()]).toEqual(['init 1 EINVAL', 'seccomp'])
  })
})

test('an end that is forbidden is an end all the same', () => {
  const all = filter(SECCOMP_RET_ALLOW, [], SECCOMP_RET_ERRNO | 1)
  const { end, reports } = runPlan([noNewPrivileges, all, fail], { executor: 'davit-init' })
  expect([end, reports]).toEqual([-constants.signals.SIGILL, []])
})
