/** exec: no operation of the specification, but every engine's; with the flags of runc's command line. */
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../bundle.ts'
import { within } from '../host.ts'
import { namespaceOf, pidOf, statusOf, written } from '../look.ts'
import type { Manner, Outcome, Subject } from '../subject.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const CLAUSE = 'command line of runc: exec'

type More = Pick<Case, 'deviations'> & { readonly change?: (config: Config) => void; readonly manner?: Manner }

/** A case that runs a process in a container that sleeps, and looks at its output. */
function says(
  [id, asks]: readonly [string, string],
  flags: readonly string[],
  argv: readonly string[],
  wanted: RegExp | ((out: string, first: number) => boolean),
  { change, manner = {}, ...more }: More = {},
): Case {
  return {
    ...more,
    id,
    clause: CLAUSE,
    asks,
    test(subject) {
      const bundle = subject.bundle('sleep 100', change)
      subject.run(bundle)
      const first = pidOf(subject, bundle.id)
      const { ok, stdout, stderr } = subject.callAs(manner, 'exec', ...flags, bundle.id, ...argv)
      expect(ok, `exec failed: ${stderr.trim()}`)
      const good = typeof wanted === 'function' ? wanted(stdout, first) : wanted.test(stdout)
      expect(good, `the process said ${JSON.stringify(stdout)}, expected ${wanted}`)
      expect(pidOf(subject, bundle.id) === first, 'the first process is another one')
    },
  }
}

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

