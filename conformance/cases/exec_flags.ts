/** exec: exit codes, process files, detaching, descriptors, and what must be refused. */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../call.ts'
import { within } from '../host.ts'
import { namespaceOf, pidOf, statusOf, written } from '../look.ts'
import type { Subject } from '../subject.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const CLAUSE = 'command line of runc: exec'

/** A case that tries to run one, which must fail and leave the container as it was. */
function fails(
  [id, asks]: readonly [string, string],
  argv: (id: string) => readonly string[],
  told: (outcome: Outcome) => boolean = () => true,
  more: Pick<Case, 'deviations'> = {},
): Case {
  return {
    ...more,
    id,
    clause: CLAUSE,
    asks,
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const before = subject.await(bundle.id, 'running')
      const outcome = subject.mustFail(['exec', ...argv(bundle.id)], asks)
      expect(told(outcome), `exit ${outcome.code}, ${JSON.stringify(outcome.stderr)}`)
      expectSame(subject.state(bundle.id), before, 'state')
    },
  }
}

const sh = (script: string) => ['/bin/sh', '-c', script]

/** A process.json for --process. */
function processFile(subject: Subject, change: Record<string, unknown>): string {
  mkdirSync(subject.shared(), { recursive: true })
  const path = join(subject.shared(), 'process.json')
  const user = { uid: 0, gid: 0 }
  writeFileSync(path, JSON.stringify({ cwd: '/', env: ['PATH=/bin'], user, terminal: false, ...change }))
  return path
}

export const FLAGS: readonly Case[] = [
  {
    id: 'exec-exit-code',
    clause: CLAUSE,
    asks: 'exec ends with the exit code of the process, 128 + N after signal N',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      for (const [script, wanted] of [
        ['exit 0', 0],
        ['exit 7', 7],
        ['exit 255', 255],
        ['kill -KILL $$', 137],
        ['kill -TERM $$', 143],
      ] as const)
        expectSame(subject.call('exec', bundle.id, ...sh(script)).code, wanted, `exit code after ${script}`)
    },
  },
  {
    id: 'exec-process-file',
    clause: CLAUSE,
    asks: '--process is a file with the process, in the form of config.json',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const script = 'pwd; echo $X; grep -E "^(Uid|Gid)" /proc/self/status'
      const path = processFile(subject, {
        args: sh(script),
        cwd: '/tmp',
        env: ['PATH=/bin', 'X=1'],
        user: { uid: 3, gid: 4 },
      })
      const { stdout } = subject.must('exec', '--process', path, bundle.id)
      expectSame(stdout, `/tmp\n1\nUid:${'\t3'.repeat(4)}\nGid:${'\t4'.repeat(4)}\n`, 'what the process said')
    },
  },
  {
    id: 'exec-process-umask',
    clause: 'config.md#posix-platform-user',
    asks: 'umask of the user is that of the process, in exec as well',
    deviations: { runc: { seen: '1.1.5', why: 'takes the umask of the container’s process' } },
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const path = processFile(subject, { args: sh('umask'), user: { uid: 0, gid: 0, umask: 0o17 } })
      expectSame(subject.must('exec', '--process', path, bundle.id).stdout, '0017\n', 'umask')
    },
  },
  {
    id: 'exec-detach',
    clause: CLAUSE,
    asks: '--detach returns while the process runs; --pid-file holds its pid',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const first = pidOf(subject, bundle.id)
      const path = join(bundle.path, 'exec-pid')
      subject.must('exec', '--detach', '--pid-file', path, bundle.id, ...sh('echo up >/up; exec sleep 77'))
      const pid = Number(readFileSync(path, 'utf8'))
      expect(
        within(() => bundle.read('up') === 'up\n'),
        'the process did not run',
      )
      expect(statusOf(pid, 'Name') !== '', `no process ${pid} after exec --detach`)
      for (const name of ['pid', 'mnt', 'net'])
        expectSame(namespaceOf(pid, name), namespaceOf(first, name), `namespace ${name}`)
      subject.must('kill', bundle.id, 'KILL')
      subject.await(bundle.id, 'stopped')
      expect(
        within(() => statusOf(pid, 'State').charAt(0) !== 'S'),
        'the process outlives the container',
      )
    },
  },
  {
    id: 'exec-preserve-fds',
    clause: CLAUSE,
    asks: '--preserve-fds N hands 3 to 2 + N on, and no more',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const fds = ['/etc/passwd', '/etc/hostname', '/etc/fstab'].map((path) => openSync(path, 'r'))
      try {
        // What ls itself opens comes after.
        const { stdout } = subject.callAs({ fds }, 'exec', '--preserve-fds', '2', bundle.id, ...sh('ls -l /proc/$$/fd'))
        const open = [...stdout.matchAll(/ (\d+) -> (\S+)/g)].map(([, fd, path]) => `${fd} ${path}`)
        expect(
          ['3 /etc/passwd', '4 /etc/hostname'].every((one) => open.includes(one)),
          `open: ${open}`,
        )
        expect(!open.some((one) => one.endsWith('/etc/fstab')), `a third was handed on: ${open}`)
      } finally {
        for (const fd of fds) closeSync(fd)
      }
    },
  },
  {
    id: 'exec-writes',
    clause: CLAUSE,
    asks: 'what the process writes is there for the container',
    test(subject) {
      const bundle = subject.bundle('while ! [ -e /flag ]; do sleep 0.02; done; cat /flag >/seen')
      subject.run(bundle)
      subject.must('exec', bundle.id, ...sh('echo wrote >/flag.new; busybox mv /flag.new /flag'))
      expectSame(written(join(bundle.rootfs, 'seen')), 'wrote\n', 'what the container has seen')
    },
  },
  {
    id: 'exec-stopped',
    clause: CLAUSE,
    asks: 'exec in a stopped container is an error',
    test(subject) {
      const bundle = subject.bundle('true')
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      subject.mustFail(['exec', bundle.id, 'true'], 'it is stopped')
    },
  },
  {
    id: 'exec-created',
    clause: CLAUSE,
    asks: 'exec works in a created container, whose program has not run',
    test(subject) {
      const bundle = subject.bundle('touch /ran; sleep 100')
      subject.create(bundle)
      expectSame(subject.must('exec', bundle.id, 'pwd').stdout, '/\n', 'output')
      expectSame(subject.state(bundle.id).status, 'created', 'status after exec')
      expectSame(bundle.read('ran'), '', 'the program')
      subject.must('start', bundle.id)
      subject.await(bundle.id, 'running')
    },
  },
]

export const REFUSED: readonly Case[] = [
  fails(['exec-unknown-program', 'a program that does not exist is an error'], (id) => [id, '/nosuch']),
  fails(['exec-not-executable', 'a file without the permission is an error'], (id) => [id, '/proc/self/status']),
  fails(['exec-unknown-cwd', 'a working directory that does not exist is an error'], (id) => [
    '--cwd',
    '/no/such',
    id,
    'pwd',
  ]),
  fails(['exec-no-program', 'without a program there is an error'], (id) => [id]),
  fails(['exec-unknown-container', 'a container that does not exist is an error'], (id) => [`${id}x`, 'true']),
  fails(['exec-process-missing', 'a process file that does not exist is an error'], (id) => [
    '--process',
    '/no/such',
    id,
  ]),
  fails(['exec-process-no-json', 'a process file that is no JSON is an error'], (id) => ['--process', '/dev/null', id]),
]
