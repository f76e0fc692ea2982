/** exec: what the process is, by the container's configuration, by flags and by a process file. */
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, createStart } from '../support/bundle.ts'
import { exec, output } from '../support/exec.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { parseStatus, processCgroups, processStatus } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { probePath } from '../support/probe.ts'
import { engineProfile } from '../support/profiles.ts'
import { LSM, requires } from '../support/requires.ts'
import { davit, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

/** A container that sleeps. */
async function sleeper(change: (config: Config) => void = () => {}): Promise<Bundle & { readonly pid: number }> {
  const made = await bundle((config) => {
    config.process.args = ['sleep', '1000']
    change(config)
  })
  const { pid } = await createStart(made)
  return { ...made, pid }
}

const statusIn = async (id: string, flags: readonly string[] = []) =>
  parseStatus(await outputIn(id, ['cat', '/proc/self/status'], flags))

function writeProcess(process: unknown): string {
  const path = `${scratch()}/process.json`
  writeFileSync(path, typeof process === 'string' ? process : JSON.stringify(process))
  return path
}

const failed = (words: string | RegExp) => ({ code: 255, stdout: '', stderr: expect.stringMatching(words) })

const ACCOUNTS = {
  passwd:
    'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1001:Bob:/home/bob:/bin/sh\n7:x:2000:2000::/seven:/bin/sh\nbroken\nhalf:x:\nodd:x:3x:4:::\n',
  group: 'root:x:0:\nstaff:x:50:alice,bob\nwheel:x:51:bob\nmany:x:52:bobby\nbad:x:-3:bob\n',
}

function addAccounts({ rootfs }: Bundle): void {
  writeFileSync(`${rootfs}/etc/passwd`, ACCOUNTS.passwd)
  writeFileSync(`${rootfs}/etc/group`, ACCOUNTS.group)
}

/** A process of which nothing is as it would be by itself. */
const EVERYTHING = {
  user: { uid: 1000, gid: 1001, additionalGids: [5, 44], umask: 0o27 },
  env: ['PATH=/bin', 'A=1', 'B=two words', 'HOME=/here'],
  cwd: '/tmp',
  oomScoreAdj: 123,
  noNewPrivileges: true,
  capabilities: {
    bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_ADMIN'],
    permitted: ['CAP_CHOWN', 'CAP_KILL'],
    inheritable: ['CAP_CHOWN'],
    effective: ['CAP_CHOWN'],
    ambient: ['CAP_CHOWN'],
  },
  rlimits: [
    { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
    { type: 'RLIMIT_NPROC', soft: 77, hard: 88 },
  ],
  ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 },
  scheduler: { policy: 'SCHED_BATCH', nice: 5, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
}

/** What the kernel says of a process. */
async function factsOf(pid: number) {
  const { Name, Uid, Gid, Groups, Umask, NoNewPrivs, Seccomp, Seccomp_filters, Cpus_allowed, ...rest } =
    processStatus(pid)
  const { CapInh, CapPrm, CapEff, CapBnd, CapAmb, SigBlk, SigIgn, SigCgt, NStgid } = rest
  const file = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8')
  return {
    ...{ Name, Uid, Gid, Groups, Umask, NoNewPrivs, Seccomp, Seccomp_filters, Cpus_allowed },
    ...{ CapInh, CapPrm, CapEff, CapBnd, CapAmb, SigBlk, SigIgn, SigCgt, levels: NStgid?.split(' ').length },
    limits: file('limits'),
    environ: file('environ'),
    cmdline: file('cmdline'),
    oom: file('oom_score_adj'),
    scheduling: (await output(await probePath(), ['scheduling', String(pid)])).trim(),
    cgroups: processCgroups(pid),
    cwd: readlinkSync(`/proc/${pid}/cwd`),
    root: readlinkSync(`/proc/${pid}/root`),
    exe: readlinkSync(`/proc/${pid}/exe`),
    personality: file('personality'),
    namespaces: ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'].map((type) =>
      readlinkSync(`/proc/${pid}/ns/${type}`),
    ),
  }
}

/** Another process that sleeps in the container, by exec; its pid. */
async function another(made: Bundle, how: readonly string[] = ['sleep', '1000']): Promise<number> {
  const file = `${made.path}/pid`
  const flags = ['exec', '--detach', '--pid-file', file]
  const line = how[0] === '--process' ? [...flags, ...how, made.id] : [...flags, made.id, ...how]
  expect((await davit(line, { output: `${made.path}/output` })).code).toBe(0)
  return Number(readFileSync(file, 'utf8'))
}

describe.runIf(requires('root'))('a process of exec', () => {
  test('is in everything what the first process is', async () => {
    const made = await sleeper((config) => {
      Object.assign(config.process, EVERYTHING)
      Object.assign(config.linux, { seccomp: engineProfile() })
    })
    const got = await factsOf(await another(made))
    expect(got).toEqual(await factsOf(made.pid))
    expect(got).toMatchObject({
      Seccomp: '2',
      CapEff: '0000000000000001',
      Umask: '0027',
      oom: '123\n',
      scheduling: expect.stringMatching(/^policy=3 flags=1 nice=5 .* io=2:6$/),
    })
  })

  test('is by a file what the first process of another container is by its configuration', async () => {
    const [first, other] = [await sleeper((config) => void Object.assign(config.process, EVERYTHING)), await sleeper()]
    const file = writeProcess({ ...first.config.process, args: ['sleep', '1000'] })
    const own = { cgroups: undefined, namespaces: undefined }
    const got = { ...(await factsOf(await another(other, ['--process', file]))), ...own }
    expect(got).toEqual({ ...(await factsOf(first.pid)), ...own })
    expect(got).toMatchObject({ Uid: '1000 1000 1000 1000', CapInh: '0000000000000001', oom: '123\n' })
  })

  test('is a session of its own, in the keyring of the container', async () => {
    const made = await bundle('probe keyring; exec sleep 1000')
    await createStart(made)
    const [first, other] = [readFileSync(`${made.path}/output`, 'utf8'), await outputIn(made.id, ['probe', 'keyring'])]
    expect(other).toBe(first)
    expect(other).toContain(`;_ses.${made.id}\n`)
    const [pid, , , , , session] = (await outputIn(made.id, ['cat', '/proc/self/stat'])).split(' ')
    expect(session).toBe(pid)
  })

  test('has the keyring of the caller where the container was made so', async () => {
    const made = await bundle(['sleep', '1000'])
    await createStart(made, { args: ['--no-new-keyring'] })
    expect(await outputIn(made.id, ['probe', 'keyring'])).not.toContain(`_ses.${made.id}`)
  })

  test('without limits of its own has the caller’s, not the engine’s', async () => {
    const made = await sleeper(({ process }) => {
      process.rlimits = []
    })
    const line = `ulimit -Sn 321; ulimit -Hn 4321; exec ${RUNTIME} --root ${stateRoot()} exec ${made.id} sh -c 'ulimit -Sn; ulimit -Hn'`
    expect((await exec('sh', ['-c', line])).stdout).toBe('321\n4321\n')
  })
})

describe.runIf(requires('root'))('--user', () => {
  const who = ({ Uid, Gid, Groups }: Record<string, string>) =>
    [Uid?.split(' ')[0], Gid?.split(' ')[0], Groups?.trim()].join(':')

  // Expected: uid:gid:additional groups. The container's process is 9:10 with group 11.
  test.each([
    ['0', '0:10:11'],
    ['1', '1:10:11'],
    ['1000', '1000:10:11'],
    ['1:2', '1:2:11'],
    ['0:0', '0:0:11'],
    ['4294967294:4294967294', '4294967294:4294967294:11'],
    ['bob', '1000:1001:50 51'],
    ['root', '0:0:'],
    ['bob:staff', '1000:50:50 51'],
    ['bob:7', '1000:7:50 51'],
    ['1000:staff', '1000:50:11'],
    ['7', '7:10:11'], // a number is a number, whatever passwd calls so
  ])('"%s" is %s', async (user, expected) => {
    const made = await sleeper(({ process }) => {
      process.user = { uid: 9, gid: 10, additionalGids: [11] }
    })
    addAccounts(made)
    expect(who(await statusIn(made.id, ['--user', user]))).toBe(expected)
  })

  // CVE-2026-30892
  test.each([
    '',
    ':',
    '1:',
    ':2',
    ':staff',
    'bob:',
    '01',
    '1:02',
    '-1',
    '+1',
    '1:-1',
    '4294967295',
    '1:4294967295',
    '4294967296',
    '99999999999999999999',
    '1x',
    '0x10',
    '1e3',
    '1.0',
    ' 1',
    '1 ',
    '1:2:3',
    'nobody',
    'bob:nogroup',
    'broken',
    'half',
    'odd',
    'bob:bad',
    'root\n',
    'x:0:0',
    '../../etc/passwd',
  ])('"%s" is refused', async (user) => {
    // biome-ignore format: a table
    const made = await sleeper()
    addAccounts(made)
    const { code, stdout, stderr } = await execIn(made.id, ['id'], ['--user', user])
    expect({ code, stdout }).toEqual({ code: 255, stdout: '' })
    expect(stderr).toMatch(/^davit: exec failed: invalid user "[^\n]*\n$/)
  })

  test('reads no account file that is no file, or leads out of the container', async () => {
    const made = await sleeper()
    const etc = `${made.rootfs}/etc`
    const refuse = async () =>
      expect(await execIn(made.id, ['id'], ['--user', 'bob'])).toMatchObject(failed('no user "bob"'))
    await exec('sh', ['-c', `rm ${etc}/passwd && mkfifo ${etc}/passwd`])
    await refuse()
    await exec('sh', ['-c', `rm ${etc}/passwd && mknod ${etc}/passwd c 1 5`])
    await refuse()
    await exec('sh', ['-c', `rm ${etc}/passwd && mkdir ${etc}/passwd`])
    await refuse()
    writeFileSync(`${made.path}/outside`, ACCOUNTS.passwd)
    await exec('sh', ['-c', `rmdir ${etc}/passwd && ln -s ${made.path}/outside ${etc}/passwd`])
    await refuse()
    await exec('sh', [
      '-c',
      `rm ${etc}/passwd && ln -s /proc/1/root/../../../../../..${made.path}/outside ${etc}/passwd`,
    ])
    await refuse()
    await exec('sh', ['-c', `rm ${etc}/passwd && truncate -s 1G ${etc}/passwd`])
    await refuse()
    // And what is in the container counts as the container sees it: a mount of its own.
    await exec('sh', ['-c', `rm ${etc}/passwd && cp ${made.path}/outside ${etc}/passwd`])
    expect(who(await statusIn(made.id, ['--user', 'bob']))).toBe('1000:1001:')
  })

  test('--additional-gids are added, numbers only', async () => {
    const made = await sleeper(({ process }) => {
      process.user = { uid: 9, gid: 10, additionalGids: [11] }
    })
    expect(who(await statusIn(made.id, ['-g', '100', '--additional-gids', '200', '-u', '1:2']))).toBe('1:2:11 100 200')
    for (const gid of ['', '-1', 'x', '01', '4294967296']) {
      expect(await execIn(made.id, ['id'], ['-g', gid])).toMatchObject(failed('invalid additional gid'))
    }
  })
})

describe.runIf(requires('root'))('flags of exec', () => {
  test('--env adds and replaces by name; the rest is the container’s', async () => {
    const made = await sleeper(({ process }) => {
      process.env = ['PATH=/bin', 'A=1', 'B=2', 'HOME=/root']
    })
    const env = async (...flags: string[]) => (await outputIn(made.id, ['env'], flags)).trimEnd().split('\n')
    expect(await env()).toEqual(['PATH=/bin', 'A=1', 'B=2', 'HOME=/root'])
    expect(await env('-e', 'A=x', '--env', 'C=3=4', '-e', 'B=', '-e', 'C=5')).toEqual([
      'PATH=/bin',
      'A=x',
      'B=',
      'HOME=/root',
      'C=5',
    ])
    expect(await env('-e', 'HOME=', '-u', '12345')).toEqual(['PATH=/bin', 'A=1', 'B=2', 'HOME=/'])
    for (const bad of ['A', '', '=x']) {
      expect(await execIn(made.id, ['env'], ['-e', bad])).toMatchObject(
        failed(`invalid environment variable: "${bad}"`),
      )
    }
  })

  test('--env PATH decides where the command is looked for', async () => {
    const made = await sleeper()
    mkdirSync(`${made.rootfs}/opt/x`, { recursive: true })
    writeFileSync(`${made.rootfs}/opt/x/tool`, '#!/bin/sh\necho tool\n')
    chmodSync(`${made.rootfs}/opt/x/tool`, 0o755)
    writeFileSync(`${made.rootfs}/opt/x/.hidden`, '#!/bin/sh\necho hidden\n', { mode: 0o755 })
    expect(await execIn(made.id, ['tool'])).toMatchObject(failed('executable file not found'))
    expect(await outputIn(made.id, ['tool'], ['-e', 'PATH=/bin:/opt/x'])).toBe('tool\n')
    expect(await outputIn(made.id, ['.hidden'], ['-e', 'PATH=/opt/x:/bin'])).toBe('hidden\n')
    expect(await outputIn(made.id, ['./tool'], ['--cwd', '/opt/x'])).toBe('tool\n')
  })

  test('--cwd: where only root may go, where only the user may, nowhere else', async () => {
    const made = await sleeper()
    for (const [name, mode, uid] of [
      ['rootonly', 0o700, 0],
      ['useronly', 0o700, 1000],
    ] as const) {
      await exec('install', ['-d', '-m', mode.toString(8), '-o', String(uid), `${made.rootfs}/${name}`])
    }
    expect(await outputIn(made.id, ['pwd'], ['--cwd', '/tmp'])).toBe('/tmp\n')
    expect(await outputIn(made.id, ['pwd'], ['--cwd', '/rootonly', '-u', '1000:1000'])).toBe('/rootonly\n')
    expect(await outputIn(made.id, ['pwd'], ['--cwd', '/useronly', '-u', '1000:1000', '-c', 'CAP_CHOWN'])).toBe(
      '/useronly\n',
    )
    expect(await execIn(made.id, ['pwd'], ['--cwd', 'tmp'])).toMatchObject(failed('cwd "tmp" must be an absolute path'))
    expect(await execIn(made.id, ['pwd'], ['--cwd', '/none'])).toMatchObject(failed('chdir to cwd \\("/none"\\)'))
  })

  test('--cap adds to what may be had, not to what is inherited (CVE-2022-24769)', async () => {
    const made = await sleeper(({ process }) => {
      process.capabilities = { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'] }
    })
    const caps = async (...flags: string[]) => {
      const { CapInh, CapPrm, CapEff, CapBnd, CapAmb } = await statusIn(made.id, flags)
      return [CapInh, CapAmb, CapBnd, CapPrm, CapEff].map((text) => Number.parseInt(text ?? '', 16))
    }
    expect(await caps()).toEqual([0, 0, 1, 1, 1])
    expect(await caps('--cap', 'CAP_NET_RAW')).toEqual([0, 0, 0x2001, 0x2001, 0x2001])
    expect(await caps('-c', 'CAP_NET_RAW', '-c', 'CAP_KILL', '-u', '1000')).toEqual([0, 0, 0x2021, 0, 0])
    const { code, stderr } = await execIn(made.id, ['true'], ['--cap', 'CAP_FOO'])
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'davit: warning: process /capabilities: ignoring unknown or unavailable capabilities: [CAP_FOO]\n',
    })
    // The first process is none the richer.
    expect(processStatus(made.pid)).toMatchObject({ CapBnd: '0000000000000001', CapInh: '0000000000000000' })
  })

  test('--no-new-privs', async () => {
    const made = await sleeper(({ process }) => {
      process.noNewPrivileges = false
    })
    expect((await statusIn(made.id)).NoNewPrivs).toBe('0')
    expect((await statusIn(made.id, ['--no-new-privs'])).NoNewPrivs).toBe('1')
  })

  test.skipIf(LSM.apparmor() || LSM.selinux())(
    '--apparmor and --process-label are refused where there is no such module',
    async () => {
      const made = await sleeper()
      expect(await execIn(made.id, ['true'], ['--apparmor', 'p'])).toMatchObject(failed('apparmor'))
      expect(await execIn(made.id, ['true'], ['--process-label', 'a:b:c:d'])).toMatchObject(failed('selinux'))
    },
  )

  test.each([0, 1, 5])('--preserve-fds %i, and no more', async (count) => {
    const made = await sleeper()
    const fds = ['/', '/etc', '/proc', '/dev', '/usr', '/tmp', '/'].map((path) => openSync(path, 'r'))
    try {
      const list = await execIn(made.id, ['ls', '/proc/self/fd'], ['--preserve-fds', String(count)], { fds })
      const expected = Array.from({ length: 3 + count + 1 }, (_, fd) => `${fd}\n`).join('') // ls opens one
      expect(list).toMatchObject({ code: 0, stdout: expected, stderr: '' })
      const many = await execIn(made.id, ['true'], ['--preserve-fds', '50'], { fds })
      expect(many).toMatchObject({ code: 1, stderr: expect.stringMatching('preserved-fd') })
    } finally {
      for (const fd of fds) closeSync(fd)
    }
  })
})

describe.runIf(requires('root'))('--process', () => {
  test('is the process; what it does not speak of is the container’s', async () => {
    const made = await sleeper(({ process }) => {
      Object.assign(process, {
        oomScoreAdj: 77,
        user: { uid: 5, gid: 6, additionalGids: [7], umask: 0o77 },
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }],
        capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] },
      })
    })
    const script =
      'grep -E "^(Uid|Gid|Groups|CapBnd|Umask)" /proc/self/status; ulimit -n; cat /proc/self/oom_score_adj; tr "\\0" "\\n" </proc/$$/environ; pwd'
    const file = writeProcess({
      args: ['sh', '-c', script],
      cwd: '/etc',
      env: ['PATH=/bin', 'X=1'],
      user: { uid: 1000, gid: 1000 },
    })
    expect(await outputIn(made.id, [], ['--process', file])).toBe(
      'Umask:\t0077\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t \nCapBnd:\t0000000000000020\n' +
        '100\n77\nPATH=/bin\nX=1\nHOME=/\n/etc\n',
    )
  })

  test('with limits and capabilities of its own has these alone', async () => {
    const made = await sleeper(({ process }) => {
      process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }]
    })
    const process = {
      args: ['sh', '-c', 'ulimit -n; ulimit -c; grep CapBnd /proc/self/status'],
      cwd: '/',
      env: ['PATH=/bin'],
      rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }],
      capabilities: { bounding: [] },
    }
    const { stdout } = await execIn(made.id, [], ['-p', writeProcess(process)])
    const [nofile, core, bounding] = stdout.split('\n')
    expect([nofile === '100', core, bounding]).toEqual([false, '0', 'CapBnd:\t0000000000000000'])
  })

  test.each([
    ['{', /parse .*process\.json: line 1, column 2: /],
    ['null', /invalid .*process\.json: expected an object, got null\n/],
    ['[]', /invalid .*process\.json: expected an object, got an empty array\n/],
    [{}, /invalid .*process\.json: \/cwd: required but missing/],
    [{ args: ['x'], cwd: 'x' }, /invalid .*process\.json: \/cwd: cwd must be an absolute path\n/],
    [{ args: [], cwd: '/' }, /invalid .*process\.json: \/args: args must not be empty\n/],
    [{ args: ['x'], cwd: '/', user: { uid: -1 } }, /process\.json: \/user\/uid: expected an integer/],
    [{ args: ['x'], cwd: '/', user: { uid: 'root' } }, /process\.json: \/user\/uid: expected an integer.*got "root"/],
    [{ args: ['x'], cwd: '/', env: ['SECRET=hunter2', 5] }, /process\.json: \/env\/1: expected a string/],
    [
      { args: ['x'], cwd: '/', rlimits: [{ type: 'RLIMIT_X', soft: 1, hard: 1 }] },
      /process\.json: \/rlimits\/0\/type: invalid rlimit type "RLIMIT_X"\n/,
    ],
    [
      { args: ['x'], cwd: '/', oomScoreAdj: 5000 },
      /process\.json: \/oomScoreAdj: expected an integer from -1000 to 1000/,
    ],
  ])('%j is refused with the place', async (process, words) => {
    // biome-ignore format: a table
    const made = await sleeper()
    expect(await execIn(made.id, [], ['--process', writeProcess(process)])).toMatchObject(failed(words))
  })

  test('of a file that cannot be read', async () => {
    const made = await sleeper()
    expect(await execIn(made.id, [], ['-p', '/nosuch'])).toMatchObject(
      failed('open "/nosuch": no such file or directory'),
    )
    writeFileSync(`${scratch()}/latin1.json`, Buffer.from([0x22, 0xe9, 0x22]))
    expect(await execIn(made.id, [], ['-p', `${scratch()}/latin1.json`])).toMatchObject(failed('not valid UTF-8'))
  })

  test('says which flags it makes meaningless, but for --tty, which engines send along', async () => {
    const made = await sleeper()
    const file = writeProcess({ args: ['pwd'], cwd: '/etc', env: ['PATH=/bin'] })
    const { code, stdout, stderr } = await execIn(
      made.id,
      ['extra'],
      ['-p', file, '--cwd', '/tmp', '-e', 'A=1', '-u', '7'],
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: '/etc\n' })
    expect(stderr).toBe('davit: warning: --process leaves no meaning to the command, --cwd, --env, --user\n')
  })
})
