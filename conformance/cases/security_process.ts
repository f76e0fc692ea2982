/** What a caller leaves around: its terminal, signals, umask, environment and directory. */
import { closeSync, existsSync, openSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { within } from '../host.ts'
import { fdsOf, ofProcess, pidOf, statusOf } from '../look.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'
import { CGROUPS } from './security_cgroups.ts'
import { CREDENTIALS } from './security_credentials.ts'
import { DESCRIPTORS } from './security_descriptors.ts'
import { EXECUTABLE } from './security_executable.ts'

const flaw = (ids: string) => `published flaw: ${ids}`

/** Whether a device is one where it is: file systems can forbid that. */
function canOpen(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'))
    return true
  } catch {
    return false
  }
}

const CALLER: readonly Case[] = [
  {
    id: 'security-session',
    clause: flaw('CVE-2017-5226'),
    asks: 'the process leads a session of its own: no terminal of the caller to type into (TIOCSTI)',
    test(subject) {
      const bundle = subject.bundle('exec sleep 100')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      const [, , , session, terminal] = ofProcess(pid, 'stat')
        .replace(/^.*\) /, '')
        .split(' ')
      expectSame([Number(session), Number(terminal)], [pid, 0], 'session and terminal')
    },
  },
  {
    id: 'security-signals',
    clause: 'what a caller leaves around: signals',
    asks: 'signals that the caller blocks are not blocked in the container',
    deviations: { runc: { seen: '1.1.5', why: 'hands on what the caller blocks' } },
    test(subject) {
      const through = ['env', '--block-signal=TERM', '--block-signal=USR1']
      const bundle = subject.bundle('exec sleep 100')
      const { ok, stderr } = subject.callAs({ through }, 'create', '--bundle', bundle.path, bundle.id)
      if (!ok && /unrecognized|invalid option/.test(stderr) && /env:/.test(stderr))
        throw new HostCannot('env has no --block-signal')
      expect(ok, `create failed: ${stderr}`)
      subject.must('start', bundle.id)
      const pid = pidOf(subject, bundle.id)
      expect(
        within(() => ofProcess(pid, 'comm') === 'sleep\n'),
        'the program did not start',
      )
      expectSame(statusOf(pid, 'SigBlk'), '0000000000000000', 'blocked signals')
    },
  },
  {
    id: 'security-umask',
    clause: 'what a caller leaves around: umask',
    asks: 'the caller’s umask does not show in the devices of the container',
    test(subject) {
      const bundle = subject.bundle('stat -c "%a %n" /dev/null /dev/zero /dev/full /dev/random /dev/urandom >/tmp/seen')
      expect(subject.callAs({ umask: 0o77 }, 'create', '--bundle', bundle.path, bundle.id).ok, 'create failed')
      subject.must('start', bundle.id)
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('tmp/seen').match(/^\d+/gm), Array(5).fill('666'), 'modes of devices')
    },
  },
  {
    id: 'security-environment',
    clause: 'what a caller leaves around: environment',
    asks: 'nothing of the caller’s environment is in that of the program',
    test(subject) {
      const bundle = subject.bundle('busybox env >/tmp/seen')
      const env = { CONFORMANCE_SECRET: 'x', LD_LIBRARY_PATH: '/nowhere', HTTP_PROXY: 'http://nowhere' }
      expect(subject.callAs({ env }, 'create', '--bundle', bundle.path, bundle.id).ok, 'create failed')
      subject.must('start', bundle.id)
      subject.await(bundle.id, 'stopped')
      expect(bundle.read('tmp/seen').includes('PATH='), 'the program has seen no environment')
      expect(!/CONFORMANCE_SECRET|LD_LIBRARY_PATH|HTTP_PROXY/.test(bundle.read('tmp/seen')), bundle.read('tmp/seen'))
    },
  },
  {
    id: 'security-hostile-directory',
    clause: 'what a caller leaves around: the current directory',
    asks: 'files of the current directory that make interpreters load code have no effect',
    test(subject) {
      const bundle = subject.bundle('true')
      const mark = join(bundle.path, 'mark')
      const script = `require('node:fs').writeFileSync(${JSON.stringify(mark)}, 'x')`
      for (const [name, text] of [
        ['bunfig.toml', 'preload = ["./evil.js"]\n'],
        ['evil.js', script],
        ['.env', 'NODE_OPTIONS=--require=./evil.js\nBUN_OPTIONS=--preload=./evil.js\nBUN_BE_BUN=1\n'],
        ['package.json', '{"main":"evil.js","type":"commonjs"}'],
        ['tsconfig.json', '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}'],
        ['sitecustomize.py', `open(${JSON.stringify(mark)}, 'w')`],
      ] as const)
        writeFileSync(join(bundle.path, name), text)
      expect(subject.callAs({ cwd: bundle.path }, 'create', bundle.id).ok, 'create failed in that directory')
      subject.callAs({ cwd: bundle.path }, 'start', bundle.id)
      expect(!existsSync(mark), 'code of the current directory was run')
    },
  },
  {
    id: 'security-streams-owner',
    clause: flaw('CVE-2026-88265'),
    asks: 'standard streams that are devices of the host keep their owner',
    deviations: {
      runc: { seen: '1.1.5', why: 'gives them to the user' },
      crun: { seen: '1.8.1', why: 'gives them to the user and the group' },
    },
    test(subject) {
      const bundle = subject.bundle('exec sleep 100', (config) =>
        Object.assign(config.process?.user ?? {}, { uid: 1234, gid: 1234 }),
      )
      // /dev/zero by another name: the host's own stays out of it.
      const stdin = join(bundle.path, 'device')
      subject.applet('mknod', '-m', '644', stdin, 'c', '1', '5')
      if (!canOpen(stdin)) throw new HostCannot('devices below the temporary folder cannot be opened')
      const created = subject.callAs({ stdin }, 'create', '--bundle', bundle.path, bundle.id)
      expect(created.ok, `create failed: ${created.stderr}`)
      subject.must('start', bundle.id)
      expectSame(fdsOf(pidOf(subject, bundle.id))['0'], stdin, 'stdin of the program')
      const { uid, gid, mode } = statSync(stdin)
      expectSame([uid, gid, mode & 0o777], [0, 0, 0o644], 'owner and mode of the device')
    },
  },
]

export const SECURITY_PROCESS: readonly Case[] = [...DESCRIPTORS, ...EXECUTABLE, ...CREDENTIALS, ...CALLER, ...CGROUPS]
