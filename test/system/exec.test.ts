/** exec: as engines call it, how it ends, what it refuses. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, create, createStart } from '../support/bundle.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { processCgroups, processStatus } from '../support/kernel.ts'
import { patience } from '../support/pace.ts'
import { receiveConsole } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { davit, must, startDavit, state, untilStatus } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['sleep', '1000']

async function sleeper(): Promise<Bundle> {
  const made = await bundle(SLEEP)
  await createStart(made)
  return made
}

/** A process file as engines write them. */
function processFile(made: Bundle, change: object): string {
  const path = `${made.path}/process.json`
  writeFileSync(
    path,
    JSON.stringify({ cwd: '/', args: ['true'], env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, ...change }),
  )
  return path
}

const failed = (words: string | RegExp) => ({ code: 255, stdout: '', stderr: expect.stringMatching(words) })

describe.runIf(requires('root'))('exec', () => {
  test('runs a process in the container, its streams those of the caller', async () => {
    const made = await sleeper()
    const { code, stdout, stderr } = await execIn(made.id, 'cat; hostname; ls -d /bin/probe; echo err >&2', [], {
      stdin: 'in\n',
    })
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `in\n${made.config.hostname}\n/bin/probe\n`,
      stderr: 'err\n',
    })
  })

  test('passes the exit code on, and death by a signal as 128 and its number', async () => {
    const made = await sleeper()
    for (const code of [0, 1, 3, 125, 126, 127, 254, 255])
      expect(await execIn(made.id, `exit ${code}`)).toMatchObject({ code })
    for (const signal of [1, 9, 15]) {
      expect(await execIn(made.id, `kill -${signal} $$`)).toMatchObject({ code: 128 + signal, signal: null })
    }
  })

  test('takes everything after the id for the command, flags of its own too', async () => {
    const made = await sleeper()
    const words = ['--user', '7', '-e', 'A=1', '--', '-d', '']
    expect(await outputIn(made.id, ['printf', '%s\\n', ...words])).toBe(`${words.join('\n')}\n`)
    // "--" before it ends davit's flags.
    const { stdout } = await davit(['exec', '--', made.id, 'echo', 'x'])
    expect(stdout).toBe('x\n')
  })

  test('ends as soon as the process has, 300 times', { timeout: patience(120_000) }, async () => {
    const made = await sleeper()
    for (let i = 0; i < 300; i++) {
      const { code, stderr } = await execIn(made.id, ['true'])
      expect({ i, code, stderr }).toEqual({ i, code: 0, stderr: '' })
    }
    // Nothing of them is left in the container.
    expect((await outputIn(made.id, 'ls -d /proc/[0-9]* | wc -l')).trim()).toMatch(/^[34]$/)
  })

  test('forwards signals to the process', async () => {
    const made = await sleeper()
    const running = startDavit([
      'exec',
      made.id,
      'sh',
      '-c',
      'trap "echo got it; exit 5" USR1; echo ready; while :; do sleep 0.05; done',
    ])
    await until('ready', () => running.stdout().includes('ready'))
    running.child.kill('SIGUSR1')
    expect(await running.done).toMatchObject({ code: 5, stdout: 'ready\ngot it\n' })
  })

  test('is killed with the container, and says by what', async () => {
    const made = await sleeper()
    const running = startDavit(['exec', made.id, 'sh', '-c', 'echo ready; sleep 1000'])
    await until('ready', () => running.stdout().includes('ready'))
    await must(['kill', made.id, 'KILL'])
    expect(await running.done).toMatchObject({ code: 137 })
  })
})

describe.runIf(requires('root'))('exec as engines call it', () => {
  test('containerd: --process --detach --pid-file', async () => {
    const made = await sleeper()
    const pidFile = `${made.path}/exec.pid`
    const file = processFile(made, { args: ['sh', '-c', 'echo hello; exec sleep 1000'] })
    const output = `${made.path}/exec.out`
    const args = ['--log', `${made.path}/log.json`, '--log-format', 'json', 'exec']
    const { code } = await davit([...args, '--process', file, '--detach', '--pid-file', pidFile, made.id], { output })
    expect(code).toBe(0)
    const pid = Number(readFileSync(pidFile, 'utf8'))
    expect(readFileSync(pidFile, 'utf8')).toBe(`${pid}`)
    await until('hello', () => readFileSync(output, 'utf8') === 'hello\n')
    await until('exec', () => processStatus(pid).Name === 'sleep')
    // It is in the container's cgroups, and the child of whoever takes orphans: davit is gone.
    const { pid: init } = await state(made.id)
    expect(processCgroups(pid)).toEqual(processCgroups(init))
    expect(processStatus(pid).PPid).not.toBe('0')
    expect(readFileSync(`${made.path}/log.json`, 'utf8')).toBe('')
  })

  test('conmon: --pid-file --process --detach --tty --console-socket', async () => {
    const made = await sleeper()
    const socket = `${made.path}/console`
    const receiver = await receiveConsole(socket)
    const file = processFile(made, {
      args: ['sh', '-c', 'tty; probe tty; id -u; read x; echo got $x'],
      terminal: true,
      consoleSize: { height: 31, width: 97 },
      user: { uid: 1000, gid: 1000 },
    })
    const flags = ['--pid-file', `${made.path}/pid`, '--process', file, '--detach', '--tty', '--console-socket', socket]
    const { code } = await davit(['exec', ...flags, made.id], { output: `${made.path}/exec.out` })
    expect(code).toBe(0)
    await until('the question', () => receiver.stdout().includes('\n1000\r\n'))
    receiver.write('hello\n')
    await receiver.done
    expect(receiver.stdout().replaceAll('\r', '')).toBe(
      'listening\nconsole /dev/ptmx 31x97 end\n/dev/pts/0\ntty=/dev/pts/0 leader=0 ctty=1 foreground=1\n1000\nhello\ngot hello\n',
    )
  })

  test('the pid file is there, whole, before the process begins', async () => {
    const made = await bundle(SLEEP)
    made.configure(({ mounts }) => {
      mounts.push({ destination: '/tmp', source: made.path, type: 'bind', options: ['bind'] })
    })
    await createStart(made)
    for (let i = 0; i < 10; i++) {
      expect(await outputIn(made.id, `cat /tmp/pid${i}`, ['--pid-file', `${made.path}/pid${i}`])).toMatch(/^\d+$/)
    }
  })
})

