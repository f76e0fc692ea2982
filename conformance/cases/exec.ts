/** exec: no operation of the specification, but every engine's; with the flags of runc's command line. */
import { readFileSync, statSync } from 'node:fs'
import type { Config } from '../bundle.ts'
import type { Manner } from '../call.ts'
import { namespaceOf, pidOf } from '../look.ts'
import { type Case, expect } from '../suite.ts'
import { FLAGS, REFUSED } from './exec_flags.ts'

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

const sh = (script: string) => ['/bin/sh', '-c', script]

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
      deviations: { crun: { versions: '<1.16.1', why: 'is root without --user' } },
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
      deviations: {
        runc: { versions: '<1.1.13', race: true, why: 'sets it while its own init, of Go, sets another (runc#4195)' },
        crun: { seen: '1.8.1', why: 'does not apply rlimits of process to exec' },
      },
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

export const EXEC: readonly Case[] = [...RUNS, ...FLAGS, ...REFUSED]
