/** The executable of the runtime, and its process before start. */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { within } from '../host.ts'
import { type Case, expect, expectSame } from '../suite.ts'
import { runOrRefuse } from '../victim.ts'

const flaw = (ids: string) => `published flaw: ${ids}`

const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Whether an open file can be opened anew to be written: its first byte is, with what it is already. */
function isWritable(fd: number): boolean {
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, 0)
  try {
    const again = openSync(`/proc/self/fd/${fd}`, 'r+')
    try {
      return writeSync(again, byte, 0, 1, 0) === 1
    } finally {
      closeSync(again)
    }
  } catch {
    return false
  }
}

export const EXECUTABLE: readonly Case[] = [
  {
    id: 'security-executable-create',
    clause: flaw('CVE-2019-5736'),
    asks: 'what runs in a created container cannot be written, also when it has ended and somebody has kept it open',
    test(subject) {
      const bundle = subject.bundle('true')
      subject.create(bundle)
      const { pid = 0 } = subject.state(bundle.id)
      const kept = openSync(`/proc/${pid}/exe`, 'r')
      try {
        subject.must('delete', '--force', bundle.id)
        expect(!isWritable(kept), `what ran as process ${pid} can be written to`)
      } finally {
        closeSync(kept)
      }
    },
  },
  {
    id: 'security-executable-entrypoint',
    clause: flaw('CVE-2019-5736'),
    asks: 'programs that are /proc/self/exe, or scripts for it, do not change the runtime',
    test(subject) {
      const before = hash(subject.setting.runtime)
      for (const args of [['/entry'], ['/proc/self/exe'], ['/proc/self/exe', '3'], ['/proc/1/exe']]) {
        const bundle = subject.bundle('true', (config) => {
          if (config.process) config.process.args = args
        })
        writeFileSync(join(bundle.rootfs, 'entry'), '#!/proc/self/exe\n', { mode: 0o755 })
        runOrRefuse(subject, bundle)
        subject.call('delete', '--force', bundle.id)
      }
      const holder = subject.bundle('sleep 100')
      subject.run(holder)
      for (const path of ['/proc/self/exe', '/proc/1/exe']) subject.call('exec', holder.id, path, 'true')
      expectSame(hash(subject.setting.runtime), before, 'hash of the runtime')
    },
  },
  {
    id: 'security-not-dumpable',
    clause: flaw('CVE-2016-9962'),
    asks: 'before start, the process cannot be looked into by its own user: its files below /proc are root’s',
    test(subject) {
      const bundle = subject.bundle('exec sleep 100', (config) =>
        Object.assign(config.process?.user ?? {}, { uid: 1234, gid: 1234 }),
      )
      subject.create(bundle)
      const { pid = 0 } = subject.state(bundle.id)
      // A process that has not become its user yet is root's in any case.
      expectSame(statSync(`/proc/${pid}/fd`).uid, 0, `owner of /proc/${pid}/fd`)
      subject.must('start', bundle.id)
      expect(
        within(() => statSync(`/proc/${pid}/fd`).uid === 1234),
        'after start it is still root’s: nothing has been shown',
      )
    },
  },
]
