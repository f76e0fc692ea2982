/** Containers that have a terminal, and the other end of it. */
import { closeSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, Config } from './bundle.ts'
import { pause } from './host.ts'
import type { Subject } from './subject.ts'
import { expect } from './suite.ts'
import { call, Receiver } from './system_calls.ts'

const FIONBIO = 0x5421

/** A devpts of the container's own. */
export const PTS = {
  destination: '/dev/pts',
  type: 'devpts',
  source: 'devpts',
  options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
}

/** Has a configuration ask for a terminal, and have a /dev/pts for it. */
export const terminal = (config: Config, more: Record<string, unknown> = {}) => {
  Object.assign(config.process ?? {}, { terminal: true, ...more })
  if (!config.mounts.some(({ destination }) => destination === '/dev/pts')) config.mounts.push(PTS)
}

/** Creates a container with a terminal and hands its end over; what was sent is closed afterwards. */
export function withTerminal(subject: Subject, bundle: Bundle, act: (fd: number, text: string) => void): void {
  const path = join(subject.shared(), 'console')
  const receiver = new Receiver(path)
  try {
    subject.create(bundle, '--console-socket', path)
    const { text, fds, connection } = receiver.receive()
    try {
      expect(fds.length === 1, `${fds.length} file descriptors came over the console socket`)
      act(fds[0] ?? -1, text)
    } finally {
      for (const fd of [...fds, connection]) closeSync(fd)
    }
  } finally {
    receiver.close()
  }
}

/** What a terminal says until a mark; reading waits for more. */
export function readUntil(fd: number, mark: string): string {
  const bytes = Buffer.alloc(4096)
  call('ioctl', fd, FIONBIO, Buffer.from([1, 0, 0, 0]))
  let text = ''
  const end = Date.now() + 5000
  while (!text.includes(mark) && Date.now() < end) {
    try {
      text += bytes.toString('utf8', 0, readSync(fd, bytes))
    } catch {
      pause(20) // nothing yet, or its other end is not open
    }
  }
  return text
}
