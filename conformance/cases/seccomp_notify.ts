/** Seccomp notifications: the listener goes to an agent, over the socket of listenerPath. */
import { closeSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { State } from '../call.ts'
import { isAlive, within } from '../host.ts'
import { pidOf } from '../look.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'
import { Receiver } from '../system_calls.ts'
import { runOrRefuse } from '../victim.ts'

const SECCOMP = 'config-linux.md#seccomp'
const NOTIFY = (path: string) => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  listenerPath: path,
  listenerMetadata: 'of the suite',
  syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
})

interface ProcessState {
  readonly ociVersion: string
  readonly fds: readonly string[]
  readonly pid: number
  readonly metadata?: string
  readonly state: State
}

const needListener = () => {
  if (!readFileSync('/proc/sys/kernel/seccomp/actions_avail', 'utf8').includes('user_notif'))
    throw new HostCannot('no seccomp notifications')
}

export const SECCOMP_NOTIFY: readonly Case[] = [
  {
    id: 'seccomp-notify-state',
    clause: 'config-linux.md#the-container-process-state',
    asks: 'the process state and seccompFd come over the socket of listenerPath, with the first message',
    covers: [
      'linux-seccomp-04',
      'linux-seccomp-06',
      'linux-seccomp-08',
      'linux-seccomp-state-01',
      'linux-seccomp-state-02',
      'linux-seccomp-state-03',
      'linux-seccomp-state-04',
      'linux-seccomp-state-05',
      'linux-seccomp-state-06',
    ],
    test(subject) {
      needListener()
      const path = join(subject.shared(), 'agent')
      const receiver = new Receiver(path)
      try {
        const bundle = subject.bundle('sleep 100', (config) => Object.assign(config.linux, { seccomp: NOTIFY(path) }))
        // runc's profile is loaded at start, others' at create.
        subject.create(bundle)
        subject.must('start', bundle.id)
        const pid = pidOf(subject, bundle.id)
        const { text, fds, connection } = receiver.receive()
        subject.showed('the socket', text)
        try {
          const sent = JSON.parse(text) as ProcessState
          expect(/^\d+\.\d+/.test(sent.ociVersion), `ociVersion is ${sent.ociVersion}`)
          const at = sent.fds.indexOf('seccompFd')
          expect(at >= 0 && sent.fds.length === fds.length, `fds are ${sent.fds}, ${fds.length} came`)
          expectSame(sent.pid, pid, 'pid')
          expectSame([sent.state.id, sent.metadata], [bundle.id, 'of the suite'], 'id and metadata')
          const name = readlinkSync(`/proc/self/fd/${fds[at]}`)
          expect(name.includes('seccomp notify'), `seccompFd is ${name}`)
          const rest = Buffer.alloc(1)
          expectSame(readSync(connection, rest), 0, 'bytes after the state: the connection MUST be closed')
        } finally {
          for (const fd of [...fds, connection]) closeSync(fd)
        }
      } finally {
        receiver.close()
      }
    },
  },
  {
    id: 'seccomp-notify-nobody',
    clause: SECCOMP,
    asks: 'if sending to the socket fails, the runtime MUST generate an error',
    covers: ['linux-seccomp-07'],
    test(subject) {
      needListener()
      const bundle = subject.bundle('touch /ran; sleep 100', (config) =>
        Object.assign(config.linux, { seccomp: NOTIFY('/no/such/socket') }),
      )
      if (runOrRefuse(subject, bundle)) {
        // Where start has returned already, the program must not run.
        within(() => !isAlive(subject.state(bundle.id).pid ?? 0), 1000)
        expectSame(bundle.read('ran'), '', 'program')
        subject.await(bundle.id, 'stopped')
        expect(false, 'create and start succeeded, though nobody listens')
      }
    },
  },
  {
    id: 'seccomp-notify-each',
    clause: SECCOMP,
    asks: 'each process has a connection of its own, which is closed after its state: that of exec, too',
    covers: ['linux-seccomp-04', 'linux-seccomp-05', 'linux-seccomp-06'],
    deviations: { crun: { seen: '1.8.1', why: 'says that the pid of what exec runs is 0' } },
    test(subject) {
      needListener()
      const path = join(subject.shared(), 'agent')
      const receiver = new Receiver(path)
      try {
        const bundle = subject.bundle('sleep 100', (config) => Object.assign(config.linux, { seccomp: NOTIFY(path) }))
        subject.run(bundle)
        const first = pidOf(subject, bundle.id)
        subject.must('exec', '--detach', '--pid-file', join(bundle.path, 'pid'), bundle.id, '/bin/sleep', '100')
        const pids = [first, Number(readFileSync(join(bundle.path, 'pid'), 'utf8'))]
        for (const pid of pids) {
          const { text, fds, connection } = receiver.receive()
          subject.showed('the socket', text)
          try {
            const sent = JSON.parse(text) as ProcessState
            expectSame([sent.pid, sent.state.id], [pid, bundle.id], 'pid and id of the container')
            expectSame(readSync(connection, Buffer.alloc(1)), 0, 'bytes after the state')
          } finally {
            for (const fd of [...fds, connection]) closeSync(fd)
          }
        }
      } finally {
        receiver.close()
      }
    },
  },
  {
    id: 'seccomp-notify-metadata-none',
    clause: 'config-linux.md#the-container-process-state',
    asks: 'without listenerMetadata the process state has none, or an empty text',
    test(subject) {
      needListener()
      const path = join(subject.shared(), 'agent')
      const receiver = new Receiver(path)
      try {
        const { listenerMetadata: _, ...seccomp } = NOTIFY(path)
        const bundle = subject.bundle('sleep 100', (config) => Object.assign(config.linux, { seccomp }))
        subject.run(bundle)
        const { text, fds, connection } = receiver.receive()
        for (const fd of [...fds, connection]) closeSync(fd)
        expectSame((JSON.parse(text) as ProcessState).metadata ?? '', '', 'metadata')
      } finally {
        receiver.close()
      }
    },
  },
]
