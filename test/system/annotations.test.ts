/** Annotations: passed on as they are, and those of crun's that change what davit does. */
import { describe, expect, test } from 'vitest'
import { encodeClassic, JEQ_K, LD_W_ABS, RET_K } from '../../src/kernel/bpf_classic.ts'
import { SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_USER_NOTIF } from '../../src/kernel/seccomp.ts'
import type { Seccomp } from '../../src/spec/types.gen.ts'
import { startAgent } from '../support/agent.ts'
import { bundle, type Config, create, createStart, run } from '../support/bundle.ts'
import { filtered, results } from '../support/caller.ts'
import { exec, output } from '../support/exec.ts'
import { outputIn } from '../support/in_container.ts'
import { processStatus } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { refused } from '../support/refusal.ts'
import { command, requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

/** Numbers on x86_64. */
const NR = { mkdir: 83, getppid: 110 }
const MKDIR = `${NR.mkdir},@/tmp/x`

/** A filter for one system call, in base64. */
const program = (call: number, action: number) =>
  Buffer.from(
    encodeClassic([
      { code: LD_W_ABS, k: 0 },
      { code: JEQ_K, k: call, jt: 0, jf: 1 },
      { code: RET_K, k: action },
      { code: RET_K, k: SECCOMP_RET_ALLOW },
    ]),
  ).toString('base64')

const annotate = (annotations: Readonly<Record<string, string>>) => (config: Config) => {
  config.annotations = { ...annotations }
}

describe.runIf(requires('root'))('annotations', () => {
  test('are in the state as they were given, known or not', async () => {
    const annotations = {
      'org.example/key': 'a "b"\n\té',
      empty: '',
      'run.oci.handler': 'krun',
      'run.oci.keep_original_groups': '1',
    }
    const made = await bundle(annotate(annotations))
    await create(made)
    expect((await state(made.id)).annotations).toEqual(annotations)
  })

  test('that change something are told by features', async () => {
    const names = JSON.parse(await must(['features'])).potentiallyUnsafeConfigAnnotations
    expect(names).toEqual(expect.arrayContaining(['run.oci.hooks.stdout', 'run.oci.seccomp_bpf_data']))
  })
})

describe.runIf(requires('root') && process.arch === 'x64')('run.oci.seccomp_bpf_data', () => {
  const given = { 'run.oci.seccomp_bpf_data': program(NR.mkdir, SECCOMP_RET_ERRNO | 99) }

  test('is the filter, with no profile and in place of one', async () => {
    const killing: Seccomp = { defaultAction: 'SCMP_ACT_KILL_PROCESS' }
    expect(await results(undefined, [MKDIR], annotate(given))).toEqual([-99])
    expect(await results(killing, [MKDIR], annotate(given))).toEqual([-99])
  })

  test('is the filter of exec, too', async () => {
    const made = await filtered(undefined, (config) => {
      annotate(given)(config)
      config.process.args = ['/bin/sleep', '100']
    })
    const { pid } = await createStart(made)
    expect(processStatus(pid)).toMatchObject({ Seccomp: '2', Seccomp_filters: '1' })
    expect(await outputIn(made.id, ['/bin/caller', MKDIR])).toBe('83,@/tmp/x -99\n')
  })

  test('that the kernel does not take is an error, and leaves nothing', async () => {
    const bad = Buffer.from(encodeClassic([{ code: LD_W_ABS, k: 0 }])).toString('base64')
    const made = await bundle(annotate({ 'run.oci.seccomp_bpf_data': bad }))
    expect(await refused(made)).toMatch(
      /error loading seccomp filter into kernel, from \/annotations\/run.oci.seccomp_bpf_data: invalid argument$/,
    )
    made.configure(annotate({ 'run.oci.seccomp_bpf_data': 'no base64' }))
    expect(await refused(made)).toMatch(/\/annotations\/run.oci.seccomp_bpf_data: expected base64$/)
  })

  test('has a listener where there is a receiver', async () => {
    const agent = await startAgent({ [NR.getppid]: 4242 })
    const annotations = {
      'run.oci.seccomp_bpf_data': program(NR.getppid, SECCOMP_RET_USER_NOTIF),
      'run.oci.seccomp.receiver': agent.socket,
    }
    expect(await results(undefined, [`${NR.getppid}`], annotate(annotations))).toEqual([4242])
  })
})

describe.runIf(requires('root') && process.arch === 'x64')('run.oci.seccomp.receiver', () => {
  test('is the agent of a profile that names none', async () => {
    const agent = await startAgent({ [NR.getppid]: 4242 })
    const profile: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['getppid'], action: 'SCMP_ACT_NOTIFY' }],
    }
    const change = annotate({ 'run.oci.seccomp.receiver': agent.socket })
    expect(await results(profile, [`${NR.getppid}`], change)).toEqual([4242])
    expect(await refused(await filtered(profile, ['39']))).toMatch(/needs \/linux\/seccomp\/listenerPath/)
    const absent = await filtered(profile, annotate({ 'run.oci.seccomp.receiver': `${scratch()}/nobody` }))
    expect(await refused(absent)).toMatch(
      /nobody", from \/annotations\/run.oci.seccomp.receiver: open .*no such file or directory$/,
    )
  })
})

