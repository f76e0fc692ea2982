/** A `run` in the foreground, whose engine becomes the small program that watches the container: native/watch.c. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, create, run, startRun } from '../support/bundle.ts'
import { exec, type Running, start } from '../support/exec.ts'
import { processStatus } from '../support/kernel.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { IS_REFERENCE, RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const SLEEP = 'echo ready; sleep 1000'
const WAIT_FOR_TERM = "trap 'echo heard; exit 9' TERM; echo ready; while :; do sleep 0.02; done"

/** For a filter, under which the engine stays until exec has happened. */
const NO_REBOOT = [{ names: ['reboot'], action: 'SCMP_ACT_ERRNO' as const }]

/** The executable of a process: davit, and the engine, are told apart by their folders. */
const executable = (pid: number) => readlinkSync(`/proc/${pid}/exe`)
const isEngine = (pid: number) => executable(pid).endsWith('/libexec/davit/davit')

/** A run under strace, which holds up what `inject` says; its own trace is of no interest. */
function startHeldUp(made: Bundle, inject: string, args: readonly string[] = []) {
  const [call] = inject.split(':')
  const quiet = ['-qq', '-e', `trace=${call}`, '-e', 'signal=none', '-o', `${scratch()}/trace`]
  const line = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, ...args, made.id]
  return start('strace', [...quiet, '-e', `inject=${inject}`, ...line])
}

/** The process that strace has started. */
const tracedBy = ({ pid }: Running) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0])

