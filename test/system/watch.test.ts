/** A `run` in the foreground, whose engine becomes the small program that watches the container: native/watch.c. */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, create, run, startRun } from '../support/bundle.ts'
import { exec, start } from '../support/exec.ts'
import { processStatus } from '../support/kernel.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { IS_REFERENCE, RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const SLEEP = 'echo ready; sleep 1000'

/** The executable of a process: davit, and the engine, are told apart by their folders. */
const executable = (pid: number) => readlinkSync(`/proc/${pid}/exe`)
const isEngine = (pid: number) => executable(pid).endsWith('/libexec/davit/davit')

/** Whether a process waits for a lock that somebody else holds: proc(5), a line with an arrow. */
const waitsForLock = (pid: number) =>
  new RegExp(`-> FLOCK +ADVISORY +WRITE ${pid} `).test(readFileSync('/proc/locks', 'utf8'))

/** Paths of what a run executes, of the process itself only. */
async function executed(file: string, args: readonly string[]) {
  const strace = ['-qq', '-e', 'trace=execve', '-e', 'signal=none', '-o', file, RUNTIME, '--root', stateRoot(), ...args]
  const result = await exec('strace', strace)
  return { ...result, programs: [...readFileSync(file, 'utf8').matchAll(/execve\("([^"]*)"/g)].map(([, path]) => path) }
}

const isGone = (id: string) => {
  expect(readdirSync(stateRoot())).toEqual([])
  expect(cgroupsNamed(id)).toEqual([])
}

describe.runIf(requires('root') && !IS_REFERENCE)('a container in the foreground', () => {
  test('is watched by a program of some kilobytes, with nothing open but what it needs', async () => {
    const made = await bundle(SLEEP)
    const running = startRun(made)
    await until('ready', () => running.stdout() === 'ready\n')
    await until('handing over', () => !isEngine(running.pid))
    const { VmRSS = '', Threads } = processStatus(running.pid)
    expect(Number.parseInt(VmRSS, 10)).toBeLessThan(1024)
    expect(Threads).toBe('1')
    const open = readdirSync(`/proc/${running.pid}/fd`).slice(3)
    expect(open.map((fd) => readlinkSync(`/proc/${running.pid}/fd/${fd}`)).sort()).toEqual([
      `${stateRoot()}/${made.id}`,
      'anon_inode:[pidfd]',
    ])
    expect(readFileSync(`/proc/${running.pid}/cmdline`, 'utf8').replaceAll('\0', ' ')).toContain(`run --bundle`)
    await must(['kill', made.id, 'KILL'])
    expect((await running.done).code).toBe(137)
    isGone(made.id)
  })

  test.runIf(requires(command('strace')))('that ends by itself is deleted without the engine', async () => {
    const made = await bundle('exit 5')
    const { code, stderr, programs } = await executed(`${scratch()}/trace`, ['run', '--bundle', made.path, made.id])
    expect([code, stderr]).toEqual([5, ''])
    expect(programs).toEqual([RUNTIME, expect.stringMatching(/\/libexec\/davit\/davit$/), RUNTIME])
    isGone(made.id)
  })

  test.runIf(requires(command('strace')))('that has made a cgroup of its own is deleted by the engine', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sh', '-c', 'mkdir /sys/fs/cgroup/pids/own /sys/fs/cgroup/own 2>/dev/null; exit 6']
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys/fs/cgroup')
      config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'rw'] })
    })
    const { code, stderr, programs } = await executed(`${scratch()}/trace`, ['run', '--bundle', made.path, made.id])
    expect([code, stderr]).toEqual([6, ''])
    expect(programs).toHaveLength(4)
    isGone(made.id)
  })

  test.each([
    ['a hook', (config: Config) => Object.assign(config, { hooks: { poststop: [{ path: '/bin/true' }] } })],
    [
      'the pid namespace of the host',
      ({ linux }: Config) => {
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'pid')
      },
    ],
  ] as const)('with %s keeps its engine', async (_, change) => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sh', '-c', SLEEP]
      change(config)
    })
    const running = startRun(made)
    await until('ready', () => running.stdout() === 'ready\n')
    await new Promise((done) => setTimeout(done, 200))
    expect(isEngine(running.pid)).toBe(true)
    await must(['kill', '--all', made.id, 'KILL'])
    expect((await running.done).code).toBe(137)
    isGone(made.id)
  })

  test.runIf(requires(command('strace')))('gets the signals that come while its engine ends', async () => {
    const made = await bundle("trap 'echo heard; exit 9' TERM; echo ready; while :; do sleep 0.02; done")
    // The program that we become waits before its first call, with what is sent meanwhile.
    const flags = ['-qq', '-e', 'trace=flock', '-e', 'signal=none', '-o', `${scratch()}/trace`]
    const inject = ['-e', 'inject=flock:delay_enter=1500000:when=2']
    const running = start('strace', [
      ...flags,
      ...inject,
      ...[RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id],
    ])
    await until('ready', () => running.stdout() === 'ready\n')
    const { pid } = await state(made.id)
    const watching = Number(processStatus(pid).PPid)
    await until('handing over', () => !isEngine(watching))
    process.kill(watching, 'SIGTERM')
    expect(await running.done).toMatchObject({ code: 9, stdout: 'ready\nheard\n' })
    isGone(made.id)
  })

  test('whose program cannot be executed is told so, as ever, and nothing is left', async () => {
    const made = await bundle(['/bin/text'])
    writeFileSync(`${made.rootfs}/bin/text`, 'no program\n', { mode: 0o755 })
    const pidFile = `${made.path}/pid`
    const { code, stderr } = await run(made, { args: ['--pid-file', pidFile] })
    expect([stderr, code]).toEqual([
      'davit: run failed: unable to start container process: exec /bin/text: exec format error\n',
      1,
    ])
    expect(existsSync(pidFile)).toBe(false)
    isGone(made.id)
  })

  test('that somebody else deletes ends with its code, and without complaint', async () => {
    const made = await bundle(SLEEP)
    const running = startRun(made)
    await until('ready', () => running.stdout() === 'ready\n')
    await must(['delete', '--force', made.id])
    expect(await running.done).toMatchObject({ code: 137, stderr: '' })
    isGone(made.id)
  })

  test('leaves a container alone that got its id meanwhile', async () => {
    const made = await bundle("trap 'exit 8' TERM; echo ready; while :; do sleep 0.02; done")
    const running = startRun(made)
    await until('ready', () => running.stdout() === 'ready\n')
    await until('handing over', () => !isEngine(running.pid))
    process.kill(running.pid, 'SIGSTOP')
    await must(['delete', '--force', made.id])
    const next = await bundle('sleep 1000')
    await create({ ...next, id: made.id })
    process.kill(running.pid, 'SIGCONT')
    expect(await running.done).toMatchObject({ code: 137, stderr: '' })
    expect((await state(made.id)).status).toBe('created')
    await must(['delete', '--force', made.id])
  })

  test.runIf(requires(command('flock')))('leaves one alone that got its id while it waited for the lock', async () => {
    const made = await bundle(SLEEP)
    const running = startRun(made)
    await until('ready', () => running.stdout() === 'ready\n')
    await until('handing over', () => !isEngine(running.pid))
    const folder = `${stateRoot()}/${made.id}`
    const { pid } = await state(made.id)
    const holder = start('flock', ['--no-fork', folder, 'sleep', '1000'])
    await until('the lock', () => readFileSync(`/proc/${holder.pid}/comm`, 'utf8') === 'sleep\n')
    process.kill(pid, 'SIGKILL')
    await until('the wait for the lock', () => isEngine(running.pid) && waitsForLock(running.pid))
    rmSync(folder, { recursive: true })
    const next = await bundle('sleep 1000')
    await create({ ...next, id: made.id })
    holder.child.kill('SIGKILL')
    expect(await running.done).toMatchObject({ code: 137, stderr: '' })
    expect((await state(made.id)).status).toBe('created')
    await must(['delete', '--force', made.id])
  })

  test('is not made of what the environment says', async () => {
    const made = await bundle('exit 4')
    const told = { DAVIT_WATCH: '1:1:0:0:0:', DAVIT_ENDED: '3:0', DAVIT_START: '0:0', DAVIT_SELF: '/bin/false' }
    expect((await run(made, { env: { ...process.env, ...told } })).code).toBe(4)
    isGone(made.id)
  })
})
