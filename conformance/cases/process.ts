/** config.md#process: what a program is given. */
import { refuses, sees } from '../declare.ts'
import type { Case } from '../suite.ts'

const POSIX = 'config.md#posix-process'
const LINUX = 'config.md#linux-process'
const CAPS = ['bounding', 'effective', 'permitted']
const capabilities = (names: readonly string[]) => Object.fromEntries(CAPS.map((set) => [set, names]))

const TWICE = 'sets both, one after the other; the last is in force'
const NEW = 'does not know the property, which came with version 1.1 of the specification, and ignores it'

export const PROCESS: readonly Case[] = [
  sees(
    ['process-cwd', 'config.md#process', 'cwd is the working directory'],
    { process: { cwd: '/tmp' } },
    'pwd',
    /^\/tmp\n$/,
  ),
  sees(['process-env', POSIX, 'env is the environment'], { process: { env: ['A=b c'] } }, 'echo "$A"', /^b c\n$/),
  sees(
    ['process-user', 'config.md#posix-platform-user', 'uid, gid and additional groups are as configured'],
    { process: { user: { uid: 0, gid: 7, additionalGids: [5, 9] } } },
    'grep -E "^(Uid|Gid|Groups)" /proc/self/status',
    /^Uid:\t0\t0\t0\t0\nGid:\t7\t7\t7\t7\nGroups:\t5 (7 )?9 \n$/,
  ),
  sees(
    ['process-umask', 'config.md#posix-platform-user', 'umask is as configured'],
    { process: { user: { umask: 0o27 } } },
    'umask',
    /^0027\n$/,
  ),
  sees(
    [
      'process-rlimits',
      POSIX,
      'soft and hard limits match the configured values',
      'config-rlimits-03',
      'config-rlimits-05',
      'config-rlimits-07',
    ],
    { process: { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 511, hard: 733 }] } },
    'grep "open files" /proc/self/limits',
    /^Max open files +511 +733 /,
  ),
  refuses(
    ['process-rlimits-twice', POSIX, 'two limits of one type are an error', 'config-rlimits-08'],
    { process: { rlimits: [1, 2].map((soft) => ({ type: 'RLIMIT_CORE', soft, hard: 9 })) } },
    { late: true, deviations: { runc: { versions: '<1.2', why: TWICE }, crun: { seen: '1.8.1', why: TWICE } } },
  ),
  refuses(
    ['process-rlimits-unknown', POSIX, 'a limit the kernel does not have is an error', 'config-rlimits-02'],
    { process: { rlimits: [{ type: 'RLIMIT_NOSUCH', soft: 1, hard: 1 }] } },
    { late: true },
  ),
  refuses(
    ['process-cwd-relative', 'config.md#process', 'cwd is an absolute path', 'config-process-06'],
    { process: { cwd: 'tmp' } },
    {
      late: true,
      deviations: {
        crun: { seen: '1.8.1', why: 'goes there from the root: a relative path works as if it began with a slash' },
      },
    },
  ),
  refuses(
    ['process-args-missing', POSIX, 'args has one entry at least', 'config-process-07'],
    { process: { args: null } },
    {
      late: true,
      deviations: {
        crun: { seen: '1.8.1', why: 'finds out in the container, when start has returned; nothing runs' },
      },
    },
  ),
  sees(
    ['process-no-new-privileges', LINUX, 'noNewPrivileges keeps the process from gaining privileges'],
    { process: { noNewPrivileges: true } },
    'grep NoNewPrivs /proc/self/status',
    /^NoNewPrivs:\t1\n$/,
  ),
  sees(
    ['process-oom-score', LINUX, 'oomScoreAdj is set as configured', 'config-oom-01'],
    { process: { oomScoreAdj: 321 } },
    'cat /proc/self/oom_score_adj',
    /^321\n$/,
  ),
  sees(
    ['process-capabilities', LINUX, 'the sets of capabilities are as configured'],
    { process: { capabilities: capabilities(['CAP_KILL', 'CAP_CHOWN']) } },
    'grep -E "^Cap(Inh|Prm|Eff|Bnd|Amb)" /proc/self/status',
    /^CapInh:\t0+\nCapPrm:\t0+21\nCapEff:\t0+21\nCapBnd:\t0+21\nCapAmb:\t0+\n$/,
  ),
  sees(
    [
      'process-capabilities-unknown',
      LINUX,
      'a capability that cannot be granted is no reason to fail',
      'config-capabilities-02',
    ],
    { process: { capabilities: capabilities(['CAP_NOSUCH', 'CAP_KILL']) } },
    'grep CapEff /proc/self/status',
    /^CapEff:\t0+20\n$/,
  ),
  sees(
    [
      'process-console-size-ignored',
      'config.md#process',
      'consoleSize without a terminal is ignored',
      'config-process-02',
    ],
    { process: { consoleSize: { height: 10, width: 20 } } },
    'echo ran',
    /^ran\n$/,
  ),
  sees(
    ['process-io-priority', LINUX, 'ioPriority is set'],
    { ociVersion: '1.1.0', process: { ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 0 } } },
    'busybox ionice -p $$',
    /^idle/,
    { deviations: { runc: { versions: '<1.2', why: NEW }, crun: { versions: '<1.8.6', why: NEW } } },
  ),
  sees(
    ['process-scheduler', LINUX, 'scheduler policy is set'],
    { ociVersion: '1.1.0', process: { scheduler: { policy: 'SCHED_BATCH', nice: 5 } } },
    'busybox cut -d" " -f19,41 /proc/$$/stat',
    /^5 3\n$/,
    { deviations: { runc: { versions: '<1.2', why: NEW }, crun: { versions: '<1.8.5', why: NEW } } },
  ),
]
