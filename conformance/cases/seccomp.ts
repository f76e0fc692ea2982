/** config-linux.md#seccomp: every action, flags, and what is no filter. */
import { readFileSync } from 'node:fs'
import { refuses, sees } from '../declare.ts'
import { CALL, EADDRNOTAVAIL, errno, filter, RENICE, SECCOMP } from '../filter.ts'
import { pause } from '../host.ts'
import { ofProcess, pidOf, statusOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'
import { SECCOMP_ARGUMENTS } from './seccomp_arguments.ts'

/** What a shell and a runtime that ends in it call, on whatever architecture; setpriority is not among them. */
const USUAL = [
  'accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown clock_getres clock_gettime',
  'clock_nanosleep clone clone3 close close_range connect dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait',
  'epoll_wait eventfd2 execve execveat exit exit_group faccessat faccessat2 fchdir fchmod fchmodat fchown',
  'fchownat fcntl fstat fstatfs fsync ftruncate futex getcwd getdents getdents64 getegid geteuid getgid',
  'getgroups getpgid getpgrp getpid getppid getpriority getrandom getrlimit gettid getuid ioctl kill lseek',
  'lstat madvise mincore mmap mprotect mremap munmap nanosleep newfstatat open openat openat2 pause pipe pipe2',
  'poll ppoll prctl pselect6 pread64 prlimit64 read readlink readlinkat recvfrom recvmsg restart_syscall rseq',
  'rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend sched_getaffinity sched_yield seccomp select sendmsg',
  'sendto set_robust_list set_tid_address setgid setgroups setpgid setresgid setresuid setsid setuid',
  'sigaltstack socket stat statfs statx sysinfo tgkill time uname unlink vfork wait4 waitid write writev',
].join(' ')

/** The host cannot where the kernel does not have the action. */
const needs = (action: string) => () =>
  readFileSync('/proc/sys/kernel/seccomp/actions_avail', 'utf8').split(/\s/).includes(action)
    ? undefined
    : `the kernel has no action ${action}`

/** Exit codes of a shell whose command a signal ended: SIGSYS. */
const SIGSYS = 128 + 31

const ACTIONS: readonly Case[] = [
  sees(
    ['seccomp-action-allow', SECCOMP, 'SCMP_ACT_ALLOW lets the call through, where others are refused'],
    {
      linux: {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [
            { names: [CALL], action: 'SCMP_ACT_ERRNO', args: [{ index: 2, value: 3, op: 'SCMP_CMP_EQ' }] },
            { names: ['sethostname'], action: 'SCMP_ACT_ERRNO', errnoRet: EADDRNOTAVAIL },
          ],
        },
      },
    },
    `${RENICE} && echo through; busybox hostname x`,
    /through\n[\s\S]*address/i,
  ),
  sees(
    ['seccomp-action-errno', SECCOMP, 'SCMP_ACT_ERRNO without errnoRet is EPERM'],
    filter({ action: 'SCMP_ACT_ERRNO' }),
    `${RENICE}; echo $?`,
    /not permitted[\s\S]*\n1\n$/i,
  ),
  ...['SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP'].map((action) =>
    sees(
      [`seccomp-action-${action.slice(9).toLowerCase().replace('_', '-')}`, SECCOMP, `${action} ends it by SIGSYS`],
      filter({ action }),
      `${RENICE}; echo $?`,
      new RegExp(`\\b${SIGSYS}\\n$`),
    ),
  ),
  sees(
    ['seccomp-action-trace', SECCOMP, 'SCMP_ACT_TRACE without anybody who traces: ENOSYS'],
    filter({ action: 'SCMP_ACT_TRACE' }),
    `${RENICE}; echo $?`,
    /not implemented[\s\S]*\n1\n$/i,
  ),
  sees(
    ['seccomp-action-log', SECCOMP, 'SCMP_ACT_LOG lets the call through; the process has a filter'],
    filter({ action: 'SCMP_ACT_LOG' }),
    `${RENICE} && echo through; grep Seccomp: /proc/self/status`,
    /through\nSeccomp:\t2\n$/,
    { needs: needs('log') },
  ),
  sees(
    ['seccomp-default-action', SECCOMP, 'defaultAction and defaultErrnoRet are for what no entry names'],
    {
      ociVersion: '1.1.0',
      linux: {
        seccomp: {
          defaultAction: 'SCMP_ACT_ERRNO',
          defaultErrnoRet: EADDRNOTAVAIL,
          syscalls: [{ names: USUAL.split(' '), action: 'SCMP_ACT_ALLOW' }],
        },
      },
    },
    RENICE,
    /address/i,
  ),
]