describe.runIf(requires('root'))('run.oci.seccomp_fail_unknown_syscall', () => {
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      { names: ['mkdir'], action: 'SCMP_ACT_ERRNO' },
      { names: ['rmdir', 'no_such_call'], action: 'SCMP_ACT_ALLOW' },
    ],
  }
  const made = (value?: string) =>
    filtered(profile, (config) => {
      config.process.args = ['/bin/true']
      if (value !== undefined) annotate({ 'run.oci.seccomp_fail_unknown_syscall': value })(config)
    })

  test('refuses names that nobody knows, whatever was compiled before', async () => {
    expect(await run(await made())).toMatchObject({ code: 0 })
    expect(await run(await made('0'))).toMatchObject({ code: 0 })
    for (const value of ['1', ''])
      expect(await refused(await made(value))).toBe(
        'unsupported config.json: /linux/seccomp/syscalls/1/names/1: unknown seccomp syscall "no_such_call"',
      )
    expect(await run(await made())).toMatchObject({ code: 0 })
  })
})

describe.runIf(requires('root', command('setpriv')))('run.oci.keep_original_groups', () => {
  /** What a process has, of a caller in two groups. */
  async function groups(keep: Readonly<Record<string, string>>, change: (config: Config) => void = () => {}) {
    const made = await bundle((config) => {
      annotate(keep)(config)
      config.process.args = ['/bin/grep', 'Groups', '/proc/self/status']
      Object.assign(config.process.user, { uid: 1000, gid: 1000, additionalGids: [7] })
      change(config)
    })
    const davit = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
    const { code, stdout, stderr } = await exec('setpriv', ['--groups', '44,55', ...davit])
    expect(code, stderr).toBe(0)
    return [stdout.replace('Groups:', '').trim(), stderr]
  }

  test('keeps the caller’s groups, and those alone', async () => {
    const warning = 'davit: warning: ignoring additionalGids: run.oci.keep_original_groups keeps the caller’s\n'
    expect(await groups({ 'run.oci.keep_original_groups': '1' })).toEqual(['44 55', warning.replace('’', "'")])
    expect(await groups({ 'run.oci.keep_original_groups': '0' })).toEqual(['7', ''])
    expect(await groups({})).toEqual(['7', ''])
  })

  test('keeps them in a user namespace, where they have no names', async () => {
    const own = (config: Config) => {
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 2000 }]
      config.linux.gidMappings = [
        { containerID: 0, hostID: 0, size: 50 },
        { containerID: 1000, hostID: 1000, size: 1 },
      ]
      config.process.user = { uid: 1000, gid: 1000 }
    }
    const overflow = (await output('cat', ['/proc/sys/kernel/overflowgid'])).trim()
    expect(await groups({ 'run.oci.keep_original_groups': '1' }, own)).toEqual([`44 ${overflow}`, ''])
  })
})
