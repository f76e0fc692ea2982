/** What a process of a container holds, is and can reach: at create, at exec, and of what the caller left around. */
import { createHash } from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { cgroupOf, placeOf } from '../cgroups.ts'
import { hierarchies, within } from '../host.ts'
import { fdsOf, ofProcess, pidOf, statusOf } from '../look.ts'
import type { Manner } from '../subject.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'
import { runOrRefuse } from '../victim.ts'

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

const DESCRIPTORS: readonly Case[] = [
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
          'for n in 3 4 5 6 7 8 9 10 11 12; do readlink /proc/$$/fd/$n; done; true',
        ),
      )
      expectSame(stdout.match(/fd\/([3-9])$/gm) ?? [], [], 'open files of the process beyond the streams')
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
      deviations: { crun: { seen: '1.8.1', why: 'enters a folder that the caller has left open' } },
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

const EXECUTABLE: readonly Case[] = [
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
      const before = hash(subject.runtime)
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
      expectSame(hash(subject.runtime), before, 'hash of the runtime')
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

const WRAPS = 'numbers above 32 bits wrap around'
/** What older runtimes take for root. */
const MISREAD: Readonly<Record<string, NonNullable<Case['deviations']>>> = {
  ':2': { crun: { versions: '<1.27', why: 'has the flaw CVE-2026-30892' } },
  '-1': { crun: { versions: '<1.27', why: 'has the flaw CVE-2026-30892' } },
  '4294967296': { runc: { versions: '<1.2', why: WRAPS }, crun: { versions: '<1.27', why: WRAPS } },
}
const ROOT = /^Uid:\t0\t/m
const CREDENTIALS: readonly Case[] = [
  {
    id: 'security-capabilities-exec',
    clause: flaw('CVE-2022-29162, CVE-2022-24769, CVE-2022-27650'),
    asks: 'exec --cap makes nothing inheritable',
    test(subject) {
      const bundle = subject.bundle('sleep 100', (config) => {
        const names = ['CAP_KILL']
        Object.assign(config.process ?? {}, { capabilities: { bounding: names, effective: names, permitted: names } })
      })
      subject.run(bundle)
      const { stdout } = subject.must(
        'exec',
        '--cap',
        'CAP_NET_RAW',
        bundle.id,
        '/bin/sh',
        '-c',
        'grep CapInh /proc/self/status',
      )
      expectSame(stdout, 'CapInh:\t0000000000000000\n', 'inheritable capabilities')
      expectSame(statusOf(pidOf(subject, bundle.id), 'CapInh'), '0000000000000000', 'those of the first process')
    },
  },
  {
    id: 'security-capabilities-spec',
    clause: flaw('CVE-2022-29162, CVE-2025-27612'),
    asks: 'the template of a configuration has no inheritable capabilities',
    test(subject) {
      const folder = join(subject.bundle('true').path, 'template')
      mkdirSync(folder)
      const { ok, stderr } = subject.callAs({ cwd: folder }, 'spec')
      expect(ok, `spec failed: ${stderr}`)
      const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as {
        process: { capabilities: Record<string, string[]> }
      }
      expectSame(config.process.capabilities.inheritable ?? [], [], 'inheritable capabilities')
    },
  },
  {
    id: 'security-capabilities-none',
    clause: flaw('CVE-2022-29162'),
    asks: 'without capabilities in config.json, the process has none',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      within(() => statusOf(pid, 'CapEff') === '0000000000000000')
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        expectSame(statusOf(pid, set), '0000000000000000', set)
    },
  },
  ...['1', '1:', '1:2', ':2', '01', '-1', '4294967296', '4294967297', '1x', ' 1', '+1', '0x1', '1.0', '1e0'].map(
    (user): Case => ({
      id: `security-user-${user.replace(/\W/g, (letter) => `_${letter.charCodeAt(0)}`)}`,
      clause: flaw('CVE-2026-30892, CVE-2026-46680'),
      asks: `exec --user ${JSON.stringify(user)} is the user that it names, or refused; never root by mistake`,
      deviations: MISREAD[user] ?? {},
      test(subject) {
        const bundle = subject.bundle('sleep 100', (config) =>
          Object.assign(config.process?.user ?? {}, { uid: 7, gid: 7 }),
        )
        subject.run(bundle)
        const { ok, stdout } = subject.call(
          'exec',
          `--user=${user}`,
          bundle.id,
          '/bin/sh',
          '-c',
          'grep Uid /proc/self/status',
        )
        if (ok) expect(!ROOT.test(stdout), `the process is root: ${stdout}`)
        if (ok && ['1', '1:2', '01'].includes(user)) expect(/^Uid:\t1\t1\t1\t1$/m.test(stdout), stdout)
        if (!ok) expect(!['1', '1:2'].includes(user), 'a valid user was refused')
      },
    }),
  ),
]

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
    serial: true,
    test(subject) {
      const before = statSync('/dev/null')
      const bundle = subject.bundle('true', (config) =>
        Object.assign(config.process?.user ?? {}, { uid: 1234, gid: 1234 }),
      )
      try {
        subject.run(bundle)
        subject.await(bundle.id, 'stopped')
        const { uid, gid, mode } = statSync('/dev/null')
        expectSame([uid, gid, mode], [before.uid, before.gid, before.mode], 'owner and mode of /dev/null on the host')
      } finally {
        chownSync('/dev/null', before.uid, before.gid)
      }
    },
  },
]