const SIGTERM_BIT = 1n << 14n
const blocksTerm = (pid: number) => (BigInt(`0x${processStatus(pid).SigBlk}`) & SIGTERM_BIT) !== 0n

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
    // Until init has executed it is listened to.
    const open = await until('the end of the connection', () => {
      const fds = readdirSync(`/proc/${running.pid}/fd`).slice(3)
      return fds.length < 3 ? fds : undefined
    })
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
    const made = await bundle(WAIT_FOR_TERM)
    // The program that we become waits before its first call, with what is sent meanwhile.
    const running = startHeldUp(made, 'flock:delay_enter=1500000:when=2')
    await until('ready', () => running.stdout() === 'ready\n')
    const { pid } = await state(made.id)
    const watching = Number(processStatus(pid).PPid)
    await until('handing over', () => !isEngine(watching))
    process.kill(watching, 'SIGTERM')
    expect(await running.done).toMatchObject({ code: 9, stdout: 'ready\nheard\n' })
    isGone(made.id)
  })

  test.runIf(requires(command('strace')))('gets those that another thread of a large engine could take', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sh', '-c', WAIT_FOR_TERM]
      config.annotations = {}
      // As much as has the engine collect garbage, for which it starts threads that block nothing.
      for (let i = 0; i < 60_000; i++) config.annotations[`org.example.${i}`] = 'x'.repeat(40)
    })
    const running = startHeldUp(made, 'execve:delay_enter=2500000:when=2')
    await until('ready', () => running.stdout() === 'ready\n')
    const watching = tracedBy(running)
    await until('the change', () => blocksTerm(watching))
    expect(isEngine(watching)).toBe(true)
    process.kill(watching, 'SIGTERM')
    expect(await running.done).toMatchObject({ code: 9, stdout: 'ready\nheard\n' })
    isGone(made.id)
  })

  test('gets what its caller has blocked, but not what is never handed on', async () => {
    const made = await bundle(`trap 'echo urgent' URG; trap 'echo input' TTIN; ${WAIT_FOR_TERM}`)
    const line = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
    const running = start('env', ['--block-signal=URG,TTIN,TERM', ...line])
    await until('ready', () => running.stdout() === 'ready\n')
    await until('handing over', () => !isEngine(running.pid))
    for (const signal of ['SIGURG', 'SIGTTIN'] as const) process.kill(running.pid, signal)
    await new Promise((done) => setTimeout(done, 300))
    process.kill(running.pid, 'SIGTERM')
    expect(await running.done).toMatchObject({ code: 9, stdout: 'ready\nheard\n' })
  })

  test.runIf(requires(command('strace'))).each([
    ['after', true],
    ['before', false],
  ])('that is asked to end before it could execute, %s it was handed over, is taken back', async (_, handedOver) => {
    const made = await bundle(SLEEP)
    const pidFile = `${made.path}/pid`
    // Before init is told to go on, which it then does not hear.
    const running = startHeldUp(made, 'sendto:delay_enter=1500000:when=2', ['--pid-file', pidFile])
    process.kill(Number(await until('init', () => existsSync(pidFile) && readFileSync(pidFile, 'utf8'))), 'SIGSTOP')
    const watching = tracedBy(running)
    const watched = () => readFileSync(`/proc/${watching}/environ`, 'utf8').includes('DAVIT_WATCH=')
    if (handedOver) await until('handing over', watched)
    process.kill(watching, 'SIGTERM')
    const { code, stdout, stderr } = await running.done
    expect([code, stdout]).toEqual([143, ''])
    expect(stderr).toContain('davit: run failed: interrupted by SIGTERM before the process was started\n')
    expect(existsSync(pidFile)).toBe(false)
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

  test.runIf(requires(command('flock')))('leaves a container alone that got its id meanwhile', async () => {
    const made = await bundle("trap 'exit 8' TERM; echo ready; while :; do sleep 0.02; done")
    const running = startRun(made)
    await until('ready', () => running.stdout() === 'ready\n')
    await until('handing over', () => !isEngine(running.pid))
    // It lets go of the lock as soon as it has heard that exec has happened; stopped before that, it would keep it.
    const free = async () => (await exec('flock', ['--nonblock', `${stateRoot()}/${made.id}`, 'true'])).code === 0
    await until('the lock', free)
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

  test('whose installation is removed ends with its code, and is deleted', async () => {
    const made = await bundle(SLEEP)
    const folder = scratch()
    copyFileSync(RUNTIME, `${folder}/davit`)
    symlinkSync(`${dirname(RUNTIME)}/libexec`, `${folder}/libexec`)
    const running = start(`${folder}/davit`, ['--root', stateRoot(), 'run', '--bundle', made.path, made.id])
    await until('ready', () => running.stdout() === 'ready\n')
    await until('handing over', () => !isEngine(running.pid))
    for (const name of ['davit', 'libexec']) rmSync(`${folder}/${name}`)
    await must(['kill', made.id, 'KILL'])
    const engine = `${folder}/libexec/davit/davit`
    expect(await running.done).toMatchObject({
      code: 137,
      stderr: `davit: cannot execute ${engine}: the installation is incomplete\n`,
    })
    isGone(made.id)
  })

  test('whose log and directory are removed ends with its code, and is deleted', async () => {
    const made = await bundle(SLEEP)
    const cwd = `${scratch()}/removed`
    mkdirSync(cwd)
    const running = startRun(made, { cwd, global: ['--log', `${cwd}/log`] })
    await until('ready', () => running.stdout() === 'ready\n')
    await until('handing over', () => !isEngine(running.pid))
    rmSync(cwd, { recursive: true })
    await must(['kill', made.id, 'KILL'])
    expect(await running.done).toMatchObject({ code: 137, stderr: '' })
    isGone(made.id)
  })

  test('whose record is spoilt ends with its code all the same', async () => {
    const made = await bundle(SLEEP)
    const running = startRun(made)
    await until('ready', () => running.stdout() === 'ready\n')
    await until('handing over', () => !isEngine(running.pid))
    const { pid } = await state(made.id)
    const record = `${stateRoot()}/${made.id}/state.json`
    const text = readFileSync(record, 'utf8')
    writeFileSync(record, 'spoilt')
    process.kill(pid, 'SIGKILL')
    const { code, stderr } = await running.done
    expect([code, stderr]).toEqual([137, expect.stringContaining(`davit: warning: delete container ${made.id}: `)])
    writeFileSync(record, text)
    await must(['delete', made.id])
  })

  test.each([false, true])(
    'keeps what its caller has open, but for what was handed on (filtered: %s)',
    async (filtered) => {
      const made = await bundle((config) => {
        config.process.args = ['/bin/sh', '-c', SLEEP]
        if (filtered) config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: NO_REBOOT }
      })
      const shell = `exec 3</dev/zero 4</dev/zero 5</dev/full 9>${made.path}/lock; exec "$@"`
      const line = [RUNTIME, '--root', stateRoot(), 'run', '--preserve-fds', '2', '--bundle', made.path, made.id]
      const running = start('sh', ['-c', shell, 'sh', ...line])
      await until('ready', () => running.stdout() === 'ready\n')
      await until('handing over', () => !isEngine(running.pid))
      const link = (fd: number) => readlinkSync(`/proc/${running.pid}/fd/${fd}`)
      expect([link(5), link(9)]).toEqual(['/dev/full', `${made.path}/lock`])
      const open = readdirSync(`/proc/${running.pid}/fd`).map((fd) => link(Number(fd)))
      expect(open).not.toContain('/dev/zero')
      await must(['kill', made.id, 'KILL'])
      expect((await running.done).code).toBe(137)
    },
  )

  test('is not made of what the environment says', async () => {
    const made = await bundle('exit 4')
    const told = { DAVIT_WATCH: '1:1:0:0:0:', DAVIT_ENDED: '3:0', DAVIT_START: '0:0', DAVIT_SELF: '/bin/false' }
    expect((await run(made, { env: { ...process.env, ...told } })).code).toBe(4)
    isGone(made.id)
  })
})
