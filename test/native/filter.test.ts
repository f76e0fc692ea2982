/** Loading a seccomp filter, and what the executor still does under it. */
import { constants } from 'node:os'
import { describe, expect, test } from 'vitest'
import { DATA_NR, encodeClassic, JEQ_K, LD_W_ABS, RET_K } from '../../src/kernel/bpf_classic.ts'
import { PR_SET_NO_NEW_PRIVS } from '../../src/kernel/prctl.ts'
import {
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_USER_NOTIF,
} from '../../src/kernel/seccomp.ts'
import { type SyscallName, syscallNumber } from '../../src/kernel/syscalls.ts'
import type { ChildStep } from '../../src/plan/step.ts'
import { TAGS } from '../../src/plan/tags.ts'
import { encodeAnswer } from '../../src/wire/decode.ts'
import { ARCH, EXECUTORS, runPlan } from './executor.ts'

const noNewPrivileges: ChildStep = {
  kind: 'prctl',
  name: 'PR_SET_NO_NEW_PRIVS',
  option: PR_SET_NO_NEW_PRIVS,
  args: [1, 0, 0, 0],
}
const fail: ChildStep = { kind: 'chdir', path: '/no/such/place' }

/** A filter with one answer for some calls and another for the rest. */
function filterOf(answer: number, names: readonly SyscallName[], rest: number) {
  const program = encodeClassic([
    { code: LD_W_ABS, k: DATA_NR },
    ...names.map((name, i) => ({ code: JEQ_K, jt: names.length - i, jf: 0, k: syscallNumber(name, ARCH) })),
    { code: RET_K, k: rest },
    { code: RET_K, k: answer },
  ])
  return { kind: 'filter', program, flags: 0 } as const
}

describe.each(EXECUTORS)('%s', (executor) => {
  test('holds for what follows', () => {
    const forbidden = filterOf(SECCOMP_RET_ERRNO | constants.errno.EXDEV, ['chdir'], SECCOMP_RET_ALLOW)
    expect(runPlan([noNewPrivileges, forbidden, fail], { executor }).failure).toBe('init 2 EXDEV')
  })

  test('failures are reported where sendmsg is forbidden', () => {
    const forbidden = filterOf(SECCOMP_RET_KILL_PROCESS, ['sendmsg'], SECCOMP_RET_ALLOW)
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

describe.each(EXECUTORS)('a listener, %s', (executor) => {
  // It would ask about the calls that reports and answers use elsewhere: nobody would answer.
  const asking = (...names: SyscallName[]): ChildStep => {
    const filter = filterOf(SECCOMP_RET_USER_NOTIF, names, SECCOMP_RET_ALLOW)
    return { ...filter, flags: SECCOMP_FILTER_FLAG_NEW_LISTENER, out: 9 }
  }
  const steps = [noNewPrivileges, asking('sendmsg', 'recvmsg'), { kind: 'close', slot: 9 } as const, fail]

  test('is reported, and the answer waited for', () => {
    const asked: number[] = []
    const answer = (tag: number) => {
      asked.push(tag)
      return 0
    }
    const { reports, failure } = runPlan(steps, { executor, answer })
    expect(reports[0]).toEqual({ kind: 'listener', fd: expect.any(Number) })
    expect([asked, failure]).toEqual([[TAGS.listener], 'init 3 ENOENT'])
  })

  test.each([
    ['an error', () => -constants.errno.EIO, 'EIO'],
    ['another tag', () => encodeAnswer(TAGS.hooks), 'EPROTO'],
    ['half an answer', () => encodeAnswer(TAGS.listener).subarray(0, 4), 'EPROTO'],
  ] as const)('%s ends it', (_, answer, errno) => {
    const { failure, detail } = runPlan(steps, { executor, answer })
    expect([failure, detail.toString()]).toEqual([`init 1 ${errno}`, 'listener'])
  })

  test('a parent that is gone ends it', () => {
    expect(runPlan(steps, { executor, answer: () => 'leave' }).end).not.toBe(0)
  })
})

test('an end that is forbidden is an end all the same', () => {
  const all = filterOf(SECCOMP_RET_ALLOW, [], SECCOMP_RET_ERRNO | 1)
  const { end, reports } = runPlan([noNewPrivileges, all, fail], { executor: 'davit-init' })
  expect([end, reports]).toEqual([-constants.signals.SIGILL, []])
})