/** Names of cgroups that climb. */
const CLIMBING = (id: string) => [
  `../../../${id}-out`,
  `/../${id}-out`,
  `/a/../../../${id}-out`,
  `${id}/../../../../${id}-out`,
]

const CGROUPS: readonly Case[] = [
  {
    id: 'security-cgroup-climbs',
    clause: 'a cgroup is reached by ..',
    asks: 'cgroupsPath with .. leads nowhere outside of the mounts of cgroups',
    deviations: { crun: { seen: '1.8.1', why: 'makes a folder beside the mounts' } },
    test(subject) {
      const base = subject.bundle('true')
      for (const path of CLIMBING(base.id)) {
        base.configure((config) => {
          config.linux.cgroupsPath = path
        })
        const ran = runOrRefuse(subject, base)
        for (const mount of hierarchies()) {
          for (const above of ['..', '../..', '../../..']) {
            const place = join(mount, above, `${base.id}-out`)
            if (!existsSync(place) || hierarchies().some((one) => place.startsWith(`${one}/`))) continue
            subject.call('delete', '--force', base.id)
            rmSync(place, { recursive: true, force: true }) // no cgroup: it is beside them
            expect(false, `${place} was made`)
          }
        }
        if (ran) subject.call('delete', '--force', base.id)
      }
    },
  },
  {
    id: 'security-exec-cgroup-climbs',
    clause: 'a cgroup is reached by .. (runc 1.5.2, crun 1.28)',
    asks: 'exec --cgroup reaches no cgroup outside of the container’s',
    test(subject) {
      const controller = ['pids', 'memory', 'cpu'].find((name) => placeOf(name)) ?? 'pids'
      const [bundle, sibling] = [subject.bundle('sleep 100'), subject.bundle('sleep 100')]
      sibling.configure((config) => {
        config.linux.cgroupsPath = `/${bundle.id}-sibling`
      })
      subject.run(bundle)
      subject.run(sibling)
      const own = cgroupOf(pidOf(subject, bundle.id), controller)
      for (const path of ['..', '../..', `../${bundle.id}-sibling`, `/../${bundle.id}-sibling`, `-sibling`]) {
        const file = join(bundle.path, 'exec-pid')
        const { ok } = subject.call(
          'exec',
          '--detach',
          '--pid-file',
          file,
          `--cgroup=${controller}:${path}`,
          bundle.id,
          'sleep',
          '100',
        )
        if (!ok) continue
        const place = cgroupOf(Number(readFileSync(file, 'utf8')), controller)
        expect(place === own || place.startsWith(`${own}/`), `exec --cgroup ${path} is in ${place}`)
      }
    },
    deviations: {
      runc: { versions: '<1.5.2', why: 'has the flaw that 1.5.2 mends' },
      crun: { versions: '<1.28', why: 'has the flaw that 1.28 mends' },
    },
  },
]

export const SECURITY_PROCESS: readonly Case[] = [...DESCRIPTORS, ...EXECUTABLE, ...CREDENTIALS, ...CALLER, ...CGROUPS]
