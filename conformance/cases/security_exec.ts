/** A process that enters a container, looked at from inside by one that may trace whatever is its own. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, Config } from '../bundle.ts'
import { within } from '../host.ts'
import type { Subject } from '../subject.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const FLAW = 'published flaw: CVE-2016-9962'
const ALL = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'SYS_ADMIN'],
  ...['SYS_PTRACE', 'SYS_CHROOT', 'NET_ADMIN', 'SYS_RESOURCE', 'MKNOD', 'FSETID', 'SETFCAP'],
].map((name) => `CAP_${name}`)

/** Root of a user namespace, with the capabilities that count there: over the host it has none. */
function powerful(config: Config): void {
  const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  config.linux.namespaces.push({ type: 'user' })
  Object.assign(config.linux, { uidMappings: map, gidMappings: map })
  Object.assign(config.process ?? {}, {
    capabilities: { bounding: ALL, effective: ALL, permitted: ALL, inheritable: [], ambient: [] },
  })
}

/**
 * Looks at every process again and again, without a process of its own for each look. Whose executable can be followed
 * and is none of the image is one of the runtime: its name is kept, and whether a folder that it has open, is in, or
 * takes for its root leads to a file that only the host has.
 */
const watch = (precious: string) => `
echo up >/look/up
while [ ! -e /look/end ]; do
  for p in /proc/[0-9]*; do
    [ $p/exe -ef /bin/busybox ] && continue
    [ -e $p/exe ] || continue
    name=$(readlink $p/exe) || continue
    case $name in ''|/bin/busybox) continue ;; esac
    echo "$p $name" >>/look/stolen
    for f in $p/root $p/cwd $p/fd/*; do [ -e $f${precious} ] && echo "$f leads to the host" >>/look/stolen; done
  done
done`

/** Runs the watcher while `act` enters the container; what it has got hold of. */
function watched(subject: Subject, act: (bundle: Bundle) => void): string {
  const shared = subject.shared()
  const bundle = subject.bundle('true', (config) => {
    powerful(config)
    config.mounts.push({ destination: '/look', type: 'bind', source: shared, options: ['bind'] })
  })
  const precious = join(bundle.path, 'precious')
  writeFileSync(precious, 'of the host')
  bundle.configure((config) => {
    if (config.process) config.process.args = ['/bin/sh', '-c', watch(precious)]
  })
  subject.run(bundle)
  const look = (name: string) => {
    try {
      return subject.kernel(join(shared, name))
    } catch {
      return ''
    }
  }
  expect(
    within(() => look('up') !== ''),
    'the watcher does not run',
  )
  act(bundle)
  writeFileSync(join(shared, 'end'), '')
  subject.await(bundle.id, 'stopped')
  const text = look('stolen')
  subject.showed('what the watcher has got hold of', text || 'nothing')
  return text
}

export const SECURITY_EXEC: readonly Case[] = [
  {
    id: 'security-exec-looked-into',
    clause: FLAW,
    asks: 'exec: what enters cannot be looked into by root of the container, who may trace all of its own',
    test(subject) {
      const stolen = watched(subject, ({ id }) => {
        subject.repeat(() => subject.must('exec', id, '/bin/true'))
      })
      expectSame(stolen, '', 'processes of the runtime that could be looked into')
    },
  },
]
