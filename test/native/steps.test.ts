import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { closeFd } from '../../src/ffi/file.ts'
import { connectUnix, listenUnix, receive, send } from '../../src/host/socket.ts'
import { O_DIRECTORY, O_PATH, O_RDWR } from '../../src/kernel/files.ts'
import { reportWords } from '../../src/lifecycle/words.ts'
import type { ChildStep } from '../../src/plan/step.ts'
import { TAGS } from '../../src/plan/tags.ts'
import { decodeReport, encodeAnswer, type Report } from '../../src/wire/decode.ts'
import { encodePlan } from '../../src/wire/encode.ts'
import { WIRE } from '../../src/wire/ops.ts'
import { requires } from '../support/requires.ts'
import { ARCH, directoryFd, EXECUTORS, type Executor, type Options, place, runAlone, runPlan } from './executor.ts'

const ROOT = 1
const SLOT = 20
let root = -1

beforeEach(() => {
  mkdirSync(`${place()}/root`)
  root = directoryFd(`${place()}/root`)
})
afterEach(() => closeFd(root))

/** Runs steps with the test's root directory in slot 1; the sanitizers must be silent. */
function run(executor: Executor, init: readonly ChildStep[], more: Options = {}) {
  const result = runPlan(init, { executor, ...more, slots: { [ROOT]: root, ...more.slots } })
  expect(result.stderr).toBe('')
  return result
}

const inRoot = (path: string) => `${place()}/root/${path}`
const umask: ChildStep = { kind: 'umask', mask: 0 }
const makePath = (path: string, type: 'directory' | 'file' = 'directory', mode = 0o755): ChildStep => {
  return { kind: 'makePath', out: SLOT, root: ROOT, path, type, mode }
}
const write = (data: string): ChildStep => ({ kind: 'writeSlot', slot: SLOT, data })
/** A mark in a file: which steps ran. */
const mark = (name: string): ChildStep => ({ kind: 'mkdir', dir: ROOT, path: name, mode: 0o700 })
const marks = (...names: readonly string[]) => names.filter((name) => existsSync(inRoot(name)))
const fail: ChildStep = { kind: 'chdir', path: '/no/such/place' }