const SEVERAL: readonly Case[] = [
  sees(
    ['seccomp-names-unknown', SECCOMP, 'a name that this kernel does not have is no reason to fail'],
    filter({ names: ['no_such_system_call', CALL], action: 'SCMP_ACT_ERRNO', errnoRet: EADDRNOTAVAIL }),
    RENICE,
    /address/i,
  ),
  {
    id: 'seccomp-children',
    clause: SECCOMP,
    asks: 'the filter is that of every process of the container, and was loaded once',
    test(subject) {
      const bundle = subject.bundle('sleep 100 & exec sleep 100', (config) =>
        Object.assign(config.linux, filter({ action: 'SCMP_ACT_ERRNO' }).linux),
      )
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      const children = () => ofProcess(pid, `task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
      for (let turn = 0; turn < 100 && (children().length === 0 || ofProcess(pid, 'comm') !== 'sleep\n'); turn++)
        pause(20)
      const modes = [pid, ...children()].map((one) => statusOf(one, 'Seccomp'))
      expectSame(modes, ['2', '2'], 'modes of seccomp')
      const filters = statusOf(pid, 'Seccomp_filters')
      const own = Number(statusOf(process.pid, 'Seccomp_filters') || 0)
      expect(filters === '' || Number(filters) === own + 1, `${filters} filters, the suite has ${own}`)
    },
  },
]

// The kernel has these since 4.17, 4.14, and 5.19.
const FLAGS = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_TSYNC'] as const
const FLAGGED: readonly Case[] = FLAGS.map((flag) =>
  sees(
    [
      `seccomp-flag-${flag.slice(20).toLowerCase().replace('_', '-')}`,
      SECCOMP,
      `${flag} is taken, and the filter works`,
    ],
    filter({ action: 'SCMP_ACT_ERRNO', errnoRet: EADDRNOTAVAIL }, { flags: [flag] }),
    `${RENICE}; grep -E "^(Seccomp|Speculation_Store_Bypass):" /proc/self/status`,
    /address[\s\S]*Seccomp:\t2\n/i,
    { deviations: { runc: { versions: '<1.2', why: 'does not know flags, and says so' } } },
  ),
)

const WRONG: readonly Case[] = [
  refuses(
    ['seccomp-errno-no-errno', SECCOMP, 'errnoRet of an action that has none MUST be an error', 'linux-seccomp-13'],
    filter({ action: 'SCMP_ACT_KILL_PROCESS', errnoRet: 7 }),
    {
      late: true,
      deviations: {
        runc: { seen: '1.1.5', why: 'ignores it' },
        crun: { seen: '1.21', unseen: '1.8.1', why: 'ignores it' },
      },
    },
  ),
  refuses(
    [
      'seccomp-default-no-errno',
      SECCOMP,
      'defaultErrnoRet of an action that has none MUST be an error',
      'linux-seccomp-02',
    ],
    { ociVersion: '1.1.0', linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 7 } } },
    { late: true, deviations: { runc: { seen: '1.1.5', why: 'ignores it' } } },
  ),
  refuses(
    ['seccomp-op-unknown', SECCOMP, 'an operator that is none is an error', 'config-valid-01'],
    errno([{ index: 2, value: 5, op: 'SCMP_CMP_NOSUCH' }]),
    { late: true },
  ),
  refuses(
    ['seccomp-index-high', SECCOMP, 'a system call has six arguments: an index above 5 is an error', 'config-valid-01'],
    errno([{ index: 6, value: 5, op: 'SCMP_CMP_EQ' }]),
    { late: true },
  ),
  refuses(
    ['seccomp-flag-unknown', SECCOMP, 'a flag that is none is an error', 'config-valid-01'],
    filter({ action: 'SCMP_ACT_ERRNO' }, { flags: ['SECCOMP_FILTER_FLAG_NOSUCH'] }),
    { late: true },
  ),
  refuses(
    ['seccomp-arch-unknown', SECCOMP, 'an architecture that is none is an error', 'config-valid-01'],
    filter({ action: 'SCMP_ACT_ERRNO' }, { architectures: ['SCMP_ARCH_NOSUCH'] }),
    { late: true },
  ),
]

export const SECCOMP_DETAIL: readonly Case[] = [...ACTIONS, ...SECCOMP_ARGUMENTS, ...SEVERAL, ...FLAGGED, ...WRONG]