describe.runIf(requires('root'))('exec that cannot be', () => {
  test('a program that is not there, or none, in the words that engines match', async () => {
    const made = await sleeper()
    const start = 'davit: exec failed: unable to start container process: '
    expect(await execIn(made.id, ['nosuch'])).toMatchObject(
      failed(`^${start}exec: "nosuch": executable file not found in \\$PATH\n$`),
    )
    expect(await execIn(made.id, ['/no/such'])).toMatchObject(
      failed(`^${start}exec: "/no/such": stat /no/such: no such file or directory\n$`),
    )
    expect(await execIn(made.id, ['/etc/passwd'])).toMatchObject(
      failed(`^${start}exec: "/etc/passwd": permission denied\n$`),
    )
    expect(await execIn(made.id, ['true'], ['--cwd', '/no'])).toMatchObject(
      failed(/chdir to cwd \("\/no"\).*no such file or directory\n$/),
    )
  })

  test('no command, no container, wrong flags', async () => {
    const made = await sleeper()
    expect(await davit(['exec', made.id])).toMatchObject(failed('^davit: exec failed: process args cannot be empty\n$'))
    expect(await execIn('nosuch', ['true'])).toMatchObject(
      failed('^davit: exec failed: container does not exist: nosuch\n$'),
    )
    // The command line itself: 1, as runc has it.
    expect(await davit(['exec'])).toMatchObject({ code: 1, stderr: 'davit: exec: missing <id>\n' })
    expect(await davit(['exec', '--nosuch', made.id, 'true'])).toMatchObject({
      code: 1,
      stderr: 'davit: exec: unknown flag --nosuch\n',
    })
  })

  test('a terminal that nobody would have, a console socket without one', async () => {
    const made = await sleeper()
    expect(await execIn(made.id, ['true'], ['-t', '-d'])).toMatchObject(
      failed('cannot allocate tty if davit will detach without setting console socket'),
    )
    expect(await execIn(made.id, ['true'], ['--console-socket', '/x'])).toMatchObject(
      failed('cannot use console socket if davit will not detach or allocate tty'),
    )
    expect(await execIn(made.id, ['true'], ['-t', '-d', '--console-socket', '/nosuch/x'])).toMatchObject(
      failed('console socket "/nosuch/x": .*no such file or directory'),
    )
  })

  test('a container that is stopped', async () => {
    const made = await sleeper()
    await must(['kill', made.id, 'KILL'])
    await untilStatus(made.id, 'stopped')
    expect(await execIn(made.id, ['true'])).toMatchObject(
      failed('^davit: exec failed: cannot exec in a stopped container\n$'),
    )
  })

  test('a container that is paused, unless told to', async () => {
    const made = await sleeper()
    await must(['pause', made.id])
    expect(await execIn(made.id, ['true'])).toMatchObject(
      failed('^davit: exec failed: cannot exec in a paused container \\(use --ignore-paused to override\\)\n$'),
    )
    const waiting = startDavit(['exec', '--ignore-paused', made.id, 'echo', 'thawed'])
    await new Promise((done) => setTimeout(done, 300))
    expect(waiting.stdout()).toBe('')
    await must(['resume', made.id])
    expect(await waiting.done).toMatchObject({ code: 0, stdout: 'thawed\n' })
  })

  test('in a container that is created but not started it can', async () => {
    const made = await bundle(SLEEP)
    await create(made)
    expect(await outputIn(made.id, 'hostname')).toBe(`${made.config.hostname}\n`)
    await untilStatus(made.id, 'created')
    await must(['start', made.id])
    await untilStatus(made.id, 'running')
  })

  test('leaves no pid file of a process that did not begin', async () => {
    const made = await sleeper()
    writeFileSync(`${made.rootfs}/bin/bad`, 'not a program', { mode: 0o755 })
    // Found and allowed, so that only exec itself refuses it, after the pid file was written.
    expect(await execIn(made.id, ['/bin/bad'], ['--pid-file', `${made.path}/pid`])).toMatchObject(
      failed(/exec format error/),
    )
    expect(existsSync(`${made.path}/pid`)).toBe(false)
    expect(await execIn(made.id, ['true'], ['--pid-file', `${made.path}/no/pid`])).toMatchObject(
      failed(/write pid file/),
    )
    expect(statSync(made.path).isDirectory()).toBe(true)
  })
})
