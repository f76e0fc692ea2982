/** The terminal of a foreground run: the caller's settings, its size, job control, and whoever comes and goes. */
import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, startRun } from '../support/bundle.ts'
import { exec, type Running, start } from '../support/exec.ts'
import { cpuTime, processStatus } from '../support/kernel.ts'
import { TIMING } from '../support/pace.ts'
import { RUNTIME } from '../support/place.ts'
import { startProbe } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const withTerminal = (script: string, change: (config: Config) => void = () => {}) =>
  bundle((config) => {
    config.process.terminal = true
    config.process.args = ['/bin/sh', '-c', script]
    change(config)
  })

const line = (made: Bundle) => [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
const LINE = (made: Bundle) => line(made).join(' ')

/** `davit run`, or a shell command with it, on a terminal of 24 x 80; davit's own pid is asked for when it is there. */
async function onTerminal(made: Bundle, shell?: string): Promise<Running & { davit(): Promise<number> }> {
  const running = await startProbe([
    'pty',
    '24',
    '80',
    ...(shell === undefined ? line(made) : ['/bin/sh', '-c', shell]),
  ])
  atEnd(() => void running.child.kill('SIGKILL'))
  return { ...running, davit: () => until('davit', () => davitBelow(running.pid)) }
}

const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

/** davit among the descendants of a process. */
function davitBelow(pid: number): number | undefined {
  const children = childrenOf(pid)
  const found = children.find((child) => readFileSync(`/proc/${child}/comm`, 'utf8') === 'davit\n')
  return found ?? children.map(davitBelow).find((child) => child !== undefined)
}

const lines = (running: Running) => running.stdout().replaceAll('\r', '')
const ready = (running: Running) => until('ready', () => lines(running).includes('ready'))

/** What the terminal is set to now. */
async function settings(running: Running): Promise<string> {
  const before = running.stderr().length
  running.child.kill('SIGUSR2')
  return until('settings', () => /^now .*$/m.exec(running.stderr().slice(before))?.[0])
}

const COOKED = 'echo=1 icanon=1 isig=1 opost=1'
const RAW = 'echo=0 icanon=0 isig=0 opost=0'
const LOOP = 'while :; do sleep 0.02; done'

describe.runIf(requires('root'))('the caller’s terminal', () => {
  test.each(['TERM', 'HUP', 'INT', 'QUIT', 'USR1'])('is as before when SIG%s has ended the container', async (name) => {
    const made = await withTerminal(`trap 'exit 5' ${name}; echo ready; ${LOOP}`)
    const running = await onTerminal(made)
    await ready(running)
    expect(await settings(running)).toBe(`now ${RAW}`)
    process.kill(await running.davit(), `SIG${name}`)
    expect((await running.done).stderr).toMatch(new RegExp(`after ${COOKED}\nend 5\n$`))
  })

  test('is raw again after a stop, in which a shell has set it otherwise', async () => {
    const made = await withTerminal(`trap 'echo continued' CONT; trap 'exit 0' TERM; echo ready; ${LOOP}`)
    const running = await onTerminal(made)
    await ready(running)
    const davit = await running.davit()
    process.kill(davit, 'SIGSTOP')
    await until('stop', () => processStatus(davit).State?.startsWith('T'))
    execFileSync('stty', ['-F', readlinkSync(`/proc/${davit}/fd/0`), 'sane'])
    expect(await settings(running)).toBe(`now ${COOKED}`)
    process.kill(davit, 'SIGCONT')
    await until('raw', async () => (await settings(running)) === `now ${RAW}`)
    await until('forwarded', () => lines(running).includes('continued'))
    process.kill(davit, 'SIGTERM')
    expect((await running.done).stderr).toMatch(new RegExp(`after ${COOKED}\nend 0\n$`))
  })

  test('is left alone by a run in the background of its shell', async () => {
    const made = await withTerminal('echo ready; sleep 0.3')
    // An interactive shell gives jobs groups of their own; the job that may not touch the terminal stops, as any would.
    const running = await onTerminal(made, `set -m; ${LINE(made)} & sleep 1; jobs; fg >/dev/null; echo code $?`)
    await until('stop', () => /Stopped/.test(lines(running)))
    expect((await running.done).stderr).toMatch(new RegExp(`after ${COOKED}\nend 0\n$`))
    expect(lines(running)).toMatch(/ready\ncode 0\n$/)
  })

  test('is the shell’s when the container ends in the background', async () => {
    const made = await withTerminal('echo ready; while [ ! -e /tmp/end ]; do sleep 0.02; done; exit 3', (config) => {
      config.root.readonly = false
    })
    const rest = `stty sane -echo; echo shell; bg; touch ${made.rootfs}/tmp/end; wait %1; echo code $?; stty -a`
    const running = await onTerminal(made, `exec bash -c 'set -m; ${LINE(made)}; ${rest}'`)
    await ready(running)
    const davit = await until('davit', () => davitBelow(running.pid))
    process.kill(davit, 'SIGSTOP')
    const { stderr } = await running.done
    expect(lines(running)).toMatch(/\nshell\n[\s\S]*\ncode 3\n[\s\S]* -echo /)
    expect(stderr).toMatch(/end 0\n$/)
  })

  test('keeps what is typed for the shell while the container is in the background', async () => {
    const made = await withTerminal('echo ready; while [ ! -e /tmp/end ]; do sleep 0.02; done; echo last; exit 3')
    // By its pid: a job that has ended and been told of is no job any more.
    const rest = `stty sane -echo; bg; pid=$(jobs -p %1); echo behind; read line; echo "got $line"; touch ${made.rootfs}/tmp/end; wait $pid`
    const running = await onTerminal(made, `exec bash -c 'set -m; ${LINE(made)}; ${rest}; echo code $?'`)
    await ready(running)
    const davit = await until('davit', () => davitBelow(running.pid))
    process.kill(davit, 'SIGSTOP')
    await until('the shell', () => lines(running).includes('behind'))
    running.child.stdin?.write('typed\n')
    expect((await running.done).stderr).toMatch(/end 0\n$/)
    expect(lines(running)).toMatch(/\ngot typed\n[\s\S]*last\n[\s\S]*code 3\n/)
  })

  test('is not raw when nothing is read from it, and still gives the size', async () => {
    const made = await withTerminal(
      'stty size; trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.02; done',
    )
    const running = await onTerminal(made, `exec ${LINE(made)} </dev/null`)
    await ready(running)
    expect(await settings(running)).toBe(`now ${COOKED}`)
    running.child.kill('SIGUSR1')
    await running.done
    expect(lines(running)).toBe('24 80\nready\n50 132\n')
  })

  test('may be only where errors go', async () => {
    const made = await withTerminal('stty size')
    const running = await onTerminal(made, `${LINE(made)} </dev/null >${made.path}/out`)
    await running.done
    expect(readFileSync(`${made.path}/out`, 'utf8')).toBe('24 80\n')
  })
})

describe.runIf(requires('root'))('what is not a terminal', () => {
  test('gets plain newlines', async () => {
    const running = startRun(await withTerminal('echo one; echo two'))
    expect((await running.done).stdout).toBe('one\ntwo\n')
  })

  test.each(['<&-', '<&- >&-', '<&- >&- 2>&-'])('may be closed: %s', async (closed) => {
    const made = await withTerminal('tty >/tmp/tty; read x; echo "end $?" >>/tmp/tty', (config) => {
      config.root.readonly = false
    })
    const running = start('sh', ['-c', `exec ${LINE(made)} ${closed}`])
    await until('terminal', () => readFileSync(`${made.rootfs}/tmp/tty`, { encoding: 'utf8', flag: 'a+' }))
    // Input at its end is no end of the terminal.
    await new Promise((done) => setTimeout(done, 100))
    expect((await state(made.id)).status).toBe('running')
    await must(['kill', made.id, 'KILL'])
    expect((await running.done).code).toBe(137)
    expect(readFileSync(`${made.rootfs}/tmp/tty`, 'utf8')).toBe('/dev/pts/0\n')
  })

  test('may be at its end while the container goes on', async () => {
    const running = startRun(await withTerminal('echo one; sleep 0.3; echo two; exit 3'), { stdin: '' })
    running.closeInput()
    expect(await running.done).toMatchObject({ code: 3, stdout: 'one\ntwo\n' })
  })

  test('that cannot be written is told, and hangs up the terminal', async () => {
    const made = await withTerminal('echo much; read x; echo more; exit 6')
    const { code, stderr } = await exec('sh', ['-c', `${LINE(made)} >/dev/full`])
    expect(code).toBe(6)
    expect(stderr).toMatch(/write standard output: no space left on device: the rest of the output is lost\n$/)
  })
})

describe.runIf(requires('root'))('whoever reads the terminal’s output', () => {
  test('may go away: the container’s terminal hangs up, and its code is still told', async () => {
    const made = await withTerminal("trap 'exit 9' HUP; echo line; while :; do echo more; sleep 0.02; done")
    const running = start('bash', ['-c', `${LINE(made)} | head -n 1; echo "code \${PIPESTATUS[0]}"`])
    expect((await running.done).stdout).toBe('line\ncode 9\n')
  })

  /** Waits until everything on the way is full, and nothing moves any more. */
  const standStill = (davit: number) =>
    until('stand-still', async () => {
      const before = cpuTime(davit)
      await new Promise((done) => setTimeout(done, 500))
      return cpuTime(davit) === before
    })

  test.each(['pipe', 'socket', 'terminal'])(
    'may stop for two seconds: a %s, without a loop that spins',
    async (kind) => {
      const made = await withTerminal('echo ready; seq 100000 200000')
      const running =
        kind === 'socket'
          ? startRun(made)
          : kind === 'terminal'
            ? await onTerminal(made)
            : start('bash', ['-c', `${LINE(made)} | cat`])
      await ready(running)
      const davit = kind === 'socket' ? running.pid : await until('davit', () => davitBelow(running.pid))
      running.child.stdout?.pause()
      await standStill(davit)
      const before = cpuTime(davit)
      await new Promise((done) => setTimeout(done, 2000))
      expect(cpuTime(davit) - before).toBeLessThanOrEqual(10)
      running.child.stdout?.resume()
      await running.done
      const expected = Array.from(
        { length: 100001 },
        (_, i) => `${i + 100000}
`,
      ).join('')
      expect(
        lines(running) ===
          `ready
${expected}`,
      ).toBe(true)
    },
  )

  test('may be too slow for a signal to wait: the run can be ended', async () => {
    const made = await withTerminal('echo ready; yes')
    const running = startRun(made)
    await ready(running)
    running.child.stdout?.pause()
    await standStill(running.pid)
    await must(['kill', made.id, 'KILL'])
    await until('end of the container', async () => (await state(made.id)).status === 'stopped')
    await new Promise((done) => setTimeout(done, 300))
    expect(running.child.exitCode).toBe(null)
    running.child.kill('SIGTERM')
    await until('end', () => running.child.exitCode !== null)
    expect(running.child.exitCode).toBe(137)
    running.child.stdout?.resume()
    await running.done
  })
})

describe.runIf(requires('root'))('processes of the container', () => {
  const hostPids = (config: Config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
  }

  test('may outlive the first one, hold the terminal and write to it: the run ends with the first', async () => {
    const made = await withTerminal(
      '(trap "" HUP; while :; do echo noise; done) & while [ ! -e /tmp/x ]; do sleep 0.01; done; sleep 0.2; echo last; exit 4',
      (config) => {
        hostPids(config)
        config.root.readonly = false
      },
    )
    const running = startRun(made)
    await until('noise', () => lines(running).includes('noise'))
    writeFileSync(`${made.rootfs}/tmp/x`, '')
    const { code, stdout } = await running.done
    expect(code).toBe(4)
    expect(stdout).toContain('last\n')
  })

  test('may outlive it, open the terminal anew and fill it faster than anybody reads', async () => {
    const made = await withTerminal(
      '(trap "" HUP; while :; do yes noise >/dev/pts/0; done) & sleep 0.3; echo last; exit 4',
      hostPids,
    )
    const slowly = 'i=0; while [ $i -lt 400 ]; do dd bs=1k count=1 status=none; i=$((i+1)); sleep 0.005; done; cat'
    const running = start('bash', ['-c', `${LINE(made)} > >((${slowly}) | tail -c 1); echo code $?`], {
      timeout: 30_000,
    })
    await until('end', () => running.stdout().includes('code 4'), 20_000)
    await running.done
  })

  test('may close the terminal and open it again', async () => {
    const made = await withTerminal(
      'echo ready; exec </dev/null >/dev/null 2>&1; sleep 1; echo again >/dev/pts/0; sleep 0.2; echo last >/dev/console',
    )
    const running = startRun(made)
    await ready(running)
    const before = cpuTime(running.pid)
    expect((await running.done).stdout).toBe('ready\nagain\nlast\n')
    if (TIMING) expect(before).toBeLessThan(1000)
  })

  test('that become orphans are reaped', async () => {
    const made = await withTerminal('for i in 1 2 3 4 5; do (true & ) ; done; echo ready; sleep 1000', hostPids)
    const running = startRun(made)
    await ready(running)
    const { pid } = await state(made.id)
    await until('no zombie', () => {
      const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim()
      return children === String(pid)
    })
    await must(['kill', made.id, 'KILL'])
    await running.done
  })

  test('get no SIGURG', async () => {
    const made = await withTerminal(`trap 'echo urg' URG; trap 'exit 0' TERM; echo ready; ${LOOP}`)
    const running = startRun(made)
    await ready(running)
    running.child.kill('SIGURG')
    await new Promise((done) => setTimeout(done, 100))
    running.child.kill('SIGTERM')
    expect((await running.done).stdout).toBe('ready\n')
  })
})

describe.runIf(requires('root'))('fds that were handed on', () => {
  test('are the container’s alone: when it closes them they are closed', async () => {
    const made = await bundle('echo text >&3; exec 3>&-; sleep 1000')
    await exec('mkfifo', [`${made.path}/fifo`])
    const running = start('sh', [
      '-c',
      `exec ${LINE(made).replace(' run ', ' run --preserve-fds 1 ')} 3<>${made.path}/fifo`,
    ])
    expect((await exec('cat', [`${made.path}/fifo`])).stdout).toBe('text\n')
    await must(['kill', made.id, 'KILL'])
    await running.done
  })
})
