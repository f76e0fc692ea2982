/** Calls and flags that older kernels do not have, taken away by strace: what davit does without them. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Seccomp } from '../../src/spec/types.gen.ts'
import { startAgent } from '../support/agent.ts'
import { bundle } from '../support/bundle.ts'
import { filtered } from '../support/caller.ts'
import { exec } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'

/** Runs a container to its end with faults in these calls; `when` as strace has it. */
async function without(
  made: { path: string; id: string },
  call: string,
  fault: string,
  { global = [], children = true }: { global?: readonly string[]; children?: boolean } = {},
) {
  const trace = `${made.path}/trace`
  const how = [...(children ? ['-f'] : []), '-o', trace, '-e', `trace=${call}`, '-e', `inject=${call}:${fault}`]
  const davit = [RUNTIME, '--root', stateRoot(), ...global, 'run', '--bundle', made.path, made.id]
  const result = await exec('strace', [...how, ...davit])
  return { ...result, injected: readFileSync(trace, 'utf8').match(/INJECTED/g)?.length ?? 0 }
}

describe.runIf(requires('root', command('strace')))('a kernel without', () => {
  const hello = () => bundle('echo hello; ls /proc/self/fd | wc -l')

  test.each([
    // The call, the fault, and since when the kernel has it.
    ['memfd_create', 'error=EINVAL:when=1', 'MFD_EXEC (6.3)'],
    ['close_range', 'error=ENOSYS', 'close_range (5.9)'],
    ['close_range', 'error=EINVAL', 'CLOSE_RANGE_CLOEXEC (5.11)'],
    ['faccessat2', 'error=ENOSYS', 'faccessat2 (5.8)'],
    // Without it nobody is born into a cgroup (5.7); a filter that does not know it is more likely than such a kernel.
    ['clone3', 'error=ENOSYS', 'clone3 (5.3)', ['--cgroup-manager', 'disabled']],
  ] as const)('%s (%s): %s, does without', async (call, fault, _, global: readonly string[] = []) => {
    const { code, stdout, stderr, injected } = await without(await hello(), call, fault, { global })
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'hello\n4\n', stderr: '' })
    expect(injected).toBeGreaterThan(0)
  })

  test.each([
    ['mount_setattr', 'error=ENOSYS', /mount_setattr .*: function not implemented/],
    ['openat2', 'error=ENOSYS', /: function not implemented/],
  ])('%s says so, and leaves nothing', async (call, fault, words) => {
    const made = await hello()
    const { code, stdout, stderr, injected } = await without(made, call, fault)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(words)
    expect(injected).toBeGreaterThan(0)
    expect(await exec(RUNTIME, ['--root', stateRoot(), 'list', '-q'])).toMatchObject({ code: 0, stdout: '' })
  })

  test.each([
    ['SECCOMP_FILTER_FLAG_LOG', 0],
    ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 1],
  ] as const)('%s refuses a filter that asks for it', async (flag, index) => {
    const agent = await startAgent()
    const flags = ['SECCOMP_FILTER_FLAG_TSYNC', flag].slice(1 - index) as NonNullable<Seccomp['flags']>
    const made = await filtered(
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
        listenerPath: agent.socket,
        flags,
      },
      ['39'],
    )
    const { code, stderr } = await without(made, 'seccomp', 'error=EINVAL:when=1')
    const why = `seccomp flag ${flag} is not known to this kernel`
    expect([code, stderr]).toEqual([
      1,
      `davit: run failed: unsupported config.json: /linux/seccomp/flags/${index}: ${why}\n`,
    ])
  })

  test('SECCOMP_FILTER_FLAG_SPEC_ALLOW, which nobody asked for, filters all the same', async () => {
    const rule = { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 } as const
    const made = await filtered({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }, ['83,@/tmp/x'])
    const { code, stdout, injected } = await without(made, 'seccomp', 'error=EINVAL:when=1', { children: false })
    expect([code, stdout, injected]).toEqual([0, '83,@/tmp/x -99\n', 1])
    const plan = (...how: string[]) =>
      exec('strace', ['-o', '/dev/null', ...how, RUNTIME, 'plan', '--bundle', made.path])
    expect((await plan()).stdout).toMatch(/under a seccomp filter of .*SPEC_ALLOW/)
    const old = await plan('-e', 'inject=seccomp:error=EINVAL:when=1')
    expect(old.stdout).toMatch(/under a seccomp filter of/)
    expect(old.stdout).not.toMatch(/SPEC_ALLOW/)
  })
})
