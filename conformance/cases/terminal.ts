/** Terminals by --console-socket: a file descriptor over a socket. */
import { closeSync, fstatSync, mkdirSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { within } from '../host.ts'
import { ofProcess, pidOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'
import { call, Receiver } from '../system_calls.ts'
import { PTS, readUntil, terminal, withTerminal } from '../terminal.ts'
import { Victim, without } from '../victim.ts'

const TIOCGWINSZ = 0x5413

export const TERMINAL: readonly Case[] = [
  {
    id: 'terminal-socket',
    clause: 'command line of runc: --console-socket',
    asks: 'the terminal of the process comes over the socket: one file descriptor, of a pseudoterminal; what is typed arrives',
    test(subject) {
      const bundle = subject.bundle('read line; echo "got $line"; sleep 100', (config) => terminal(config))
      withTerminal(subject, bundle, (fd) => {
        expectSame(fstatSync(fd).isCharacterDevice(), true, 'it is a character device')
        subject.must('start', bundle.id)
        writeSync(fd, 'typed\n')
        const text = readUntil(fd, 'got typed')
        subject.showed('the terminal', text)
        expect(text.includes('got typed'), `the terminal said ${JSON.stringify(text)}`)
      })
    },
  },
  {
    id: 'terminal-streams',
    clause: 'config.md#process',
    asks: 'with a terminal the streams of the process are one, it is its controlling terminal, and /dev/console is it',
    covers: ['linux-default-devices-01'],
    test(subject) {
      const bundle = subject.bundle(
        'stat -c "%t:%T" /dev/console /proc/self/fd/1 -L >/seen; echo end >>/seen; sleep 100',
        (config) => terminal(config),
      )
      withTerminal(subject, bundle, () => {
        subject.must('start', bundle.id)
        const pid = pidOf(subject, bundle.id)
        expect(
          within(() => bundle.read('seen').endsWith('end\n')),
          'the program did not run',
        )
        const numbers = [0, 1, 2].map((fd) => statSync(`/proc/${pid}/fd/${fd}`).rdev)
        expect(new Set(numbers).size === 1 && (numbers[0] ?? 0) >> 8 === 136, `devices of the streams: ${numbers}`)
        expectSame(statSync(`/proc/${pid}/root/dev/console`).rdev, numbers[0], 'device of /dev/console')
        const controlling = Number(
          ofProcess(pid, 'stat')
            .replace(/^.*\) /, '')
            .split(' ')[4],
        )
        expectSame(controlling, numbers[0], 'controlling terminal')
      })
    },
  },
  {
    id: 'terminal-size',
    clause: 'config.md#process',
    asks: 'consoleSize is the size of the terminal',
    test(subject) {
      const bundle = subject.bundle('sleep 100', (config) =>
        terminal(config, { consoleSize: { height: 33, width: 101 } }),
      )
      withTerminal(subject, bundle, (fd) => {
        const size = Buffer.alloc(8)
        subject.must('start', bundle.id)
        pidOf(subject, bundle.id)
        call('ioctl', fd, TIOCGWINSZ, size)
        expectSame([size.readUInt16LE(0), size.readUInt16LE(2)], [33, 101], 'rows and columns')
      })
    },
  },
  {
    id: 'terminal-without-socket',
    clause: 'command line of runc: --console-socket',
    asks: 'create with a terminal and no socket is an error, as nobody would have the terminal',
    test(subject) {
      const bundle = subject.bundle('true', (config) => terminal(config))
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], 'there is no socket for the terminal')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
  {
    id: 'terminal-exec',
    clause: 'command line of runc: exec --tty',
    asks: 'exec --tty gives the process a terminal of its own, over the socket',
    test(subject) {
      const bundle = subject.bundle('sleep 100', (config) => {
        config.mounts.push(PTS)
      })
      subject.run(bundle)
      const path = join(subject.shared(), 'console')
      const receiver = new Receiver(path)
      try {
        subject.must(
          'exec',
          '--tty',
          '--detach',
          '--console-socket',
          path,
          bundle.id,
          '/bin/sh',
          '-c',
          'busybox tty; echo end; sleep 5',
        )
        const { fds, connection } = receiver.receive()
        const text = readUntil(fds[0] ?? -1, 'end')
        for (const fd of [...fds, connection]) closeSync(fd)
        expect(/\/dev\/(pts\/\d+|console)/.test(text), `the terminal said ${JSON.stringify(text)}`)
      } finally {
        receiver.close()
      }
    },
  },
  ...(['console', 'ptmx', 'pts'] as const).map(
    (name): Case => ({
      id: `security-dev-${name}-link`,
      clause: 'published flaw: CVE-2026-88264, CVE-2025-52565',
      asks: `/dev/${name} of the image leads out, a terminal is asked for: what is outside stays as it is`,
      group: 'security',
      ...(name === 'console'
        ? { deviations: { crun: { versions: '<1.30', why: 'has the flaw CVE-2026-88264' } } }
        : {}),
      test(subject) {
        // What is there already would be opened or bound; what is not would be made.
        for (const [climbing, target] of [
          [false, name],
          [true, name],
          [false, 'new'],
          [true, 'new'],
        ] as const) {
          const bundle = subject.bundle('sleep 100', (config) => {
            without(config, '/dev')
            terminal(config)
            if (name === 'pts') without(config, '/dev/pts')
          })
          const victim = new Victim(bundle)
          mkdirSync(join(bundle.rootfs, 'dev/pts'), { recursive: true })
          victim.link(bundle, `/dev/${name}`, name === 'pts' ? victim.path : join(victim.path, target), climbing)
          const receiver = new Receiver(join(subject.shared(), `${bundle.id}-console`))
          try {
            const flags = ['--console-socket', join(subject.shared(), `${bundle.id}-console`)]
            if (subject.call('create', '--bundle', bundle.path, ...flags, bundle.id).ok)
              subject.call('start', bundle.id)
            victim.expectUntouched()
            subject.call('delete', '--force', bundle.id)
          } finally {
            receiver.close()
          }
        }
      },
    }),
  ),
]