const RUNS: readonly Case[] = [
  says(
    ['exec-namespaces', 'the process is in every namespace of the container'],
    [],
    sh('for ns in /proc/self/ns/*; do readlink $ns; done'),
    (out, first) =>
      ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'].every((name) => out.includes(namespaceOf(first, name))),
  ),
  says(
    ['exec-cgroup', 'the process is in the cgroups of the container'],
    [],
    sh('cat /proc/self/cgroup'),
    (out, first) => {
      const own = readFileSync(`/proc/${first}/cgroup`, 'utf8')
      return (
        out === own ||
        own
          .split('\n')
          .filter(Boolean)
          .every((line) => line.startsWith('0::') || out.includes(line))
      )
    },
  ),
  says(['exec-root', 'the root is that of the container'], [], sh('ls -d /proc /bin; stat -c %i /'), (out, first) => {
    const inode = out.trim().split('\n').at(-1)
    return out.includes('/bin') && inode === String(statSync(`/proc/${first}/root/`).ino)
  }),
  says(['exec-env-inherited', 'the environment of process is there'], [], sh('echo "$A"'), /^b c\n$/, {
    change: (config) => config.process?.env.push('A=b c'),
  }),
  says(
    ['exec-env', '--env adds to it and takes precedence'],
    ['--env', 'A=2', '--env', 'B=x=y z'],
    sh('echo "$A,$B"'),
    /^2,x=y z\n$/,
    {
      change: (config) => config.process?.env.push('A=1'),
    },
  ),
  says(
    ['exec-env-not-host', 'nothing of the caller’s environment is there'],
    [],
    sh('busybox env'),
    (out) => !out.includes('CONFORMANCE_SECRET'),
    {
      manner: { env: { CONFORMANCE_SECRET: 'x' } },
    },
  ),
  says(['exec-cwd', '--cwd is the working directory'], ['--cwd', '/tmp'], sh('pwd'), /^\/tmp\n$/),
  says(['exec-cwd-inherited', 'without --cwd it is that of process'], [], sh('pwd'), /^\/tmp\n$/, {
    deviations: { crun: { seen: '1.8.1', why: 'starts in / without --cwd' } },
    change: (config) => Object.assign(config.process ?? {}, { cwd: '/tmp' }),
  }),
  says(
    ['exec-user', '--user is uid and gid'],
    ['--user', '1234:567'],
    sh('grep -E "^(Uid|Gid)" /proc/self/status'),
    /^Uid:(\t1234){4}\nGid:(\t567){4}\n$/,
  ),
  says(
    ['exec-user-inherited', 'without --user it is that of process'],
    [],
    sh('grep -E "^(Uid|Gid)" /proc/self/status'),
    /^Uid:(\t12){4}\nGid:(\t34){4}\n$/,
    {
      deviations: { crun: { seen: '1.8.1', why: 'is root without --user' } },
      change: (config) => Object.assign(config.process?.user ?? {}, { uid: 12, gid: 34 }),
    },
  ),
  says(
    ['exec-additional-gids', '--additional-gids are further groups'],
    ['--additional-gids', '5', '--additional-gids', '9'],
    sh('grep Groups /proc/self/status'),
    (out) => ['5', '9'].every((group) => out.trim().split(/\s+/).includes(group)),
    { deviations: { crun: { seen: '1.8.1', why: 'does not know the flag' } } },
  ),
  says(
    ['exec-no-new-privs', '--no-new-privs is set'],
    ['--no-new-privs'],
    sh('grep NoNewPrivs /proc/self/status'),
    /\t1\n$/,
  ),
  says(
    ['exec-cap', '--cap adds to what the process may do'],
    ['--cap', 'CAP_NET_RAW'],
    sh('grep -E "^Cap(Prm|Eff|Bnd)" /proc/self/status'),
    /^CapPrm:\t0+2020\nCapEff:\t0+2020\nCapBnd:\t0+2020\n$/,
    {
      deviations: { crun: { seen: '1.8.1', why: 'gives the capability of the flag only' } },
      change: (config) => {
        const names = ['CAP_KILL']
        Object.assign(config.process ?? {}, { capabilities: { bounding: names, effective: names, permitted: names } })
      },
    },
  ),
  says(
    ['exec-rlimits', 'the limits of process hold here, too'],
    [],
    sh('grep "open files" /proc/self/limits'),
    / 511 +733 /,
    {
      deviations: { crun: { seen: '1.8.1', why: 'does not apply rlimits of process to exec' } },
      change: (config) =>
        Object.assign(config.process ?? {}, { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 511, hard: 733 }] }),
    },
  ),
  says(
    ['exec-oom-score', 'oomScoreAdj of process holds here, too'],
    [],
    sh('cat /proc/self/oom_score_adj'),
    /^321\n$/,
    {
      deviations: { crun: { seen: '1.8.1', why: 'does not apply oomScoreAdj of process to exec' } },
      change: (config) => Object.assign(config.process ?? {}, { oomScoreAdj: 321 }),
    },
  ),
  says(
    ['exec-seccomp', 'the filter of the container holds here, too'],
    [],
    sh('grep Seccomp: /proc/self/status'),
    /\t2\n$/,
    {
      change: (config) =>
        Object.assign(config.linux, {
          seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] },
        }),
    },
  ),
  says(
    ['exec-cap-unknown', 'a capability that cannot be granted is no reason to fail, as in config.json'],
    ['--cap', 'CAP_NOSUCH'],
    ['pwd'],
    /^\/\n$/,
    { deviations: { runc: { seen: '1.1.5', why: 'crashes when process has no capabilities (a nil pointer)' } } },
  ),
  says(['exec-path', 'a name without a slash is looked for in PATH of the container'], [], ['pwd'], /^\/\n$/),
  says(
    ['exec-dashes', 'flags after the id are the program’s'],
    [],
    ['echo', '--cwd', '-u', '--help'],
    /^--cwd -u --help\n$/,
  ),
  says(['exec-stdin', 'stdin of exec is stdin of the process'], [], ['/bin/cat'], /^from outside\n$/, {
    manner: { input: 'from outside\n' },
  }),
]

const FLAGS: readonly Case[] = [
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

const REFUSED: readonly Case[] = [
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

export const EXEC: readonly Case[] = [...RUNS, ...FLAGS, ...REFUSED]
