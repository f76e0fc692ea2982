/** Terminals: by console socket, and in the foreground of run. */
import { lstatSync, mkdirSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, create, run, startRun, tryCreate } from '../support/bundle.ts'
import { exec, type Running } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { receiveConsole, startProbe } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { must, stateRoot, untilStatus } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const withTerminal = (script: string, change: (config: Config) => void = () => {}) =>
  bundle((config) => {
    config.process.terminal = true
    config.process.args = ['/bin/sh', '-c', script]
    change(config)
  })

/** Creates with a console socket; the program that received the terminal. */
async function createWithSocket(made: Bundle, socket = `${made.path}/console`): Promise<Running> {
  const receiver = await receiveConsole(socket)
  await create(made, { args: ['--console-socket', socket] })
  return receiver
}

/** `davit run` on a terminal of 24 x 80. */
function runOnTerminal(made: Bundle, args: readonly string[] = []): Promise<Running> {
  const line = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, ...args, made.id]
  return startProbe(['pty', '24', '80', ...line])
}

const lines = (running: Running) => running.stdout().replaceAll('\r', '')

describe.runIf(requires('root'))('a terminal by console socket', () => {
  test('is the controlling terminal, of the size asked for, and /dev/console', async () => {
    const script =
      'tty; stty size; probe tty; stat -c "%F %t:%T" /dev/console /dev/pts/0; ls -1 /dev/pts; [ -t 1 ] && [ -t 2 ]; echo $?'
    const made = await withTerminal(script, (config) => {
      config.process.consoleSize = { height: 33, width: 99 }
    })
    const receiver = await createWithSocket(made)
    await must(['start', made.id])
    await untilStatus(made.id, 'stopped')
    const { code } = await receiver.done
    expect(code).toBe(0)
    expect(lines(receiver)).toBe(
      [
        'listening',
        'console /dev/ptmx 33x99 end',
        '/dev/pts/0',
        '33 99',
        'tty=/dev/pts/0 leader=0 ctty=1 foreground=1',
        'character special file 88:0',
        'character special file 88:0',
        '0',
        'ptmx',
        '0\n',
      ].join('\n'),
    )
  })

  test('carries input, and its signals', async () => {
    const made = await withTerminal(
      'trap "echo int; exit 3" INT; echo ready; while :; do read x && echo "got $x"; done',
    )
    const receiver = await createWithSocket(made)
    await must(['start', made.id])
    await until('ready', () => lines(receiver).includes('ready'))
    receiver.write('hello\n')
    await until('echo', () => lines(receiver).includes('got hello'))
    receiver.write('\x03')
    await until('interrupt', () => lines(receiver).includes('int\n'))
    await untilStatus(made.id, 'stopped')
  })

  test('hangs up on the container when the engine closes it', async () => {
    // The first process of a pid namespace gets only the signals that it handles.
    const made = await withTerminal('trap "exit 0" HUP; echo ready; while :; do sleep 0.05; done')
    const receiver = await createWithSocket(made)
    await must(['start', made.id])
    await until('ready', () => lines(receiver).includes('ready'))
    receiver.child.kill('SIGKILL')
    await untilStatus(made.id, 'stopped')
  })

  test('belongs to the user of the process', async () => {
    const made = await withTerminal('stat -c "%u %a" /dev/pts/0 /dev/console; echo x >/dev/tty; id -u', (config) => {
      config.process.user = { uid: 1000, gid: 1000 }
    })
    const receiver = await createWithSocket(made)
    await must(['start', made.id])
    await receiver.done
    expect(lines(receiver)).toMatch(/\n1000 620\n1000 620\nx\n1000\n$/)
  })

  test('works in a user namespace', async () => {
    const made = await withTerminal('tty; stat -c "%u" /dev/pts/0; ls -l /dev/console | cut -c1', (config) => {
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      config.root.readonly = false
    })
    await exec('chown', ['-R', '-h', '100000:100000', made.rootfs])
    const receiver = await createWithSocket(made)
    await must(['start', made.id])
    await receiver.done
    expect(lines(receiver)).toMatch(/\n\/dev\/pts\/0\n0\nc\n$/)
  })

  test('reaches a socket with a path longer than addresses are', async () => {
    const made = await withTerminal('echo here')
    const deep = `${made.path}/${'d'.repeat(100)}/${'e'.repeat(60)}`
    mkdirSync(deep, { recursive: true })
    const receiver = await createWithSocket(made, `${deep}/console.sock`)
    await must(['start', made.id])
    await receiver.done
    expect(lines(receiver)).toMatch(/\nhere\n$/)
  })

  test('is made without a mount of /dev, and leaves no node of it in the image', async () => {
    const made = await withTerminal('tty', (config) => {
      config.root.readonly = false
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev')
    })
    const receiver = await createWithSocket(made)
    await must(['start', made.id])
    await receiver.done
    expect(lines(receiver)).toMatch(/\n\/dev\/pts\/0\n$/)
    expect(lstatSync(`${made.rootfs}/dev/console`).isFile()).toBe(true)
  })

  test('is demanded when nobody else can have it, and refused when nobody wants it', async () => {
    const made = await withTerminal('true')
    expect((await tryCreate(made)).stderr).toMatch(
      /cannot allocate tty if .* will detach without setting console socket/,
    )
    made.configure((config) => {
      config.process.terminal = false
    })
    const { stderr } = await tryCreate(made, { args: ['--console-socket', '/nowhere'] })
    expect(stderr).toMatch(/cannot use console socket if .* will not detach or allocate tty/)
  })
})

