/** SCMP_ACT_NOTIFY with an agent: what it gets, what its answers do, and what happens without it. */
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Seccomp } from '../../src/spec/types.gen.ts'
import { type Agent, startAgent } from '../support/agent.ts'
import { type Bundle, type Config, containerOutput, create, createStart, run, startRun } from '../support/bundle.ts'
import { filtered, results } from '../support/caller.ts'
import { RUNTIME } from '../support/place.ts'
import { startListener, startProbe } from '../support/probe.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const { EXDEV, EPERM } = constants.errno
/** Numbers on x86_64. */
const NR = { mkdir: 83, getppid: 110, getpid: 39, read: 0, execve: 59 }
const MKDIR = `${NR.mkdir},@/tmp/x`

/** A profile that lets an agent decide about these. */
function asking(
  agent: Pick<Agent, 'socket'>,
  names: string[] = ['mkdir', 'getppid'],
  more: Partial<Seccomp> = {},
): Seccomp {
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    listenerPath: agent.socket,
    syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }],
    ...more,
  }
}

const sleeping = (config: Config) => {
  config.process.args = ['/bin/sh', '-c', 'mkdir /tmp/x; echo $?; exec sleep 100']
}

/** The state of a container as the specification has it. */
const specState = ({ id, path, config }: Bundle, pid: number, status: string) => {
  return { ociVersion: config.ociVersion, id, status, pid, bundle: path }
}

