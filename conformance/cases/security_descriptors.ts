/** What a process of a container has open, and where it is. */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Manner } from '../call.ts'
import { within } from '../host.ts'
import { fdsOf, pidOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const flaw = (ids: string) => `published flaw: ${ids}`

const HOST = ['/', '/etc', '/proc', '/dev', '/usr', '/tmp', '/']

/** Lets the runtime inherit folders of the host from 3 on, as a careless caller would. */
function leaking<T>(act: (manner: Manner) => T): T {
  const fds = HOST.map((path) => openSync(path, 'r'))
  try {
    return act({ fds })
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

const identityOf = (path: string) => {
  const { dev, ino } = statSync(path)
  return `${dev}:${ino}`
}

/** Folders of the host that a container's working directory must not be. */
const hostFolders = () => new Set(HOST.map(identityOf))

export const DESCRIPTORS: readonly Case[] = [
  {
    id: 'security-fds-create',
    clause: flaw('CVE-2024-21626'),
    asks: 'what the caller of create has open does not reach the program',
    test(subject) {
      const bundle = subject.bundle('echo up >/up; exec sleep 100')
      leaking((manner) => {
        const { ok, stderr } = subject.callAs(manner, 'create', '--bundle', bundle.path, bundle.id)
        expect(ok, `create failed: ${stderr}`)
        subject.must('start', bundle.id)
      })
      within(() => bundle.read('up') !== '')
      const fds = fdsOf(pidOf(subject, bundle.id))
      subject.showed('/proc/PID/fd', JSON.stringify(fds))
      expectSame(Object.keys(fds), ['0', '1', '2'], 'open files of the program')
    },
  },
  {
    id: 'security-fds-exec',
    clause: flaw('CVE-2024-21626'),
    asks: 'what the caller of exec has open does not reach the process',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const { stdout } = leaking((manner) =>
        subject.callAs(
          manner,
          'exec',
          bundle.id,
          '/bin/sh',
          '-c',
          'for n in 3 4 5 6 7 8 9; do readlink /proc/$$/fd/$n; done; true',
        ),
      )
      expectSame(stdout, '', 'open files of the process beyond the streams')
    },
  },
  {
    id: 'security-fds-of-init',
    clause: flaw('CVE-2024-21626, CVE-2016-9962'),
    asks: 'a created container holds no folder of the host',
    deviations: { crun: { seen: '1.8.1', why: 'keeps what the caller has open until the program is executed' } },
    test(subject) {
      const bundle = subject.bundle('true')
      leaking((manner) => subject.callAs(manner, 'create', '--bundle', bundle.path, bundle.id))
      const { pid = 0 } = subject.state(bundle.id)
      const fds = fdsOf(pid)
      subject.showed('/proc/PID/fd', JSON.stringify(fds))
      const folders = Object.keys(fds).filter((fd) => Number(fd) > 2 && isFolder(`/proc/${pid}/fd/${fd}`))
      expectSame(
        folders.map((fd) => fds[fd]).filter((path) => HOST.includes(path ?? '') && path !== '/dev/null'),
        [],
        'folders of the host',
      )
    },
  },
  ...(['create', 'exec'] as const).map(
    (verb): Case => ({
      id: `security-cwd-fd-${verb}`,
      clause: flaw('CVE-2024-21626'),
      asks: `cwd of ${verb} leads through an open file: refused, or it is no folder of the host`,
      deviations: { crun: { seen: '1.8.1', unseen: '1.21', why: 'enters a folder that the caller has left open' } },
      test(subject) {
        const outside = hostFolders()
        const holder = subject.bundle('sleep 100')
        if (verb === 'exec') subject.run(holder)
        for (let fd = 3; fd <= 12; fd++) {
          const cwd = `/proc/self/fd/${fd}`
          if (verb === 'create') {
            const bundle = subject.bundle('exec sleep 100', (config) => Object.assign(config.process ?? {}, { cwd }))
            const ran = leaking(
              (manner) =>
                subject.callAs(manner, 'create', '--bundle', bundle.path, bundle.id).ok &&
                subject.call('start', bundle.id).ok,
            )
            if (ran) expectInside(pidOf(subject, bundle.id), outside, cwd)
            subject.call('delete', '--force', bundle.id)
          } else {
            const path = join(holder.path, 'pid')
            const ran = leaking(
              (manner) =>
                subject.callAs(manner, 'exec', '--detach', '--pid-file', path, '--cwd', cwd, holder.id, 'sleep', '100')
                  .ok,
            )
            if (ran) expectInside(Number(readFileSync(path, 'utf8')), outside, cwd)
          }
        }
      },
    }),
  ),
]

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function expectInside(pid: number, outside: ReadonlySet<string>, cwd: string): void {
  if (isFolder(`/proc/${pid}/cwd`))
    expect(!outside.has(identityOf(`/proc/${pid}/cwd`)), `with cwd ${cwd} the process is in a folder of the host`)
}
