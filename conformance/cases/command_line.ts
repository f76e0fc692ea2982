/** What engines match on: logs, exit codes, words; and devices, seccomp and recursive mounts in detail. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { refuses, sees } from '../declare.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const LOG = 'command line of runc: --log'
const DEVICES = 'config-linux.md#devices'
const SECCOMP = 'config-linux.md#seccomp'

interface Line {
  readonly level: string
  readonly msg: string
  readonly time: string
}

const LOGS: readonly Case[] = [
  {
    id: 'log-json',
    clause: LOG,
    asks: 'with --log-format json each line of the log has level, msg and time; the last says why',
    test(subject) {
      const bundle = subject.bundle('true')
      const log = join(bundle.path, 'log')
      const manner = { flags: ['--log', log, '--log-format', 'json'] }
      const { ok } = subject.callAs(manner, 'start', bundle.id)
      expect(!ok, 'start succeeded: there is no such container')
      const lines = subject
        .kernel(log)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
      const { level, msg, time } = lines.at(-1) ?? { level: '', msg: '', time: '' }
      expectSame(level, 'error', 'level')
      expect(/does not exist|no such file/i.test(msg), `msg is ${JSON.stringify(msg)}`)
      expect(!Number.isNaN(Date.parse(time)), `time is ${JSON.stringify(time)}`)
    },
  },
  {
    id: 'log-text',
    clause: LOG,
    asks: 'without a format the log is text, in the file and not lost',
    test(subject) {
      const bundle = subject.bundle('true')
      const log = join(bundle.path, 'log')
      expect(!subject.callAs({ flags: ['--log', log] }, 'start', bundle.id).ok, 'start succeeded')
      expect(subject.kernel(log).trim() !== '', 'the log is empty')
    },
  },
  {
    id: 'words-not-exist',
    clause: 'command line of runc: what containerd, Podman and CRI-O match on',
    asks: 'state, kill and delete of an unknown container say that it does not exist',
    test(subject) {
      for (const args of [['state'], ['delete'], ['kill']]) {
        const { stderr } = subject.mustFail(
          [...args, 'conf-unknown', ...(args[0] === 'kill' ? ['KILL'] : [])],
          'it is unknown',
        )
        expect(/does not exist|No such file or directory/.test(stderr), `${args[0]} said ${JSON.stringify(stderr)}`)
      }
    },
  },
  {
    id: 'words-kill-stopped',
    clause: 'command line of runc: what containerd matches on',
    asks: 'kill of a stopped container says that it is not running, or that there is no such process',
    test(subject) {
      const bundle = subject.bundle('true')
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      const { stderr } = subject.mustFail(['kill', bundle.id, 'KILL'], 'it is stopped')
      expect(/not running|process already finished|No such process/i.test(stderr), JSON.stringify(stderr))
    },
  },
  {
    id: 'words-version',
    clause: 'command line of runc: --version',
    asks: '--version says name and version in the first line, and spec in another',
    test(subject) {
      const { stdout } = subject.must('--version')
      expect(/^\S+ version \S+/.test(stdout) && /^spec: \d+\.\d+\.\d+/m.test(stdout), JSON.stringify(stdout))
    },
  },
  {
    id: 'pid-file-exec-run',
    clause: 'command line of runc: run --detach --pid-file',
    asks: 'run --detach returns with the container running, and the pid file has its pid',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      const path = join(bundle.path, 'pid')
      subject.must('run', '--detach', '--bundle', bundle.path, '--pid-file', path, bundle.id)
      expectSame(readFileSync(path, 'utf8'), String(subject.await(bundle.id, 'running').pid), 'pid file')
    },
  },
  {
    id: 'run-exit-code',
    clause: 'command line of runc: run',
    asks: 'run ends with the exit code of the program, and nothing is left of the container',
    test(subject) {
      for (const [script, code] of [
        ['exit 0', 0],
        ['exit 42', 42],
        ['kill -KILL $$; exit 1', undefined],
      ] as const) {
        const bundle = subject.bundle(script)
        const outcome = subject.call('run', '--bundle', bundle.path, bundle.id)
        if (code !== undefined) expectSame(outcome.code, code, `exit code after ${script}`)
        expect(!subject.exists(bundle.id), 'the container exists')
        expectSame(subject.leftOf(bundle), [], 'left')
      }
    },
  },
]

const DETAILS: readonly Case[] = [
  sees(
    ['device-fifo', DEVICES, 'a fifo is made, without numbers', 'linux-devices-01'],
    { linux: { devices: [{ path: '/dev/pipe', type: 'p', fileMode: 0o600 }] } },
    'stat -c "%F %a" /dev/pipe',
    /^fifo 600\n$/,
  ),
  sees(
    ['device-outside-dev', DEVICES, 'a device may be anywhere in the container', 'linux-devices-01'],
    { linux: { devices: [{ path: '/a/b/null', type: 'c', major: 1, minor: 3 }] } },
    'stat -c "%t %T" /a/b/null',
    /^1 3\n$/,
  ),
  refuses(['device-type-missing', DEVICES, 'a device has a type', 'linux-devices-02'], {
    linux: { devices: [{ path: '/dev/x', major: 1, minor: 3 }] },
  }),
  refuses(
    ['device-path-missing', DEVICES, 'a device has a path', 'linux-devices-03'],
    {
      linux: { devices: [{ type: 'c', major: 1, minor: 3 }] },
    },
    { deviations: { runc: { versions: '<1.2', why: 'takes a device without a path, and makes none' } } },
  ),
  sees(
    ['seccomp-default-errno', SECCOMP, 'defaultErrnoRet is what other calls end with'],
    {
      linux: {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['sethostname'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
        },
      },
    },
    'busybox hostname x; true',
    /not supported/i,
  ),
  sees(
    ['seccomp-kill', SECCOMP, 'SCMP_ACT_KILL_PROCESS ends the process'],
    {
      linux: {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['sethostname'], action: 'SCMP_ACT_KILL_PROCESS' }],
        },
      },
    },
    'busybox hostname x; echo $?',
    /159\n$/,
  ),
  sees(
    [
      'mount-rro-submounts',
      'config.md#linux-mount-options',
      'rro makes the mounts below read-only, too',
      'config-mount-option-rro',
    ],
    { mounts: [{ destination: '/mnt', type: 'bind', source: '/dev', options: ['rbind', 'rro'] }] },
    'grep -c " /mnt" /proc/self/mountinfo; grep " /mnt" /proc/self/mountinfo | grep -v " ro[, ]"; echo end',
    /^\d+\nend\n$/,
  ),
]

export const COMMAND_LINE: readonly Case[] = [...LOGS, ...DETAILS]