describe.runIf(requires('root') && process.arch === 'x64')('a seccomp agent', () => {
  test.each([true, false])('decides what calls return (noNewPrivileges %s)', async (noNewPrivileges) => {
    const agent = await startAgent({ [NR.mkdir]: -EXDEV, [NR.getppid]: 4242 })
    const change = (config: Config) => Object.assign(config.process, { noNewPrivileges })
    const names = ['mkdir', 'getppid', 'getpid']
    expect(await results(asking(agent, names), [MKDIR, `${NR.getppid}`, `${NR.getpid}`], change)).toEqual([
      -EXDEV,
      4242,
      1,
    ])
    const calls = agent.lines().filter((line) => line.startsWith('call '))
    expect(calls.map((line) => Number(line.split(' ')[1]))).toEqual([NR.mkdir, NR.getppid, NR.getpid])
    await agent.said(/^gone$/)
  })

  test('gets one state with one fd, and then the end of the connection', async () => {
    const agent = await startAgent()
    const made = await filtered(asking(agent, undefined, { listenerMetadata: 'MKNOD=/dev/null,x "é"' }), (config) => {
      sleeping(config)
      config.annotations = { 'org.example': 'é'.repeat(40_000) }
    })
    const foreground = startRun(made)
    await agent.said(/^call/)
    const { pid } = await untilStatus(made.id, 'running')
    const { annotations } = made.config
    expect(agent.states()).toEqual([
      {
        fds: 1,
        state: {
          ociVersion: made.config.ociVersion,
          fds: ['seccompFd'],
          pid,
          metadata: 'MKNOD=/dev/null,x "é"',
          state: { ...specState(made, pid, 'created'), annotations },
        },
      },
    ])
    // The agent alone has the listener.
    for (const holder of [pid, foreground.pid]) {
      const fds = readdirSync(`/proc/${holder}/fd`).map((fd) => readlinkSync(`/proc/${holder}/fd/${fd}`))
      expect(fds.filter((link) => link.includes('seccomp'))).toEqual([])
    }
    await must(['kill', made.id, 'KILL'])
    await foreground.done
  })

  test('is asked at start, not at create', async () => {
    const agent = await startAgent({ [NR.mkdir]: -EPERM })
    const made = await filtered(asking(agent), sleeping)
    await create(made)
    expect(agent.lines()).toEqual([])
    await must(['start', made.id])
    const { pid } = await state(made.id)
    await agent.said(/^call/)
    expect(agent.states()).toEqual([
      {
        fds: 1,
        state: { ociVersion: made.config.ociVersion, fds: ['seccompFd'], pid, state: specState(made, pid, 'created') },
      },
    ])
    await until('the answer', () => containerOutput(made).includes('1\n'))
  })

  test('gets a listener for every process of exec', async () => {
    const agent = await startAgent({ [NR.getppid]: 77 })
    const made = await filtered(asking(agent, ['getppid']), (config) => {
      config.process.args = ['/bin/sleep', '100']
    })
    const { pid } = await createStart(made)
    expect(await must(['exec', made.id, '/bin/caller', `${NR.getppid}`])).toBe(`${NR.getppid} 77\n`)
    const [, second] = agent.states() as { state: { pid: number; state: unknown } }[]
    expect(second?.state.state).toEqual(specState(made, pid, 'running'))
    expect(second?.state.pid).not.toBe(pid)
  })

  test('may be asked about what comes before the program: execve, read, close', async () => {
    const agent = await startAgent()
    const made = await filtered(asking(agent, ['execve', 'read', 'close', 'openat', 'fcntl']), ['39'])
    expect(await run(made)).toMatchObject({ code: 0, stdout: '39 1\n', stderr: '' })
    expect(agent.lines().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual(
      expect.arrayContaining([`call ${NR.read}`, `call ${NR.execve}`]),
    )
  })

  test('is asked about startContainer hooks, too', async () => {
    const agent = await startAgent({ [NR.mkdir]: -EXDEV })
    const made = await filtered(asking(agent, ['mkdir']), (config) => {
      config.process.args = ['/bin/caller', MKDIR]
      config.process.noNewPrivileges = false
      config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'mkdir /tmp/hook || echo >/tmp/mark'] }] }
    })
    expect(await run(made)).toMatchObject({ code: 0, stdout: `${MKDIR} -${EXDEV}\n` })
    expect(existsSync(`${made.rootfs}/tmp/mark`)).toBe(true)
    expect(agent.states()).toHaveLength(1)
    expect(agent.lines().filter((line) => line.startsWith('call'))).toHaveLength(2)
  })

  test.each([
    [['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'], /\(NEW_LISTENER,WAIT_KILLABLE_RECV\) with the agent "/],
    [undefined, /\(SPEC_ALLOW,NEW_LISTENER\) with the agent "/],
  ] as const)('with the flags %s', async (flags, words) => {
    const agent = await startAgent({ [NR.mkdir]: -EXDEV })
    const profile = asking(agent, ['mkdir'], flags ? { flags: [...flags] } : {})
    expect(await results(profile, [MKDIR])).toEqual([-EXDEV])
    const made = await filtered(profile, [MKDIR])
    expect(await must(['plan', '--bundle', made.path])).toMatch(words)
  })

  describe('that is missing', () => {
    const why = async (path: string) => {
      const made = await filtered(asking({ socket: path }), ['39'])
      const said = await refused(made)
      expect(await refused(made, { verb: 'create' })).toBe(said)
      return said.replace(/^seccomp agent ".*", from \/linux\/seccomp\/listenerPath: connect ".*": /, '')
    }

    test('no socket', async () => {
      expect(await why(`${scratch()}/nothing`)).toContain('no such file or directory')
    })

    test('a file', async () => {
      writeFileSync(`${scratch()}/file`, '')
      expect(await why(`${scratch()}/file`)).toMatch(/^(connection refused|socket operation on non-socket)$/)
    })

    test('a socket that nobody listens at', async () => {
      const agent = await startAgent()
      await agent.kill()
      expect(await why(agent.socket)).toBe('connection refused')
    })

    test('a socket of another type', async () => {
      await startListener(['manager', `${scratch()}/datagram`, '0'])
      expect(await why(`${scratch()}/datagram`)).toBe('a datagram socket, not a stream')
    })

    test('to look for it is no connection', async () => {
      const agent = await startAgent()
      const made = await filtered(asking(agent), sleeping)
      await create(made)
      await must(['delete', '--force', made.id])
      expect(agent.lines()).toEqual([])
    })

    test('between create and start: not started', async () => {
      const agent = await startAgent()
      const made = await filtered(asking(agent), sleeping)
      await create(made)
      await agent.kill()
      const { code, stderr } = await davit(['start', made.id])
      expect(code).toBe(1)
      expect(stderr).toMatch(/start failed: unable to start container process: seccomp agent ".*connection refused\n$/)
      await untilStatus(made.id, 'stopped')
      expect(containerOutput(made)).toBe('')
      await must(['delete', made.id])
    })

    test('between the check and exec: nothing is left', async () => {
      const agent = await startAgent()
      const made = await filtered(asking(agent), (config) => {
        config.process.args = ['/bin/sleep', '100']
        // Its socket is closed when it is a zombie, not before.
        const { pid } = agent.running
        const script = `kill -KILL ${pid}; while [ -e /proc/${pid} ] && ! grep -qs ' Z ' /proc/${pid}/stat; do :; done`
        config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'] }] }
      })
      expect(await refused(made)).toMatch(/^unable to start container process: seccomp agent ".*connection refused$/)
    })
  })

  test('cannot be reached by a process that may not write', async () => {
    const agent = await startAgent()
    const profile = asking(agent, ['mkdir'], {
      syscalls: [
        { names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' },
        { names: ['write'], action: 'SCMP_ACT_ERRNO' },
      ],
    })
    const said = await refused(await filtered(profile, ['39']))
    expect(said).toBe('unable to start container process: container init exited with status 1')
    expect(agent.lines()).toEqual([])
  })

  test('cannot be asked about write, or about everything', async () => {
    const agent = await startAgent()
    expect(await refused(await filtered(asking(agent, ['write']), ['39']))).toContain(
      'SCMP_ACT_NOTIFY cannot be used for the write syscall',
    )
    const all: Seccomp = { defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: agent.socket }
    expect(await refused(await filtered(all, ['39']))).toContain('SCMP_ACT_NOTIFY cannot be used as default action')
  })
})

describe.runIf(requires('root') && process.arch === 'x64')('a filter that forbids execve', () => {
  const forbidding = (defaultAction: Seccomp['defaultAction']): Seccomp => ({ defaultAction })

  test.each([
    ['SCMP_ACT_KILL_PROCESS', 31],
    ['SCMP_ACT_ERRNO', 4],
  ] as const)('and everything else (%s): run says so', async (action, signal) => {
    expect(await refused(await filtered(forbidding(action), ['39']))).toBe(
      `unable to start container process: container init was killed by signal ${signal} before it could execute: does the seccomp profile allow execve?`,
    )
  })

  test('and everything else: start says so, too', async () => {
    const made = await filtered(forbidding('SCMP_ACT_KILL_PROCESS'), ['39'])
    // Whoever adopts it reaps nothing, so that the end of it is there to be seen.
    const line = ['--root', stateRoot(), 'create', '--bundle', made.path, made.id]
    const adopter = await startProbe(['adopt', RUNTIME, ...line])
    atEnd(() => void adopter.child.kill('SIGKILL'))
    await until('created', async () => (await davit(['state', made.id])).stdout.includes('"created"'))
    const { code, stderr } = await davit(['start', made.id])
    expect([code, stderr]).toEqual([
      1,
      'davit: start failed: unable to start container process: container init ended before it could execute: does the seccomp profile allow execve?\n',
    ])
    await untilStatus(made.id, 'stopped')
  })

  test('has nothing to do with a program that ends at once', async () => {
    const made = await filtered({ defaultAction: 'SCMP_ACT_ALLOW' }, ['39'])
    for (let i = 0; i < 10; i++) expect(await run(made)).toMatchObject({ code: 0, stderr: '' })
  })
})
