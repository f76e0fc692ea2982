/** create and run --preserve-fds, and LISTEN_FDS: which open files of the caller the program gets. */
import { closeSync, openSync } from 'node:fs'
import { within } from '../host.ts'
import { fdsOf, pidOf } from '../look.ts'
import type { Subject } from '../subject.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const CLAUSE = 'command line of runc: --preserve-fds'
const FILES = ['/etc/passwd', '/etc/hostname', '/etc/fstab']

/** Creates and starts a container with three files open from 3 on; what its program has open beyond the streams. */
function given(subject: Subject, flags: readonly string[], listen = false): Record<string, string> {
  const bundle = subject.bundle('echo up >/up; exec sleep 100')
  const fds = FILES.map((path) => openSync(path, 'r'))
  try {
    // Who passes sockets on says for whom they are.
    const through = listen ? subject.through('sh', '-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', 'sh') : []
    const { ok, stderr } = subject.callAs({ fds, through }, 'create', '--bundle', bundle.path, ...flags, bundle.id)
    expect(ok, `create failed: ${stderr.trim()}`)
  } finally {
    for (const fd of fds) closeSync(fd)
  }
  subject.must('start', bundle.id)
  within(() => bundle.read('up') === 'up\n')
  const pid = pidOf(subject, bundle.id)
  within(() => subject.kernel(`/proc/${pid}/comm`) === 'sleep\n')
  const { 0: _in, 1: _out, 2: _err, ...more } = fdsOf(pid)
  subject.showed(`/proc/${pid}/fd`, JSON.stringify(more))
  return more
}

export const PRESERVE_FDS: readonly Case[] = [
  {
    id: 'create-preserve-fds',
    clause: CLAUSE,
    asks: 'create --preserve-fds N hands 3 to 2 + N on to the program, and no more',
    test(subject) {
      expectSame(given(subject, ['--preserve-fds', '2']), { 3: '/etc/passwd', 4: '/etc/hostname' }, 'open files')
    },
  },
  {
    id: 'create-preserve-fds-none',
    clause: CLAUSE,
    asks: 'without the flag none is handed on',
    test(subject) {
      expectSame(given(subject, []), {}, 'open files')
    },
  },
  {
    id: 'create-listen-fds',
    clause: 'sd_listen_fds(3)',
    asks: 'LISTEN_FDS of the caller: so many from 3 on are handed to the program',
    test(subject) {
      const got = given(subject, [], true)
      expectSame(got, { 3: '/etc/passwd' }, 'open files')
    },
  },
  {
    id: 'create-preserve-fds-missing',
    clause: CLAUSE,
    asks: 'more than the caller has open: an error, or what there is; nothing of the runtime’s own is handed on',
    test(subject) {
      const bundle = subject.bundle('exec sleep 100')
      const { ok } = subject.call('create', '--bundle', bundle.path, '--preserve-fds', '20', bundle.id)
      if (!ok) {
        expect(!subject.exists(bundle.id), 'the refused container exists')
        return
      }
      subject.must('start', bundle.id)
      const pid = pidOf(subject, bundle.id)
      within(() => subject.kernel(`/proc/${pid}/comm`) === 'sleep\n')
      const { 0: _in, 1: _out, 2: _err, ...more } = fdsOf(pid)
      expectSame(more, {}, 'open files of the program')
    },
  },
]