describe.runIf(requires('root'))('a terminal in the foreground', () => {
  test('is raw outside while the container runs, and as before afterwards', async () => {
    const made = await withTerminal('echo ready; read x; echo "got $x"; exit 7')
    const running = await runOnTerminal(made)
    await until('ready', () => lines(running).includes('ready'))
    running.child.kill('SIGUSR2')
    await until('settings', () => running.stderr().includes('now'))
    running.write('text\r')
    const { stderr } = await running.done
    expect(lines(running)).toMatch(/^ready\ntext\ngot text\n$/)
    expect(stderr).toMatch(/^now echo=0 icanon=0 isig=0/)
    expect(stderr).toMatch(/\nafter echo=1 icanon=1 isig=1 opost=1\nend 7\n$/)
  })

  test('has the size of the caller’s, and follows it', async () => {
    const made = await withTerminal(
      'stty size; trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.05; done',
    )
    const running = await runOnTerminal(made)
    await until('ready', () => lines(running).includes('ready'))
    running.child.kill('SIGUSR1')
    await running.done
    expect(lines(running)).toBe('24 80\nready\n50 132\n')
  })

  test('hands on the keys that make signals', async () => {
    const made = await withTerminal('trap "echo int; exit 5" INT; echo ready; while :; do sleep 0.05; done')
    const running = await runOnTerminal(made)
    await until('ready', () => lines(running).includes('ready'))
    running.write('\x03')
    const { stderr } = await running.done
    expect(stderr).toMatch(/end 5\n$/)
    expect(lines(running)).toMatch(/int\n$/)
  })

  test('is restored when the container is killed, and when its start fails', async () => {
    const made = await withTerminal('echo ready; sleep 1000')
    const running = await runOnTerminal(made)
    await until('ready', () => lines(running).includes('ready'))
    await must(['kill', made.id, 'KILL'])
    expect((await running.done).stderr).toMatch(/after echo=1 icanon=1 isig=1 opost=1\nend 137\n$/)

    const failing = await withTerminal('true', (config) => {
      config.process.args = ['/not/there']
    })
    expect((await (await runOnTerminal(failing)).done).stderr).toMatch(/after echo=1 icanon=1 isig=1 opost=1\nend 1\n$/)
  })

  test('brings out all of a long output', async () => {
    const made = await withTerminal('seq 1 20000')
    const running = await runOnTerminal(made)
    await running.done
    expect(lines(running)).toBe(Array.from({ length: 20000 }, (_, i) => `${i + 1}\n`).join(''))
  })

  test('is made when the caller has none, with input from a file or pipe', async () => {
    const made = await withTerminal('tty; read x; echo "got $x"')
    const running = startRun(made, { stdin: '' })
    await until('start', () => lines(running).includes('pts'))
    running.write('line\n')
    await until('output', () => lines(running).includes('got line'))
    running.closeInput()
    const { code } = await running.done
    expect(code).toBe(0)
    expect(lines(running)).toBe('/dev/pts/0\nline\ngot line\n')
  })

  test('leaves no terminal of the container on the host', async () => {
    const before = statSync('/dev/pts').nlink
    await run(await withTerminal('true'))
    expect(statSync('/dev/pts').nlink).toBe(before)
  })
})
