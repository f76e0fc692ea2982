/** A signal to `davit run` while it makes the container: everything is taken back, whatever it is waiting for. */
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, startRun } from '../support/bundle.ts'
import { exec, type Running, start } from '../support/exec.ts'
import { cgroupsNamed, mountsBelow, processesNaming } from '../support/leaks.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME } from '../support/place.ts'
import { startProbe } from '../support/probe.ts'
import { stateEntries } from '../support/refusal.ts'
import { command, requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

type Kind = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart'

/** A bundle with a hook that never ends; it leaves a file when it has begun. */
async function hanging(kind: Kind, terminal = false): Promise<{ made: Bundle; begun: () => boolean }> {
  const made = await bundle('echo ran >/tmp/ran; sleep 1000')
  const inside = kind === 'createContainer' || kind === 'startContainer'
  const script = `touch ${kind === 'startContainer' ? '/tmp/begun' : `${made.rootfs}/tmp/begun`}; sleep 1000 & wait`
  made.configure((config) => {
    config.process.terminal = terminal
    config.root.readonly = false
    config.hooks = {
      [kind]: [{ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/bin'] }],
      poststop: [{ path: '/bin/sh', args: ['sh', '-c', `cat >${made.path}/stopped`] }],
    }
    if (inside) config.process.args = ['/bin/sh', '-c', 'echo ran >/tmp/ran; sleep 1000']
  })
  return { made, begun: () => existsSync(`${made.rootfs}/tmp/begun`) }
}

async function nothingLeft(made: Bundle): Promise<void> {
  expect(stateEntries()).toEqual([])
  expect(mountsBelow(made.path)).toEqual([])
  expect(await processesNaming(made.path, [made.id])).toEqual([])
  expect(cgroupsNamed(made.id)).toEqual([])
}

describe.runIf(requires('root'))('a signal while the container is made', () => {
  test.each([
    ['TERM', 143],
    ['INT', 130],
    ['HUP', 129],
    ['QUIT', 131],
  ])('SIG%s takes everything back and gives %i', async (signal, code) => {
    const { made, begun } = await hanging('createRuntime')
    const running = startRun(made, { args: ['--pid-file', `${made.path}/pid`] })
    await until('hook', begun)
    running.child.kill(`SIG${signal}` as NodeJS.Signals)
    expect(await running.done).toMatchObject({
      code,
      signal: null,
      stdout: '',
      stderr: `davit: run failed: interrupted by SIG${signal} before the process was started\n`,
    })
    await nothingLeft(made)
    expect(existsSync(`${made.rootfs}/tmp/ran`)).toBe(false)
    expect(JSON.parse(readFileSync(`${made.path}/stopped`, 'utf8'))).toMatchObject({ id: made.id, status: 'stopped' })
  })

  test.each(['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart'] as const)(
    'ends the wait for a %s hook, and the hook',
    async (kind) => {
      const { made, begun } = await hanging(kind)
      const running = startRun(made)
      await until('hook', begun)
      const ran = () => existsSync(`${made.rootfs}/tmp/ran`)
      // The process is started before its poststart hooks, and needs its time.
      if (kind === 'poststart') await until('the process', ran)
      running.child.kill('SIGTERM')
      expect((await running.done).code).toBe(143)
      await nothingLeft(made)
      expect(ran()).toBe(kind === 'poststart')
    },
  )

  test('restores the terminal', async () => {
    const { made, begun } = await hanging('startContainer', true)
    const line = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
    const running: Running = await startProbe(['pty', '24', '80', ...line])
    await until('hook', begun)
    const [child] = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').split(' ')
    await exec('kill', ['-TERM', `${child}`])
    expect((await running.done).stderr).toMatch(/after echo=1 icanon=1 isig=1 opost=1\nend 143\n$/)
    await nothingLeft(made)
  })

  test('that does not ask to end waits for the process', async () => {
    const made = await bundle("trap 'echo heard; exit 7' USR1; touch /tmp/trapped; while :; do sleep 0.02; done")
    const gate = `${made.path}/gate`
    made.configure((config) => {
      config.root.readonly = false
      const wait = `touch ${made.path}/begun; while [ ! -e ${gate} ]; do sleep 0.02; done`
      config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', wait], env: ['PATH=/bin'] }] }
      // Before the handler is there the kernel drops what comes to the first process of a pid namespace.
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      config.process.args = ['/bin/sleep', '1000']
    })
    const running = startRun(made)
    await until('hook', () => existsSync(`${made.path}/begun`))
    running.child.kill('SIGUSR1')
    await new Promise((done) => setTimeout(done, 100))
    writeFileSync(gate, '')
    // SIGUSR1 ends a process that has said nothing about it.
    expect((await running.done).code).toBe(138)
    await nothingLeft(made)
  })

  // Until its exec the child has davit's memory, and for a moment its handlers: there is a pipe for what they hear.
  test.runIf(requires(command('strace'), command('pgrep')))(
    'that comes to the child before it is executed is not taken for one to davit',
    async () => {
      const made = await bundle(['/bin/sleep', '1'])
      const trace = `${made.path}/trace`
      // The first handler that a thread sets takes it a second: the child's first one is the first that it takes off.
      const slow = [
        '-e',
        'trace=rt_sigaction,pidfd_send_signal',
        '-e',
        `inject=rt_sigaction:delay_enter=${patience(1000)}000:when=1`,
      ]
      const line = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
      const running = start('strace', ['-f', '-qq', '-o', trace, ...slow, ...line])
      const children = async (pid: number) => (await exec('pgrep', ['-P', `${pid}`])).stdout.split('\n').filter(Boolean)
      const program = (pid: number | string) => readlinkSync(`/proc/${pid}/exe`)
      const davit = Number(await until('davit', async () => (await children(running.pid))[0]))
      const child = await until('the child', async () => (await children(davit))[0])
      // The one signal that davit hands on and that does nothing to who has no handler and is not stopped.
      process.kill(Number(child), 'SIGCONT')
      expect(program(child)).toBe(program(davit))
      expect(await running.done).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
      expect(readFileSync(trace, 'utf8').match(/^.*(--- SIGCONT|pidfd_send_signal\(\d+, SIGCONT).*$/gm)).toBeNull()
      await nothingLeft(made)
    },
  )

  test.each(Array.from({ length: 20 }, (_, i) => i * 3))('leaves nothing when it comes after %i ms', async (delay) => {
    const made = await bundle("trap 'exit 3' TERM; while :; do sleep 0.01; done")
    const running = startRun(made)
    await new Promise((done) => setTimeout(done, delay))
    running.child.kill('SIGTERM')
    // A first process that has no handler yet is not hit: what came too early for it is said again.
    const again = setInterval(() => void running.child.kill('SIGTERM'), 200)
    const { code, signal } = await running.done
    clearInterval(again)
    // Before davit could catch it, it ended davit, which had made nothing yet.
    expect([`${code}`, `${signal}`]).toSatisfy(([c, s]: string[]) => c === '143' || c === '3' || s === 'SIGTERM')
    await nothingLeft(made)
  })
})