describe.each(EXECUTORS)('%s', (executor) => {
  describe('makePath', () => {
    const thousand = Array.from({ length: 1000 }, () => 'd').join('/')
    test.each([
      ['three parts', '/a/b/c', 'a/b/c'],
      ['dots and slashes', 'a//b/./c/', 'a/b/c'],
      ['out of the root', '/../../a', 'a'],
      ['back through what is missing', '/a/../b', 'b'],
      ['the longest name', `/${'n'.repeat(255)}`, 'n'.repeat(255)],
      ['a thousand parts', `/${thousand}`, thousand],
    ])('%s', (_, path, made) => {
      expect(run(executor, [umask, makePath(path)]).failure).toBe('')
      expect(statSync(inRoot(made)).isDirectory()).toBe(true)
      expect(statSync(inRoot(made)).mode & 0o7777).toBe(0o755)
    })

    test('a file at the end, directories before it', () => {
      expect(run(executor, [umask, makePath('/a/b/f', 'file', 0o640)]).failure).toBe('')
      expect(statSync(inRoot('a/b')).isDirectory()).toBe(true)
      expect(statSync(inRoot('a/b/f')).mode).toBe(0o100640)
    })

    test('what is there stays as it is', () => {
      mkdirSync(inRoot('a'), { mode: 0o700 })
      writeFileSync(inRoot('a/f'), 'kept')
      expect(run(executor, [makePath('/a'), makePath('/a/f', 'file')]).failure).toBe('')
      expect(statSync(inRoot('a')).mode & 0o777).toBe(0o700)
      expect(readFileSync(inRoot('a/f'), 'utf8')).toBe('kept')
    })

    test.each([
      ['absolute', '/real/deep', 'real/deep/x'],
      ['relative', 'real/deep', 'real/deep/x'],
      ['upwards', '../../../../real', 'real/x'],
      ['to the host', `${process.cwd()}`, `${process.cwd().slice(1)}/x`],
      ['to a link', 'other', 'other-target/x'],
    ])('through a link to nowhere (%s), inside the root', (_, target, made) => {
      symlinkSync(target, inRoot('link'))
      symlinkSync('/other-target', inRoot('other'))
      expect(run(executor, [makePath('/link/x')]).failure).toBe('')
      expect(statSync(inRoot(made)).isDirectory()).toBe(true)
      expect(lstatSync(inRoot('link')).isSymbolicLink()).toBe(true)
    })

    test('a link to nowhere as the last part', () => {
      mkdirSync(inRoot('dir'))
      symlinkSync('../target/file', inRoot('dir/link'))
      expect(run(executor, [umask, makePath('/dir/link', 'file', 0o600)]).failure).toBe('')
      expect(statSync(inRoot('target/file')).isFile()).toBe(true)
    })

    test('links in a circle', () => {
      symlinkSync('b', inRoot('a'))
      symlinkSync('a', inRoot('b'))
      expect(run(executor, [makePath('/a/x')]).failure).toBe('init 0 ELOOP')
    })

    test('a chain of links longer than a kernel follows', () => {
      for (let i = 0; i < 60; i++) symlinkSync(i === 59 ? 'end' : `l${i + 1}`, inRoot(`l${i}`))
      expect(run(executor, [makePath('/l0')]).failure).toBe('init 0 ELOOP')
    })

    test.each([
      ['a component too long', `/${'n'.repeat(256)}`],
      ['a path too long', `/${'d/'.repeat(2200)}`],
    ])('%s', (_, path) => {
      expect(run(executor, [makePath(path)]).failure).toBe('init 0 ENAMETOOLONG')
    })

    test('a link whose target makes the path too long', () => {
      const long = Array.from({ length: 15 }, () => 'n'.repeat(250)).join('/')
      symlinkSync(long, inRoot('link'))
      expect(run(executor, [makePath(`/link/${'x/'.repeat(300)}`)]).failure).toBe('init 0 ENAMETOOLONG')
    })

    test('below a file', () => {
      writeFileSync(inRoot('f'), '')
      expect(run(executor, [makePath('/f/x')]).failure).toBe('init 0 ENOTDIR')
    })

    test('like another', () => {
      writeFileSync(inRoot('f'), '')
      const like = (path: string): readonly ChildStep[] => [
        { kind: 'open', out: 30, dir: ROOT, path, flags: O_PATH },
        { kind: 'makePath', out: SLOT, root: ROOT, path: `/made/${path}`, type: { like: 30 }, mode: 0o700 },
      ]
      mkdirSync(inRoot('d'))
      expect(run(executor, [...like('f'), ...like('d')]).failure).toBe('')
      expect(statSync(inRoot('made/f')).isFile()).toBe(true)
      expect(statSync(inRoot('made/d')).isDirectory()).toBe(true)
    })

    test('two at once make the same path', async () => {
      const deep = `/${Array.from({ length: 100 }, (_, i) => `d${i}`).join('/')}`
      const open: ChildStep = { kind: 'open', out: ROOT, dir: 'cwd', path: inRoot(''), flags: O_PATH }
      const files = Array.from({ length: 50 }, (_, i) => makePath(`${deep}/${i}/f`, 'file'))
      const ends = await Promise.all([1, 2, 3, 4].map(() => runAlone([open, ...files])))
      expect(ends).toEqual([0, 0, 0, 0])
      expect(statSync(inRoot(`${deep}/49/f`)).isFile()).toBe(true)
    })
  })

  describe('files', () => {
    test('open in-root: links stay inside, magic links are refused', () => {
      symlinkSync('/etc', inRoot('link'))
      symlinkSync('/proc/self/cwd', inRoot('magic'))
      const open = (path: string, more: object = {}): ChildStep => {
        return { kind: 'open', out: SLOT, dir: ROOT, path, flags: O_PATH, inRoot: true, ...more }
      }
      expect(run(executor, [open('link/passwd')]).failure).toBe('init 0 ENOENT')
      expect(run(executor, [open('../../../etc/passwd')]).failure).toBe('init 0 ENOENT')
      expect(run(executor, [open('link', { noLinks: true })]).failure).toBe('init 0 ELOOP')
      const host = { kind: 'open', out: 30, dir: 'cwd', path: '/', flags: O_PATH | O_DIRECTORY } as const
      expect(run(executor, [host, { ...open('/proc/self/cwd'), dir: 30 } as ChildStep]).failure).toBe('init 1 ELOOP')
    })

    test('write to a path and to a slot, in one piece', () => {
      writeFileSync(inRoot('f'), '....')
      writeFileSync(inRoot('g'), '')
      const steps: readonly ChildStep[] = [
        { kind: 'write', dir: ROOT, path: 'f', data: 'é!' },
        { kind: 'open', out: SLOT, dir: ROOT, path: 'g', flags: O_RDWR },
        write('one'),
        write('two'),
      ]
      expect(run(executor, steps).failure).toBe('')
      expect([readFileSync(inRoot('f'), 'utf8'), readFileSync(inRoot('g'), 'utf8')]).toEqual(['é!.', 'onetwo'])
      expect(run(executor, [{ kind: 'write', dir: ROOT, path: 'none', data: '' }]).failure).toBe('init 0 ENOENT')
    })

    test('verify', () => {
      const zero: ChildStep = { kind: 'open', out: SLOT, dir: 'cwd', path: '/dev/zero', flags: O_PATH }
      const verify = (is: Extract<ChildStep, { kind: 'verify' }>['is'], slot = SLOT): ChildStep => {
        return { kind: 'verify', slot, is }
      }
      expect(run(executor, [zero, verify({ char: [1, 5] })]).failure).toBe('')
      expect(run(executor, [zero, verify({ char: [1, 3] })]).failure).toBe('init 1 EILSEQ')
      expect(run(executor, [zero, verify({ char: [5, 1] })]).failure).toBe('init 1 EILSEQ')
      expect(run(executor, [zero, verify({ block: [1, 5] })]).failure).toBe('init 1 EILSEQ')
      expect(run(executor, [zero, verify('fifo')]).failure).toBe('init 1 EILSEQ')
      expect(run(executor, [zero, verify('directory')]).failure).toBe('init 1 EILSEQ')
      expect(run(executor, [verify('directory', ROOT)]).failure).toBe('')
      expect(run(executor, [verify({ char: [0, 0] }, ROOT)]).failure).toBe('init 0 EILSEQ')
      const proc: ChildStep = { kind: 'open', out: SLOT, dir: 'cwd', path: '/proc', flags: O_PATH }
      expect(run(executor, [proc, verify({ filesystem: 0x9fa0 })]).failure).toBe('')
      expect(run(executor, [proc, verify({ filesystem: 0x9fa1 })]).failure).toBe('init 1 EILSEQ')
    })

    test('a working directory that was removed is outside', () => {
      const gone: readonly ChildStep[] = [
        mark('gone'),
        { kind: 'chdir', path: inRoot('gone') },
        { kind: 'call', name: 'unlinkat', args: [{ slot: ROOT }, 'gone', 0x200] },
        { kind: 'chdir', path: '.' },
      ]
      expect(run(executor, gone).failure).toBe('init 3 EXDEV')
    })

    test('streams get their new owner only if they are of the type', () => {
      const chown = (type: number): ChildStep => ({ kind: 'chownStream', fd: 1, type, uid: 1234 })
      expect(run(executor, [chown(0o10000), mark('next')]).failure).toBe('')
      expect(statSync(`${place()}/.stdout`).uid).not.toBe(1234)
      expect(marks('next')).toEqual(['next'])
      if (process.geteuid?.() !== 0) return
      run(executor, [chown(0o100000)])
      expect(statSync(`${place()}/.stdout`).uid).toBe(1234)
    })

    test('a slot used again drops what it held; close empties it', () => {
      const open = (path: string): ChildStep => ({ kind: 'open', out: SLOT, dir: 'cwd', path, flags: 0 })
      const count: ChildStep = { kind: 'exec', args: ['sh', '-c', 'ls /proc/self/fd | wc -l'], env: [], keepFds: 0 }
      const find: ChildStep = { kind: 'findExecutable', name: 'sh', candidates: ['/bin/sh'] }
      const many = Array.from({ length: 50 }, () => open('/dev/null'))
      expect(run(executor, [...many, find, count]).stdout.trim()).toBe('4')
      const closed = run(executor, [open('/dev/null'), { kind: 'close', slot: SLOT }, write('x')])
      expect(closed.failure).toBe('init 2 EBADF')
      expect(run(executor, [{ kind: 'close', slot: 99 }]).failure).toBe('')
    })
  })

  describe('control', () => {
    test('jump', () => {
      run(executor, [mark('a'), { kind: 'jump', skip: 2 }, mark('b'), mark('c'), mark('d')])
      expect(marks('a', 'b', 'c', 'd')).toEqual(['a', 'd'])
    })

    test('a tolerated failure skips, another one ends', () => {
      const steps = [{ ...fail, tolerate: ['EACCES', 'ENOENT'], skip: 1 } as ChildStep, mark('a'), mark('b')]
      expect(run(executor, steps).failure).toBe('')
      expect(marks('a', 'b')).toEqual(['b'])
      const other = run(executor, [{ ...fail, tolerate: ['EACCES'], skip: 1 } as ChildStep, mark('c'), mark('d')])
      expect([other.failure, other.end]).toEqual(['init 0 ENOENT', 1])
      expect(marks('c', 'd')).toEqual([])
    })

    test('success does not skip', () => {
      run(executor, [{ ...mark('a'), tolerate: ['EEXIST'], skip: 1 } as ChildStep, mark('b')])
      expect(marks('a', 'b')).toEqual(['a', 'b'])
    })

    test('"if open" passes over an empty slot, and only over that', () => {
      const maybe = (slot: number): ChildStep => ({ kind: 'writeSlot', slot, data: 'x', ifOpen: true })
      expect(run(executor, [maybe(99), mark('a')]).failure).toBe('')
      expect(marks('a')).toEqual(['a'])
      expect(run(executor, [maybe(ROOT)]).failure).toBe('init 0 EBADF') // O_PATH cannot be written
      expect(run(executor, [{ kind: 'writeSlot', slot: 99, data: 'x' }]).failure).toBe('init 0 EBADF')
    })

    test('a failure names its program, step and errno, and ends the run', () => {
      const result = run(executor, [mark('a'), fail, mark('b')])
      expect(result.failure).toBe('init 1 ENOENT')
      expect(result.reports).toHaveLength(1)
      expect(result.end).toBe(1)
      expect(marks('a', 'b')).toEqual(['a'])
    })
  })

  describe('talk', () => {
    const sync = (wait: boolean): ChildStep => ({ kind: 'sync', tag: 'hooks', wait })

    test('a sync waits for its answer', () => {
      const asked: number[] = []
      const answer = (tag: number) => {
        asked.push(tag)
        return marks('before', 'after').join() === 'before' ? 0 : -22
      }
      expect(run(executor, [mark('before'), sync(true), mark('after')], { answer }).failure).toBe('')
      expect(asked).toEqual([TAGS.hooks])
      expect(marks('before', 'after')).toEqual(['before', 'after'])
    })

    test('an answer may be an error, which fails the step', () => {
      expect(run(executor, [sync(true)], { answer: () => -13 }).failure).toBe('init 0 EACCES')
    })

    test.each([
      ['of another sync', encodeAnswer(TAGS.created)],
      ['too short', encodeAnswer(TAGS.hooks).subarray(0, 7)],
    ])('an answer %s is refused', (_, answer) => {
      expect(run(executor, [sync(true)], { answer: () => answer }).failure).toBe('init 0 EPROTO')
    })

    test('a parent that is gone ends the run', () => {
      const { end } = run(executor, [sync(true), mark('a')], { answer: () => 'leave' })
      expect([end, marks('a')]).toEqual([1, []])
    })

    test('one that does not wait goes on', () => {
      const { reports, failure } = run(executor, [sync(false), mark('a')], { answer: () => 'nothing' })
      expect([failure, reports]).toEqual(['', [{ kind: 'sync', tag: TAGS.hooks }]])
    })

    test('an fd is handed over', () => {
      const { reports, failure } = run(executor, [{ kind: 'sendFd', tag: 'console', slot: ROOT }])
      expect([failure, reports]).toEqual(['', [{ kind: 'fd', tag: TAGS.console }]])
      expect(run(executor, [{ kind: 'sendFd', tag: 'console', slot: 99 }]).failure).toBe('init 0 EBADF')
    })
  })

  describe('start', () => {
    const wait: ChildStep = { kind: 'waitForStart', slot: 4 }
    const find: ChildStep = { kind: 'findExecutable', name: 'sh', candidates: ['/bin/sh'] }
    const sh = (script: string): ChildStep => ({ kind: 'exec', args: ['sh', '-c', script], env: [], keepFds: 0 })

    /** Runs until `start` is waited for, then talks to the socket. */
    function started(steps: readonly ChildStep[], talk: (path: string) => void) {
      const path = `${place()}/start`
      const listening = listenUnix(path)
      try {
        return run(executor, steps, { slots: { 4: listening }, closed: () => talk(path) })
      } finally {
        closeFd(listening)
      }
    }
    function go(path: string): Buffer {
      const peer = connectUnix(path, 'seqpacket', 5000)
      send(peer, encodeAnswer(WIRE.magic), 'start')
      const { message } = receive(peer)
      closeFd(peer)
      return message
    }

    test('waits for the word; silence then means that exec happened', () => {
      let said: Buffer | undefined
      const { end, reports } = started([find, wait, mark('started'), sh('exit 5')], (path) => {
        expect(marks('started')).toEqual([])
        said = go(path)
      })
      expect([said?.length, end, reports, marks('started')]).toEqual([0, 5, [], ['started']])
    })

    test('what fails after it is told to whoever started', () => {
      let said: Report | undefined
      const { end } = started([wait, fail], (path) => {
        said = decodeReport(go(path))
      })
      expect([said, end]).toMatchObject([{ kind: 'failed', program: 'init', record: 1, errno: 2 }, 1])
    })

    test('callers that leave, or say something else, start nothing', () => {
      const { end } = started([find, wait, sh('exit 5')], (path) => {
        closeFd(connectUnix(path, 'seqpacket', 5000))
        for (const words of [Buffer.from('hello'), encodeAnswer(WIRE.magic + 1), Buffer.alloc(100)]) {
          const peer = connectUnix(path, 'seqpacket', 5000)
          send(peer, words, 'something else')
          closeFd(peer)
        }
        go(path)
      })
      expect(end).toBe(5)
    })
  })

  describe('stage', () => {
    test('forks init, tells its pid and ends', () => {
      const stage: readonly ChildStep[] = [mark('stage'), { kind: 'fork', flags: 0 }]
      const { reports, failure, end } = run(executor, [mark('init'), fail], { stage })
      expect([failure, end]).toEqual(['init 1 ENOENT', 1])
      expect(reports.filter(({ kind }) => kind === 'child')).toHaveLength(1)
      expect(marks('stage', 'init')).toEqual(['stage', 'init'])
    })

    test('its failures are its own', () => {
      const stage: readonly ChildStep[] = [mark('stage'), fail, { kind: 'fork', flags: 0 }]
      const { reports, failure } = run(executor, [mark('init')], { stage })
      expect(failure).toBe('stage 1 ENOENT')
      expect(reports).toHaveLength(1)
      expect(marks('init')).toEqual([])
    })

    test('slots go on to init', () => {
      const stage: readonly ChildStep[] = [
        { kind: 'open', out: SLOT, dir: 'cwd', path: '/dev/null', flags: 1 },
        { kind: 'fork', flags: 0 },
      ]
      expect(run(executor, [write('x')], { stage }).failure).toBe('')
    })
  })

  describe('programs', () => {
    const hook = (script: string, timeout = 0, path = '/bin/sh'): readonly ChildStep[] => [
      { kind: 'open', out: 30, dir: ROOT, path: 'input', flags: 0 },
      { kind: 'open', out: 31, dir: ROOT, path: 'output', flags: 1 },
      { kind: 'hook', path, args: ['sh', '-c', script], env: ['A=b c'], stdin: 30, output: 31, errors: 31, timeout },
      mark('after'),
    ]
    beforeEach(() => {
      writeFileSync(inRoot('input'), 'state')
      writeFileSync(inRoot('output'), '')
    })
    const output = () => readFileSync(inRoot('output'), 'utf8')

    test('a hook has its input, output, arguments and environment, and no other fd', () => {
      const script = 'read -r line; echo "$line $0 $A $(env | grep -c =)" >&2; ls /proc/self/fd | tr "\\n" " "'
      const { failure } = run(executor, hook(script))
      expect(failure).toBe('')
      expect(output()).toMatch(/^state sh b c [1-9]\n0 1 2 3 $/)
      expect(marks('after')).toEqual(['after'])
    })

    test('its failure carries its wait status', () => {
      const failed = run(executor, hook('exit 7'))
      expect([failed.failure, failed.detail.readInt32LE(0)]).toEqual(['init 2 ELIBEXEC', 7 << 8])
      const killed = run(executor, hook('kill -9 $$'))
      expect([killed.failure, killed.detail.readInt32LE(0)]).toEqual(['init 2 ELIBEXEC', 9])
      expect(marks('after')).toEqual([])
    })

    test('one that cannot be executed says why', () => {
      expect(run(executor, hook('', 0, '/no/such')).failure).toBe('init 2 ENOENT')
      expect(run(executor, hook('', 0, '/')).failure).toBe('init 2 EACCES')
    })

    test('one that runs too long is killed; one in time is not', () => {
      const from = Date.now()
      expect(run(executor, hook('sleep 60', 300)).failure).toBe('init 2 ETIME')
      expect(Date.now() - from).toBeLessThan(10_000)
      expect(run(executor, hook('exit 0', 10_000)).failure).toBe('')
    })

    test('a hook starts with default signals', () => {
      run(executor, hook('grep -E "Sig(Blk|Ign)" /proc/self/status'))
      expect(output()).toMatch(/SigBlk:\t0{16}\nSigIgn:\t0{16}/)
    })

    const exec = (args: readonly string[], env: readonly string[] = [], keepFds = 0): ChildStep => {
      return { kind: 'exec', args, env, keepFds }
    }
    const find = (...candidates: readonly string[]): ChildStep => ({ kind: 'findExecutable', name: 'x', candidates })

    test('exec with arguments and environment; the socket closes without a word', () => {
      const show = 'printf "%s|" "$0" "$@"; env | grep -E "^[AB]=" | sort | tr "\\n" ","'
      const result = run(executor, [find('/bin/sh'), exec(['sh', '-c', show, '', 'a b', 'é'], ['B=', 'A=x y'])])
      expect([result.failure, result.reports, result.end]).toEqual(['', [], 0])
      expect(result.stdout).toBe('|a b|é|A=x y,B=,')
    })

    test("its exit status is the run's", () => {
      expect(run(executor, [find('/bin/sh'), exec(['sh', '-c', 'exit 42'])]).end).toBe(42)
    })

    test('find takes the first that can be executed', () => {
      writeFileSync(inRoot('plain'), '', { mode: 0o644 })
      mkdirSync(inRoot('folder'))
      const candidates = ['/no/such', inRoot('plain'), inRoot('folder'), '/bin/sh']
      expect(run(executor, [find(...candidates), exec(['sh', '-c', 'exit 3'])]).end).toBe(3)
    })

    test('find tells the first reason that is worth telling', () => {
      writeFileSync(inRoot('plain'), '', { mode: 0o644 })
      mkdirSync(inRoot('folder'))
      expect(run(executor, [find('/no/such', inRoot('plain/x'))]).failure).toBe('init 0 ENOENT')
      expect(run(executor, [find('/no/such', inRoot('plain'), '/no/other')]).failure).toBe('init 0 EACCES')
      expect(run(executor, [find('/no/such', inRoot('folder'), inRoot('plain'))]).failure).toBe('init 0 EISDIR')
      expect(run(executor, [find()]).failure).toBe('init 0 ENOENT')
    })

    test('exec refuses what is no program', () => {
      writeFileSync(inRoot('text'), 'no program', { mode: 0o755 })
      expect(run(executor, [find(inRoot('text')), exec(['x'])]).failure).toBe('init 1 ENOEXEC')
      expect(run(executor, [exec(['x'])]).failure).toBe('init 0 EINVAL')
    })

    test('the program has its streams and the kept fds, whatever the caller left open', () => {
      const fds: number[] = []
      for (let i = 0; i < 3; i++) fds.push(directoryFd('/'))
      const list = 'for fd in 0 1 2 3 4 5 6 7 8 9 600; do [ -e /proc/self/fd/$fd ] && printf "%s " $fd; done'
      const inherit = [...fds.map((fd) => [fd, -1] as const), [fds[0] as number, 600] as const]
      for (const keepFds of [0, 2]) {
        const { stdout } = run(executor, [find('/bin/sh'), exec(['sh', '-c', list], [], keepFds)], {
          inherit: [...inherit, ...(keepFds ? [[fds[1] as number, 3] as const, [fds[2] as number, 4] as const] : [])],
          keepFds,
        })
        expect(stdout.trim().split(' ').map(Number)).toEqual(keepFds ? [0, 1, 2, 3, 4] : [0, 1, 2])
      }
      for (const fd of fds) closeFd(fd)
    })
  })

  describe.runIf(requires('root'))('as root, in namespaces of its own', () => {
    // The root again, as the new mount namespace has it.
    const own = (): readonly ChildStep[] => [
      { kind: 'unshare', flags: 0x20000, names: ['mount'] },
      { kind: 'propagation', path: '/', flags: (1 << 18) | 16384 },
      { kind: 'open', out: ROOT, dir: 'cwd', path: inRoot(''), flags: O_PATH },
    ]
    const tmpfs = (...options: readonly string[]): ChildStep => {
      return { kind: 'fsmount', out: SLOT, type: 'tmpfs', source: 'x', options, attributes: 0 }
    }

    test('a file system by parameters, attached by fd', () => {
      const steps: readonly ChildStep[] = [
        ...own(),
        tmpfs('mode=0711', 'size=1m'),
        { kind: 'open', out: 30, dir: ROOT, path: '.', flags: O_PATH },
        { kind: 'attach', mount: SLOT, to: 30, keep: true },
        { kind: 'write', dir: 'cwd', path: '/proc/self/comm', data: 'x' },
        { kind: 'mkdir', dir: SLOT, path: 'inside', mode: 0o700 },
        { kind: 'findExecutable', name: 'stat', candidates: ['/usr/bin/stat', '/bin/stat'] },
        { kind: 'exec', args: ['stat', '-c', '%a', place()], env: [], keepFds: 0 },
      ]
      const { failure, stdout } = run(executor, steps)
      expect([failure, stdout.trim()]).toEqual(['', '700'])
      expect(marks('inside')).toEqual([]) // it went into the mount
    })

    test('what the file system says of a refusal comes along', () => {
      const { failure, detail } = run(executor, [...own(), tmpfs('nonsense=1')])
      expect(failure).toBe('init 3 EINVAL')
      expect(detail.toString()).toContain("tmpfs: Unknown parameter 'nonsense'")
      expect(run(executor, [...own(), { ...tmpfs(), type: 'nosuchfs' } as ChildStep]).failure).toBe('init 3 ENODEV')
    })

    test('the mode of what is covered', () => {
      mkdirSync(inRoot('sticky'))
      const steps: readonly ChildStep[] = [
        ...own(),
        { kind: 'umask', mask: 0 },
        { kind: 'chmod', dir: ROOT, path: 'sticky', mode: 0o1753 },
        { kind: 'open', out: 30, dir: ROOT, path: 'sticky', flags: O_PATH },
        { ...tmpfs(), modeLike: 30 } as ChildStep,
        { kind: 'attach', mount: SLOT, to: 30 },
        { kind: 'findExecutable', name: 'stat', candidates: ['/usr/bin/stat', '/bin/stat'] },
        { kind: 'exec', args: ['stat', '-c', '%a %T', '-f', inRoot('sticky')], env: [], keepFds: 0 },
      ]
      const show = (format: readonly string[]) =>
        run(executor, [...steps.slice(0, -1), { kind: 'exec', args: ['stat', ...format], env: [], keepFds: 0 }]).stdout
      expect(show(['-c', '%a', inRoot('sticky')]).trim()).toBe('1753')
      expect(show(['-f', '-c', '%T', inRoot('sticky')]).trim()).toBe('tmpfs')
    })

    test('the working directory must be below the root', () => {
      mkdirSync(inRoot('cwd'))
      const steps = (path: string): readonly ChildStep[] => [
        ...own(),
        { kind: 'open', out: 30, dir: 'cwd', path: '/', flags: O_PATH | O_DIRECTORY },
        { kind: 'chroot', root: ROOT },
        { kind: 'chdir', path },
      ]
      expect(run(executor, steps('/cwd')).failure).toBe('')
      expect(run(executor, steps('/missing')).failure).toBe('init 5 ENOENT')
      // CVE-2024-21626: an fd of the host that was left open is reachable by a name below /proc.
      const leak: readonly ChildStep[] = [
        ...own(),
        tmpfs(),
        { kind: 'open', out: 30, dir: ROOT, path: '.', flags: O_PATH },
        { kind: 'attach', mount: SLOT, to: 30 },
        { kind: 'open', out: 31, dir: 'cwd', path: '/', flags: O_PATH | O_DIRECTORY },
        { kind: 'call', name: 'fchdir', args: [{ slot: 31 }] },
        { kind: 'call', name: 'chroot', args: [inRoot('')] },
        { kind: 'chdir', path: '.' },
      ]
      expect(run(executor, leak).failure).toBe('init 9 EXDEV')
    })

    test('lo comes up in a new network namespace', () => {
      const up = [32, 0, 0, 0, 16, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]
      const net: ChildStep = { kind: 'unshare', flags: 0x40000000, names: ['network'] }
      const show: readonly ChildStep[] = [
        { kind: 'findExecutable', name: 'cat', candidates: ['/usr/bin/cat', '/bin/cat'] },
        { kind: 'exec', args: ['cat', '/proc/self/net/route', '/proc/self/net/if_inet6'], env: [], keepFds: 0 },
      ]
      const message = (bytes: readonly number[]): ChildStep => ({ kind: 'netlink', message: bytes, what: 'x' })
      expect(run(executor, [net, ...show]).stdout).not.toContain(' lo\n')
      const { failure, stdout } = run(executor, [net, message(up), ...show])
      expect([failure, stdout]).toEqual(['', expect.stringContaining(' lo\n')])
      const wrong = up.with(20, 77) // no such interface
      expect(run(executor, [net, message(wrong)]).failure).toBe('init 1 ENODEV')
    })

    test('masked and read-only paths', () => {
      for (const name of ['dir', 'other', 'locked']) mkdirSync(inRoot(name))
      for (const name of ['dir/secret', 'file', 'locked/f']) writeFileSync(inRoot(name), 'secret')
      symlinkSync('/file', inRoot('link'))
      const mask = (path: string): ChildStep => ({
        kind: 'maskPath',
        root: ROOT,
        path,
        nullDevice: 30,
        emptyTmpfs: 31,
        options: ['nr_blocks=1', 'nr_inodes=2', 'uid=77'],
      })
      const steps: readonly ChildStep[] = [
        ...own(),
        { kind: 'cloneTree', out: 33, dir: ROOT, path: '', recursive: true },
        { kind: 'attachAt', mount: 33, path: inRoot('') },
        { kind: 'open', out: ROOT, dir: 'cwd', path: inRoot(''), flags: O_PATH },
        { kind: 'open', out: 30, dir: 'cwd', path: '/dev/null', flags: O_PATH },
        ...['/dir', '/other', '/link'].map(mask),
        { kind: 'readonlyPath', root: ROOT, path: '/locked' },
        { ...mask('/nothing'), tolerate: ['ENOENT'], skip: 0 } as ChildStep,
        { kind: 'findExecutable', name: 'sh', candidates: ['/bin/sh'] },
        {
          kind: 'exec',
          args: [
            'sh',
            '-c',
            'ls dir other; cat file; (echo x >locked/f) 2>/dev/null || cat locked/f; stat -c %t:%T file; stat -c %u dir other',
          ],
          env: ['PATH=/usr/bin:/bin'],
          keepFds: 0,
        },
      ]
      const inside = [
        ...steps.slice(0, -2),
        { kind: 'call', name: 'chdir', args: [inRoot('')] } as ChildStep,
        ...steps.slice(-2),
      ]
      const { failure, stdout } = run(executor, inside)
      expect([failure, stdout]).toEqual(['', 'dir:\n\nother:\nsecret1:3\n77\n77\n'])
      expect(readFileSync(inRoot('file'), 'utf8')).toBe('secret')
    })

    test('which masked path has failed, and the kernel’s words for it', () => {
      for (const name of ['file', 'dir']) name === 'dir' ? mkdirSync(inRoot(name)) : writeFileSync(inRoot(name), '')
      const mask = (path: string, index: number): ChildStep => ({
        kind: 'maskPath',
        root: ROOT,
        path,
        nullDevice: 30,
        emptyTmpfs: 31,
        options: ['nonsense=1'],
        origin: { config: `/linux/maskedPaths/${index}`, doing: `mask "${path}"` },
      })
      const steps: readonly ChildStep[] = [
        ...own(),
        { kind: 'open', out: 30, dir: 'cwd', path: '/dev/null', flags: O_PATH },
        ...['/file', '/nothing', '/dir', '/file'].map(mask),
      ]
      const { failure, reports } = run(executor, steps)
      const failed = reports.find((report) => report.kind === 'failed')
      expect(failure).toMatch(/EINVAL$/)
      const plan = { parent: [], presets: [], stage: [], init: steps, keepFds: 0, warnings: [] }
      const words = failed && reportWords(plan, encodePlan(plan, new Map([[ROOT, root]]), ARCH), failed)
      expect(words).toMatch(/^mask "\/dir", from \/linux\/maskedPaths\/2: .*\(tmpfs: Unknown parameter 'nonsense'\)$/)
    })

    test('a bounding set without what was dropped', () => {
      const steps: readonly ChildStep[] = [
        { kind: 'boundingDrop', capabilities: { low: (1 << 5) | (1 << 31), high: 1 << 8 } },
        { kind: 'findExecutable', name: 'grep', candidates: ['/usr/bin/grep', '/bin/grep'] },
        { kind: 'exec', args: ['grep', 'CapBnd', '/proc/self/status'], env: [], keepFds: 0 },
      ]
      const { stdout } = run(executor, steps)
      const bits = BigInt(`0x${stdout.split('\t')[1]?.trim()}`)
      expect([5n, 31n, 40n].map((bit) => (bits >> bit) & 1n)).toEqual([0n, 0n, 0n])
      expect(bits & 1n).toBe(1n)
    })
  })
})
