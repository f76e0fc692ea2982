/** Standard streams and file descriptors: what the container gets, and above all what not. */
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, containerOutput, create, run, startRun } from '../support/bundle.ts'
import { start } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { startProbe } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { must, stateRoot, untilStatus } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'

/** Numbers and targets of the open fds, without that of the listing itself. */
const LIST = 'for i in /proc/self/fd/*; do echo "${i##*/} $(readlink $i)"; done'
const NUMBERS = 'echo /proc/self/fd/*'

/** fds of files with this text, closed at the end. */
function files(count: number): number[] {
  mkdirSync(scratch(), { recursive: true })
  return Array.from({ length: count }, (_, i) => {
    writeFileSync(`${scratch()}/file${i + 3}`, `text ${i + 3}\n`)
    const fd = openSync(`${scratch()}/file${i + 3}`, 'r')
    atEnd(() => closeSync(fd))
    return fd
  })
}

describe.runIf(requires('root'))('standard streams', () => {
  test('are the caller’s: input to its end, output, errors', async () => {
    const made = await bundle('cat; echo error >&2')
    const text = 'line\n'.repeat(50_000)
    expect(await run(made, { stdin: text })).toEqual({ code: 0, signal: null, stdout: text, stderr: 'error\n' })
  })

  test('may be files, and are passed on by create', async () => {
    const made = await bundle('echo hello; readlink /proc/self/fd/0')
    await create(made)
    await must(['start', made.id])
    await untilStatus(made.id, 'stopped')
    expect(containerOutput(made)).toMatch(/^hello\n.*null\n$/)
  })

  test('may be closed', async () => {
    const made = await bundle('echo /proc/self/fd/* >/etc/fds')
    made.configure((config) => {
      config.root.readonly = false
    })
    const line = `exec ${RUNTIME} --root ${stateRoot()} run -b ${made.path} ${made.id} <&- >&- 2>&-`
    const { code } = await start('sh', ['-c', line]).done
    expect(code).toBe(0)
  })

  test('that are pipes belong to the user of the process, and can be opened anew', async () => {
    const made = await bundle((config) => {
      config.process.user = { uid: 1000, gid: 1000 }
      config.process.args = ['/bin/sh', '-c', 'echo by name >/dev/stdout; echo error >/dev/stderr; cat /dev/stdin']
    })
    // Real pipes: what Node makes of "pipe" are sockets, which have no name to be opened by.
    const line = `echo input | ${RUNTIME} --root ${stateRoot()} run -b ${made.path} ${made.id} 2>&1 | cat`
    expect((await start('sh', ['-c', line]).done).stdout).toBe('by name\nerror\ninput\n')
  })

  test('that are a device of the host do not change their owner', async () => {
    const before = statSync('/dev/null')
    const made = await bundle((config) => {
      config.process.user = { uid: 1000, gid: 1000 }
      config.process.args = ['/bin/true']
    })
    const line = `exec ${RUNTIME} --root ${stateRoot()} run -b ${made.path} ${made.id} </dev/null >/dev/null 2>/dev/null`
    expect((await start('sh', ['-c', line]).done).code).toBe(0)
    expect([statSync('/dev/null').uid, statSync('/dev/null').mode]).toEqual([before.uid, before.mode])
  })

  test('end when the container has ended, in the foreground', async () => {
    const made = await bundle('echo one; exec >&-; sleep 0.3')
    const { code, stdout } = await run(made)
    expect([code, stdout]).toEqual([0, 'one\n'])
  })

  test('carry ten megabytes to a slow reader', async () => {
    const running = startRun(await bundle('head -c 10000000 /dev/zero | tr "\\0" x'))
    running.child.stdout?.pause()
    setTimeout(() => running.child.stdout?.resume(), 300)
    expect((await running.done).stdout.length).toBe(10_000_000)
  })
})

describe.runIf(requires('root'))('other file descriptors', () => {
  test('of the caller are not passed on, whatever it left open', async () => {
    const made = await bundle(NUMBERS)
    const line = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
    const { stdout } = await (await startProbe(['hostile', ...line])).done
    expect(stdout).toBe('/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n')
  })

  test('of the runtime are not passed on, on any way to a process', async () => {
    const shown = '/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n'
    const made = await bundle(NUMBERS)
    expect((await run(made)).stdout).toBe(shown)
    await create(made, { fds: files(4) })
    await must(['start', made.id])
    await untilStatus(made.id, 'stopped')
    expect(containerOutput(made)).toBe(shown)
  })

  test.each([1, 5])('%i are passed on with --preserve-fds, in their places, and no more', async (count) => {
    const made = await bundle(`${LIST}; for i in 3 4 5 6 7; do [ -e /proc/self/fd/$i ] && cat <&$i; done; true`)
    const { code, stdout } = await run(made, { args: ['--preserve-fds', `${count}`], fds: files(7) })
    expect(code).toBe(0)
    const numbers = stdout.split('\n').flatMap((line) => (/^\d+ .*(file\d)$/.test(line) ? [line.split(' ')[0]] : []))
    expect(numbers).toEqual(Array.from({ length: count }, (_, i) => `${i + 3}`))
    expect(stdout.match(/^text \d$/gm)).toEqual(Array.from({ length: count }, (_, i) => `text ${i + 3}`))
  })

  test('are passed on by create and start as well', async () => {
    const made = await bundle('cat <&3; cat <&4')
    await create(made, { args: ['--preserve-fds', '2'], fds: files(3) })
    await must(['start', made.id])
    await untilStatus(made.id, 'stopped')
    expect(containerOutput(made)).toBe('text 3\ntext 4\n')
  })

  test('that are to be kept must be open', async () => {
    const made = await bundle(['/bin/true'])
    const { code, stderr } = await run(made, { args: ['--preserve-fds', '3'], fds: files(1) })
    expect(code).toBe(1)
    expect(stderr).toMatch(/preserved-fd 4 \(of 3\)/)
    expect(readFileSync(`${scratch()}/file3`, 'utf8')).toBe('text 3\n')
  })
})
