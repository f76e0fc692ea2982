/** config.md#process in detail: every set of capabilities, limits, scheduling, memory policy, personality, devices. */
import { existsSync, readFileSync } from 'node:fs'
import { refuses, sees } from '../declare.ts'
import { ofProcess, pidOf, statusOf } from '../look.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

const POSIX = 'config.md#posix-process'
const LINUX = 'config.md#linux-process'
const USER = 'config.md#posix-platform-user'
const NEWER = {
  runc: { versions: '<1.2', why: 'does not know it (specification 1.1)' },
  crun: { seen: '1.8.1', why: 'does not know it (specification 1.1)' },
}
const V13 = {
  runc: { versions: '<1.4', why: 'does not know it (specification 1.3)' },
  crun: { versions: '<1.24', why: 'does not know it (specification 1.3)' },
}

const SETS = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const
const FIELDS = {
  bounding: 'CapBnd',
  effective: 'CapEff',
  inheritable: 'CapInh',
  permitted: 'CapPrm',
  ambient: 'CapAmb',
}

/** Sets that one set needs: what is effective is permitted, what is ambient is permitted and inheritable. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  bounding: [],
  permitted: ['bounding'],
  effective: ['bounding', 'permitted'],
  inheritable: ['bounding'],
  ambient: ['bounding', 'permitted', 'inheritable'],
}

const CAPABILITIES: readonly Case[] = [
  ...SETS.map((set) =>
    sees(
      [`capabilities-${set}`, LINUX, `the ${set} set is as configured, and no other has more`],
      {
        process: {
          capabilities: Object.fromEntries(
            [set, ...(NEEDS[set] ?? [])].map((name) => [name, ['CAP_CHOWN', 'CAP_KILL']]),
          ),
          user: { uid: set === 'ambient' ? 1000 : 0 },
        },
      },
      'grep -E "^Cap" /proc/self/status',
      (seen) => {
        const has = (name: (typeof SETS)[number]) => new RegExp(`^${FIELDS[name]}:\\t(\\w+)$`, 'm').exec(seen)?.[1]
        const wanted = has(set) === '0000000000000021'
        // Who executes as root gets what is bounding; the rest has no more than configured.
        return wanted && SETS.every((name) => /^0+(21)?$/.test(has(name) ?? 'x'))
      },
    ),
  ),
  sees(
    ['capabilities-none', LINUX, 'without capabilities there are none'],
    { process: { capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] } } },
    'grep -E "^Cap" /proc/self/status',
    /^CapInh:\t0+\nCapPrm:\t0+\nCapEff:\t0+\nCapBnd:\t0+\nCapAmb:\t0+\n$/,
  ),
  sees(
    ['capabilities-user', LINUX, 'a user that is not root has what is ambient, and nothing else'],
    {
      process: {
        user: { uid: 1000, gid: 1000 },
        capabilities: Object.fromEntries(
          SETS.map((set) => [set, set === 'ambient' ? ['CAP_KILL'] : ['CAP_KILL', 'CAP_CHOWN']]),
        ),
      },
    },
    'grep -E "^Cap(Eff|Prm|Amb)" /proc/self/status',
    /^CapPrm:\t0+20\nCapEff:\t0+20\nCapAmb:\t0+20\n$/,
  ),
]

const limit = (name: string, soft: number, hard: number) => ({
  process: { rlimits: [{ type: `RLIMIT_${name}`, soft, hard }] },
})
const LIMITS: readonly (readonly [name: string, label: string])[] = [
  ['AS', 'Max address space'],
  ['CORE', 'Max core file size'],
  ['CPU', 'Max cpu time'],
  ['DATA', 'Max data size'],
  ['FSIZE', 'Max file size'],
  ['LOCKS', 'Max file locks'],
  ['MEMLOCK', 'Max locked memory'],
  ['MSGQUEUE', 'Max msgqueue size'],
  ['NICE', 'Max nice priority'],
  ['NOFILE', 'Max open files'],
  ['NPROC', 'Max processes'],
  ['RSS', 'Max resident set'],
  ['RTPRIO', 'Max realtime priority'],
  ['RTTIME', 'Max realtime timeout'],
  ['SIGPENDING', 'Max pending signals'],
  ['STACK', 'Max stack size'],
]

const RLIMITS: readonly Case[] = [
  ...LIMITS.map(
    ([name, label]): Case => ({
      id: `rlimit-${name.toLowerCase()}`,
      clause: POSIX,
      asks: `RLIMIT_${name} can be read back as it was configured`,
      covers: ['config-rlimits-03', 'config-rlimits-05', 'config-rlimits-07'],
      test(subject) {
        // Within the limits of the suite itself: more takes a capability that the host may not grant.
        const own = new RegExp(`^${label} +(\\S+) +(\\S+)`, 'm').exec(ofProcess(process.pid, 'limits'))
        if (!own) throw new HostCannot(`no ${label} in /proc/self/limits`)
        const most = own[2] === 'unlimited' ? 1 << 30 : Number(own[2])
        const [soft, hard] = [Math.floor(most / 2), most]
        const bundle = subject.bundle('sleep 100', (config) => {
          Object.assign(config.process ?? {}, limit(name, soft, hard).process)
        })
        subject.run(bundle)
        const text = subject.kernel(`/proc/${pidOf(subject, bundle.id)}/limits`)
        const line = new RegExp(`^${label}.*$`, 'm').exec(text)?.[0] ?? ''
        expect(
          new RegExp(`^${label} +${soft} +${hard} `).test(line),
          `${JSON.stringify(line)}, expected ${soft} ${hard}`,
        )
      },
    }),
  ),
  refuses(['rlimit-soft-above-hard', POSIX, 'a soft limit above the hard one is an error'], limit('NOFILE', 20, 10), {
    late: true,
  }),
]

const IDENTITY: readonly Case[] = [
  sees(
    ['user-groups-none', USER, 'without additionalGids there are no other groups than gid'],
    { process: { user: { uid: 5, gid: 6 } } },
    'grep Groups /proc/self/status',
    /^Groups:\t *(6 )?\n$/,
  ),
  sees(
    ['user-high', USER, 'the highest ids work'],
    { process: { user: { uid: 4294967294, gid: 4294967294 } } },
    'grep -E "^(Uid|Gid)" /proc/self/status',
    /^Uid:(\t4294967294){4}\nGid:(\t4294967294){4}\n$/,
    { deviations: { runc: { seen: '1.1.5', why: 'takes ids up to 2147483647 only' } } },
  ),
  refuses(['user-negative', USER, 'a negative id is an error'], { process: { user: { uid: -1 } } }, { late: true }),
  refuses(
    ['user-too-high', USER, 'an id above 32 bits is an error, and does not wrap around to root'],
    { process: { user: { uid: 4294967296 } } },
    { late: true },
  ),
  {
    id: 'process-oom-score-unset',
    clause: LINUX,
    asks: 'without oomScoreAdj the value MUST NOT be changed',
    covers: ['config-oom-02'],
    test(subject) {
      const bundle = subject.bundle('cat /proc/self/oom_score_adj >/seen; sleep 100')
      const own = readFileSync('/proc/self/oom_score_adj', 'utf8')
      subject.run(bundle)
      expectSame(subject.kernel(`/proc/${pidOf(subject, bundle.id)}/oom_score_adj`), own, 'oom_score_adj')
    },
  },
  refuses(
    ['process-oom-score-out-of-range', LINUX, 'what the kernel does not take is an error'],
    { process: { oomScoreAdj: 1001 } },
    { late: true },
  ),
  sees(
    [
      'process-env-odd',
      POSIX,
      'the environment is handed on as it is: empty values, equals signs, spaces, other scripts',
    ],
    { process: { env: ['EMPTY=', 'EQ==a=b', 'SP= x ', 'UNI=Grüße'] } },
    'echo "[$EMPTY][$EQ][$SP][$UNI]"',
    /^\[\]\[=a=b\]\[ x \]\[Grüße\]\n$/,
  ),
  {
    id: 'process-args-odd',
    clause: POSIX,
    asks: 'arguments are handed on as they are: empty, with spaces, lines, dashes',
    test(subject) {
      const odd = ['', ' x ', 'one\ntwo', '--help', '-c', '"$HOME"', 'Grüße']
      const bundle = subject.bundle('true', (config) => {
        if (config.process)
          config.process.args = ['/bin/sh', '-c', 'for a; do echo "[$a]"; done >/seen; echo end >>/seen', 'sh', ...odd]
      })
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('seen'), `${odd.map((one) => `[${one}]\n`).join('')}end\n`, 'arguments')
    },
  },
]

const SCHEDULING: readonly Case[] = [
  ...(
    [
      ['SCHED_OTHER', { nice: 7 }, '7 0'],
      ['SCHED_BATCH', { nice: 3 }, '3 3'],
      ['SCHED_IDLE', {}, '0 5'],
      ['SCHED_FIFO', { priority: 11 }, '0 1'],
      ['SCHED_RR', { priority: 12 }, '0 2'],
    ] as const
  ).map(
    ([policy, more, wanted]): Case => ({
      id: `scheduler-${policy.toLowerCase().replace('sched_', '')}`,
      clause: LINUX,
      asks: `scheduler policy ${policy} is that of the process`,
      deviations: NEWER,
      test(subject) {
        if (/FIFO|RR/.test(policy) && existsSync('/sys/fs/cgroup/cpu/cpu.rt_runtime_us'))
          throw new HostCannot('realtime scheduling takes a share of a v1 cgroup (CONFIG_RT_GROUP_SCHED)')
        const bundle = subject.bundle('sleep 100', (config) => {
          config.ociVersion = '1.1.0'
          Object.assign(config.process ?? {}, { scheduler: { policy, ...more } })
        })
        subject.run(bundle)
        const stat = subject
          .kernel(`/proc/${pidOf(subject, bundle.id)}/stat`)
          .replace(/^.*\) /, '')
          .split(' ')
        expectSame(`${stat[16]} ${stat[38]}`, wanted, 'nice and policy')
      },
    }),
  ),
  refuses(
    ['scheduler-unknown', LINUX, 'a policy that does not exist is an error'],
    { ociVersion: '1.1.0', process: { scheduler: { policy: 'SCHED_NOSUCH' } } },
    { late: true, deviations: NEWER },
  ),
  ...(['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'] as const).map((name) =>
    sees(
      [`io-priority-${name.slice(13).toLowerCase()}`, LINUX, `ioPriority ${name} is that of the process`],
      { ociVersion: '1.1.0', process: { ioPriority: { class: name, priority: name === 'IOPRIO_CLASS_IDLE' ? 0 : 6 } } },
      'busybox ionice -p $$',
      { IOPRIO_CLASS_RT: /^realtime: prio 6/, IOPRIO_CLASS_BE: /^best-effort: prio 6/, IOPRIO_CLASS_IDLE: /^idle/ }[
        name
      ],
      { deviations: NEWER },
    ),
  ),
  refuses(
    ['io-priority-unknown', LINUX, 'a class that does not exist is an error'],
    { ociVersion: '1.1.0', process: { ioPriority: { class: 'IOPRIO_CLASS_NOSUCH', priority: 0 } } },
    { late: true, deviations: NEWER },
  ),
  {
    id: 'exec-cpu-affinity-final',
    clause: LINUX,
    asks: 'execCPUAffinity.final is where a process of exec runs',
    deviations: {
      runc: { versions: '<1.3', why: 'does not know it (specification 1.2)' },
      crun: { seen: '1.8.1', why: 'does not know it (specification 1.2)' },
    },
    test(subject) {
      const own = statusOf(process.pid, 'Cpus_allowed_list')
      if (!/[,-]/.test(own)) throw new HostCannot('one CPU only')
      const last = own.split(/[,-]/).at(-1) ?? ''
      const bundle = subject.bundle('sleep 100', (config) => {
        config.ociVersion = '1.2.0'
        Object.assign(config.process ?? {}, { execCPUAffinity: { final: last } })
      })
      subject.run(bundle)
      expectSame(statusOf(pidOf(subject, bundle.id), 'Cpus_allowed_list'), own, 'CPUs of the first process')
      const { stdout } = subject.must('exec', bundle.id, '/bin/sh', '-c', 'grep Cpus_allowed_list /proc/self/status')
      expectSame(stdout.split('\t')[1]?.trim(), last, 'CPUs of exec')
    },
  },
  {
    id: 'exec-cpu-affinity-unset',
    clause: LINUX,
    asks: 'without execCPUAffinity.final CPUs SHOULD NOT be changed after the move to the cgroup',
    covers: ['config-exec-affinity-01'],
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const { stdout } = subject.must('exec', bundle.id, '/bin/sh', '-c', 'grep Cpus_allowed_list /proc/self/status')
      expectSame(
        stdout.split('\t')[1]?.trim(),
        statusOf(pidOf(subject, bundle.id), 'Cpus_allowed_list'),
        'CPUs of exec',
      )
    },
  },
]

const MEMPOLICY = 'config-linux.md#memory-policy'
const noNuma = () => (existsSync('/proc/self/numa_maps') ? undefined : 'no NUMA (CONFIG_NUMA)')
const POLICIES: readonly Case[] = [
  ...(
    [
      ['MPOL_BIND', { nodes: '0' }, /\bbind:0 /],
      ['MPOL_INTERLEAVE', { nodes: '0' }, /\binterleave:0 /],
      ['MPOL_PREFERRED', { nodes: '0' }, /\bprefer:0 /],
      ['MPOL_LOCAL', {}, /\blocal /],
      ['MPOL_DEFAULT', {}, /\bdefault /],
      ['MPOL_BIND', { nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, /\bbind=static:0 /],
    ] as const
  ).map(([mode, more, wanted]) =>
    sees(
      [
        `memory-policy-${mode.slice(5).toLowerCase()}${'flags' in more ? '-static' : ''}`,
        MEMPOLICY,
        `mode ${mode} is that of the process`,
        'features-linux-memory-policy-01',
      ],
      { ociVersion: '1.3.0', linux: { memoryPolicy: { mode, ...more } } },
      'cat /proc/self/numa_maps',
      wanted,
      { needs: noNuma, deviations: mode === 'MPOL_DEFAULT' ? { crun: V13.crun } : V13 },
    ),
  ),
  refuses(
    ['memory-policy-unknown', MEMPOLICY, 'a mode that does not exist is an error'],
    { ociVersion: '1.3.0', linux: { memoryPolicy: { mode: 'MPOL_NOSUCH' } } },
    { late: true, deviations: { runc: V13.runc } },
  ),
  refuses(
    ['memory-policy-nodes-missing', MEMPOLICY, 'MPOL_BIND without nodes is an error'],
    { ociVersion: '1.3.0', linux: { memoryPolicy: { mode: 'MPOL_BIND' } } },
    { late: true, deviations: { runc: V13.runc } },
  ),
  refuses(
    ['memory-policy-mode-missing', MEMPOLICY, 'mode is required', 'linux-memory-policy-01'],
    { ociVersion: '1.3.0', linux: { memoryPolicy: { nodes: '0' } } },
    { late: true, deviations: { runc: V13.runc } },
  ),
]

const PERSONALITY = 'config-linux.md#personality'
const PERSONALITIES: readonly Case[] = [
  sees(
    ['personality-linux32', PERSONALITY, 'domain LINUX32 is that of the process'],
    { linux: { personality: { domain: 'LINUX32' } } },
    'busybox uname -m',
    /^(i686|armv\w+)\n$/,
    {
      deviations: { runc: { versions: '<1.2', why: 'does not know personality' } },
      needs: () => (['x64', 'arm64'].includes(process.arch) ? undefined : 'no 32-bit personality'),
    },
  ),
  sees(
    ['personality-linux', PERSONALITY, 'domain LINUX is that of the process'],
    { linux: { personality: { domain: 'LINUX' } } },
    'cat /proc/self/personality',
    /^00000000\n$/,
  ),
  refuses(
    ['personality-unknown', PERSONALITY, 'a domain that does not exist is an error'],
    { linux: { personality: { domain: 'SOLARIS' } } },
    { late: true, deviations: { runc: { versions: '<1.2', why: 'does not know personality' } } },
  ),
  refuses(
    ['personality-domain-missing', PERSONALITY, 'domain is required', 'linux-personality-01'],
    { linux: { personality: {} } },
    { late: true, deviations: { runc: { versions: '<1.2', why: 'does not know personality' } } },
  ),
]

export const PROCESS_MORE: readonly Case[] = [
  ...CAPABILITIES,
  ...RLIMITS,
  ...IDENTITY,
  ...SCHEDULING,
  ...POLICIES,
  ...PERSONALITIES,
]
