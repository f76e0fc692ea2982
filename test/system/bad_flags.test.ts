/** A bad command line, and what it names: ids, roots, logs, pid files, console sockets. One clear line, nothing left. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { attack } from '../support/attacker.ts'
import { bundle, create, run } from '../support/bundle.ts'
import { exec, output } from '../support/exec.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME } from '../support/place.ts'
import { startProbe } from '../support/probe.ts'
import { refused, refusedLine, stateEntries } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { davit, stateRoot } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const applets = ['sh', 'true', 'sleep']

const LINES: readonly (readonly [name: string, args: readonly string[], says: string])[] = [
  ['an unknown verb', ['frobnicate'], 'frobnicate'],
  ['an unknown global flag', ['--moon', 'list'], 'moon'],
  ['an unknown flag', ['run', '--moon', 'x'], 'moon'],
  ['a flag without its value', ['run', '--bundle'], 'bundle'],
  ['a number that is none', ['run', '--preserve-fds', 'many', 'x'], 'preserve-fds'],
  ['too few words', ['state'], ''],
  ['too many words', ['state', 'a', 'b'], ''],
  ['an unknown log format', ['--log-format', 'xml', 'list'], 'log-format'],
]

const IDS = ['', '.', '..', '../x', 'a/b', '/abs', 'a b', 'a\nb', 'a\x1b[31m', 'ü', 'a*', 'x'.repeat(1025)]

describe.runIf(requires('root'))('bad command lines', () => {
  test.each(LINES)('%s', async (_, args, says) => {
    const { code, stdout, stderr } = await davit(args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^davit: [^\n]+\n$/)
    expect(stderr).toContain(says)
  })

  test.each(IDS.map((id) => [id.slice(0, 20), id]))('the id %j', async (_, id) => {
    const made = await bundle(['true'], { applets })
    for (const args of [
      ['run', '--bundle', made.path, id],
      ['state', id],
      ['delete', '--force', id],
      ['start', id],
    ]) {
      expect(await refusedLine(args)).toMatch(/container id cannot be empty|invalid container id format/)
    }
    expect(stateEntries()).toEqual([])
    expect(readdirSync(scratch()).filter((name) => name !== 'root' && !name.startsWith('t'))).toEqual(
      expect.not.arrayContaining(['x', 'a', 'abs']),
    )
  })

  test('an id in use, whatever its container does', async () => {
    const made = await bundle(['sleep', '60'], { applets })
    await create(made)
    for (const verb of ['create', 'run'] as const) {
      const line = [verb, '--bundle', made.path, made.id]
      expect(await refusedLine(line)).toContain(`container with given ID already exists: ${made.id}`)
    }
    // The one that was there is whole.
    expect(await davit(['start', made.id])).toMatchObject({ code: 0 })
    expect(await davit(['state', made.id])).toMatchObject({ code: 0 })
  })

  test.each(['state', 'start', 'kill', 'delete'])('%s of a container that is not there', async (verb) => {
    expect(await refusedLine([verb, 'nobody'])).toContain('container does not exist: nobody')
  })

  test('the root is a file, or below one', async () => {
    const made = await bundle(['true'], { applets })
    const file = `${scratch()}/file`
    writeFileSync(file, 'mine')
    for (const root of [file, `${file}/x`]) {
      expect(await refused(made, { global: ['--root', root] })).toContain('not a directory')
    }
    expect(readFileSync(file, 'utf8')).toBe('mine')
  })

  test('a full disk at each write of the state', async () => {
    const root = `${scratch()}/tiny`
    mkdirSync(root)
    await output('mount', ['-t', 'tmpfs', '-o', 'size=4k,nr_inodes=6', 'tmpfs', root])
    atEnd(async () => void (await output('umount', [root])))
    const made = await bundle(['true'], { applets })
    const said = await refused(made, { global: ['--root', root] })
    expect(said).toContain('no space left on device')
    expect(stateEntries(root)).toEqual([])
  })

  test('a log that cannot be opened', async () => {
    const { code, stderr } = await davit(['--log', '/no/such/folder/log', 'list'])
    expect({ code, stderr }).toMatchObject({ code: 1 })
    expect(stderr).toMatch(/^davit: --log: open "\/no\/such\/folder\/log": no such file or directory\n$/)
  })

  test('a pid file in a folder that is not there', async () => {
    const made = await bundle(['sleep', '60'], { applets })
    for (const verb of ['create', 'run'] as const) {
      const said = await refused(made, { verb, args: ['--pid-file', `${made.path}/none/pid`] })
      expect(said).toMatch(/^write pid file: .*none.*no such file or directory$/)
    }
  })

  test('no pid file stays of a container that failed after it was written', async () => {
    const made = await bundle(['/bin/junk'], { applets })
    writeFileSync(`${made.rootfs}/bin/junk`, 'no program', { mode: 0o755 })
    expect(await refused(made, { args: ['--pid-file', `${made.path}/pid`] })).toContain('exec format error')
    expect(readdirSync(made.path).sort()).toEqual(['config.json', 'rootfs'])
  })

  test("a pid file's temporary name that leads elsewhere is not followed", async () => {
    const made = await bundle(['true'], { applets })
    const victim = `${scratch()}/victim`
    writeFileSync(victim, 'precious')
    symlinkSync(victim, `${made.path}/.pid`)
    expect(await run(made, { args: ['--pid-file', `${made.path}/pid`] })).toMatchObject({ code: 0 })
    expect(readFileSync(victim, 'utf8')).toBe('precious')
    expect(readFileSync(`${made.path}/pid`, 'utf8')).toMatch(/^\d+$/)
  })

  test('an fd to preserve that is not open: none of ours is taken for it', async () => {
    const made = await bundle(['true'], { applets })
    const line = ['run', '--bundle', made.path, '--preserve-fds', '2', made.id]
    expect(await refusedLine(line)).toBe('please check that preserved-fd 3 (of 2) is present: bad file descriptor')
    const one = openSync('/dev/null', 'r')
    const said = await refusedLine(line, { fds: [one] })
    closeSync(one)
    expect(said).toBe('please check that preserved-fd 4 (of 2) is present: bad file descriptor')
  })
})

describe.runIf(requires('root'))('console sockets', () => {
  const terminal = () =>
    bundle((config) => Object.assign(config.process, { terminal: true, args: ['sleep', '60'] }), { applets })

  test('a terminal and nobody to give it to', async () => {
    const made = await terminal()
    const said = 'cannot allocate tty if davit will detach without setting console socket'
    expect(await refused(made, { verb: 'create' })).toBe(said)
    expect(await refused(made, { args: ['--detach'] })).toBe(said)
  })

  test('a socket and no terminal, or no need for one', async () => {
    const socket = ['--console-socket', `${scratch()}/none`]
    const said = 'cannot use console socket if davit will not detach or allocate tty'
    expect(await refused(await bundle(['true'], { applets }), { verb: 'create', args: socket })).toBe(said)
    expect(await refused(await terminal(), { args: socket })).toBe(said)
  })

  test('a socket that is not there, is none, or has nobody behind it', async () => {
    const made = await terminal()
    writeFileSync(`${scratch()}/file`, '')
    // The listener's file outlives it.
    const dead = await startProbe(['console', `${scratch()}/dead`])
    await until('console socket', () => existsSync(`${scratch()}/dead`))
    dead.child.kill('SIGKILL')
    await dead.done
    for (const [name, why] of [
      ['none', 'no such file or directory'],
      ['file', 'socket operation on non-socket'],
      ['dead', 'connection refused'],
    ]) {
      const path = `${scratch()}/${name}`
      const said = await refused(made, { verb: 'create', args: ['--console-socket', path] })
      expect(said).toContain(`console socket "${path}"`)
      expect(said).toContain(why)
    }
  })

  test('a socket that does not answer: nobody takes what is offered', async () => {
    const made = await terminal()
    const path = `${scratch()}/full`
    await attack('full', 'backlog', path)
    const start = Date.now()
    const said = await refused(made, { verb: 'create', args: ['--console-socket', path] })
    expect(said).toContain(`console socket "${path}"`)
    expect(Date.now() - start).toBeLessThan(patience(15_000))
  })

  test('a socket whose reader leaves before the terminal comes', async () => {
    const made = await terminal()
    const path = `${scratch()}/brief`
    const server = createServer((connection) => connection.destroy()).listen(path)
    atEnd(() => void server.close())
    await until('the socket', () => existsSync(path))
    const said = await refused(made, { verb: 'create', args: ['--console-socket', path] })
    expect(said).toMatch(/console socket.*(broken pipe|connection reset)/)
  })
})

test('help and version need no state, no /proc of ours, no root', async () => {
  for (const flag of ['--version', '--help']) {
    const { code, stderr } = await exec(RUNTIME, ['--root', `${stateRoot()}/none`, flag], { env: {} })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  }
  expect(existsSync(stateRoot())).toBe(false)
})
