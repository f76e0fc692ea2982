/** The container's process: ids, capabilities, limits, directory, environment, names, as /proc/self/status shows them. */
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, create, createStart, outputOf, run } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { parseStatus, processStatus } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { probePath, startProbe } from '../support/probe.ts'
import { type Need, requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const statusOf = async (change: (config: Config) => void) =>
  parseStatus(await outputOf('cat /proc/self/status', change))

/** A machine may be without: raising a limit takes CAP_SYS_RESOURCE. */
const mayRaise: Need = {
  name: 'CAP_SYS_RESOURCE',
  optional: true,
  met: () => (BigInt(`0x${processStatus(process.pid).CapEff}`) & (1n << 24n)) !== 0n,
}

describe.runIf(requires('root'))('the process', () => {
  test('has its user, groups and additional groups', async () => {
    const status = await statusOf((config) => {
      config.process.user = { uid: 1000, gid: 1001, additionalGids: [5, 44, 100000] }
    })
    expect(status.Uid).toBe('1000 1000 1000 1000')
    expect(status.Gid).toBe('1001 1001 1001 1001')
    expect(status.Groups?.trim()).toBe('5 44 100000')
  })

  test('has none of the caller’s groups', async () => {
    const made = await bundle(['/bin/cat', '/proc/self/status'])
    process.setgroups?.([27, 33])
    try {
      expect(parseStatus((await run(made)).stdout).Groups).toBe('')
    } finally {
      process.setgroups?.([0])
    }
  })

  test.each([
    [undefined, '0022'],
    [0, '0000'],
    [0o77, '0077'],
  ])('with umask %s has %s', async (umask, shown) => {
    const status = await statusOf((config) => {
      config.process.user = { uid: 0, gid: 0, ...(umask === undefined ? {} : { umask }) }
    })
    expect(status.Umask).toBe(shown)
  })

  test('has the five capability sets that it was given', async () => {
    const status = await statusOf((config) => {
      config.process.capabilities = {
        bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN'],
        permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_ADMIN'],
        inheritable: ['CAP_CHOWN', 'CAP_NET_ADMIN'],
        effective: ['CAP_CHOWN', 'CAP_KILL'],
        ambient: ['CAP_CHOWN', 'CAP_NET_ADMIN'],
      }
      config.process.user = { uid: 1000, gid: 1000 }
    })
    // exec by an ordinary user leaves what is ambient; bounding and inheritable stay.
    expect(status.CapBnd).toBe('0000000000201021')
    expect(status.CapInh).toBe('0000000000001001')
    expect(status.CapAmb).toBe('0000000000001001')
    expect(status.CapPrm).toBe('0000000000001001')
    expect(status.CapEff).toBe('0000000000001001')
  })

  test('has its effective and permitted capabilities until exec, which makes one of the other', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
      config.process.capabilities = {
        bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_ADMIN', 'CAP_SYS_CHROOT'],
        permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_ADMIN'],
        effective: ['CAP_CHOWN', 'CAP_KILL'],
      }
    })
    await create(made)
    const { pid } = await state(made.id)
    const sets = () => {
      const { CapBnd, CapPrm, CapEff } = processStatus(pid)
      return [CapBnd, CapPrm, CapEff].map((set) => Number.parseInt(set ?? '', 16))
    }
    expect(sets()).toEqual([0x41021, 0x1021, 0x21])
    await must(['start', made.id])
    await until('exec', () => processStatus(pid).Name === 'sleep')
    // KERNEL: root gets what it may, with no_new_privs of what it had.
    expect(sets()).toEqual([0x41021, 0x1021, 0x1021])
  })

  test('has no capability where none is given, not even as root', async () => {
    for (const sets of [{}, undefined]) {
      const status = await statusOf((config) => {
        if (sets) config.process.capabilities = sets
        else delete config.process.capabilities
      })
      expect([status.CapEff, status.CapPrm, status.CapInh, status.CapAmb]).toEqual(Array(4).fill('0'.repeat(16)))
      expect(status.CapBnd).toBe('0'.repeat(16))
    }
  })

  test('has no inheritable capability by default (CVE-2022-29162)', async () => {
    const status = await statusOf(() => {})
    expect(status).toMatchObject({ CapInh: '0'.repeat(16), CapAmb: '0'.repeat(16), CapEff: '0000000020000420' })
  })

  test.each([true, false])('has no_new_privs %s', async (noNewPrivileges) => {
    const status = await statusOf((config) => {
      config.process.noNewPrivileges = noNewPrivileges
    })
    expect(status.NoNewPrivs).toBe(noNewPrivileges ? '1' : '0')
  })

  test('has its limits, exactly, whatever the engine’s own are', async () => {
    const text = await outputOf('cat /proc/self/limits', (config) => {
      config.process.rlimits = [
        { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
        { type: 'RLIMIT_FSIZE', soft: 5000, hard: 5000 },
        { type: 'RLIMIT_NPROC', soft: 77, hard: 88 },
        { type: 'RLIMIT_STACK', soft: 1 << 20, hard: 1 << 22 },
      ]
    })
    expect(text).toMatch(/^Max open files +100 +200 /m)
    expect(text).toMatch(/^Max file size +5000 +5000 /m)
    expect(text).toMatch(/^Max processes +77 +88 /m)
    expect(text).toMatch(/^Max stack size +1048576 +4194304 /m)
  })

  test.runIf(requires(mayRaise))('has limits that begin at 0', async () => {
    const text = await outputOf('cat /proc/self/limits', (config) => {
      config.process.rlimits = [
        { type: 'RLIMIT_NICE', soft: 12, hard: 13 },
        { type: 'RLIMIT_RTPRIO', soft: 14, hard: 15 },
      ]
    })
    expect(text).toMatch(/^Max nice priority +12 +13 /m)
    expect(text).toMatch(/^Max realtime priority +14 +15 /m)
  })

  test('has limits of every other kind', async () => {
    const shown = {
      RLIMIT_AS: ['Max address space', 2 ** 32],
      RLIMIT_CORE: ['Max core file size', 4096],
      RLIMIT_CPU: ['Max cpu time', 60],
      RLIMIT_DATA: ['Max data size', 1 << 30],
      RLIMIT_FSIZE: ['Max file size', 1 << 20],
      RLIMIT_LOCKS: ['Max file locks', 11],
      RLIMIT_MEMLOCK: ['Max locked memory', 65536],
      RLIMIT_MSGQUEUE: ['Max msgqueue size', 8192],
      RLIMIT_NOFILE: ['Max open files', 99],
      RLIMIT_NPROC: ['Max processes', 555],
      RLIMIT_RSS: ['Max resident set', 1 << 28],
      RLIMIT_RTTIME: ['Max realtime timeout', 1000],
      RLIMIT_SIGPENDING: ['Max pending signals', 14],
      RLIMIT_STACK: ['Max stack size', 1 << 21],
    } as const
    const text = await outputOf('cat /proc/self/limits', (config) => {
      config.process.rlimits = Object.entries(shown).map(([type, [, soft]]) => ({
        type,
        soft: soft,
        hard: soft + 1,
      }))
    })
    for (const [words, soft] of Object.values(shown))
      expect(text).toMatch(new RegExp(`^${words} +${soft} +${soft + 1} `, 'm'))
  })

  test('has a limit of RLIM_INFINITY', async () => {
    const made = await bundle((config) => {
      config.process.rlimits = [{ type: 'RLIMIT_FSIZE', soft: 7, hard: 8 }]
      config.process.args = ['/bin/grep', 'file size', '/proc/self/limits']
    })
    const path = `${made.path}/config.json`
    writeFileSync(path, readFileSync(path, 'utf8').replace('"hard":8', `"hard":${2n ** 64n - 1n}`))
    expect((await run(made)).stdout).toMatch(/^Max file size +7 +unlimited /m)
  })

  test('without limits has the caller’s, not the engine’s', async () => {
    const made = await bundle((config) => {
      config.process.rlimits = []
      config.process.args = ['/bin/sh', '-c', 'ulimit -Sn; ulimit -Hn']
    })
    const line = `ulimit -Sn 321; ulimit -Hn 4321; exec ${RUNTIME} --root ${stateRoot()} run -b ${made.path} ${made.id}`
    expect(await output('sh', ['-c', line])).toBe('321\n4321\n')
  })

  test('has its OOM score', async () => {
    const made = await bundle((config) => {
      config.process.oomScoreAdj = 321
      config.process.args = ['/bin/cat', '/proc/self/oom_score_adj']
    })
    expect((await run(made)).stdout).toBe('321\n')
  })

  test('has the environment and arguments of the configuration only', async () => {
    const made = await bundle((config) => {
      config.process.env = ['PATH=/bin', 'A=1', 'EMPTY=', 'A=2', 'ODD NAME=x y', `LONG=${'x'.repeat(50000)}`]
      config.process.args = [
        '/bin/sh',
        '-c',
        'cat /proc/self/environ | tr "\\0" "\\n" | cut -c1-20; echo "$0|$1|$2"',
        '',
        'two words',
        'ä€\n',
      ]
    })
    const { stdout } = await run(made, { env: { ...process.env, LEAK: 'leak', LISTEN_FDS: '' } })
    expect(stdout).toContain('A=2\n')
    expect(stdout).toContain('EMPTY=\n')
    expect(stdout).toContain(`LONG=${'x'.repeat(15)}\n`)
    expect(stdout).not.toContain('LEAK')
    expect(stdout).toMatch(/\n\|two words\|ä€\n\n$/)
  })

  test.each([
    ['PATH=/opt/mine:/bin', 'tool', 'mine'],
    ['PATH=/nowhere:/etc/passwd:/opt/other', 'tool', 'other'],
    ['PATH=/opt/closed:/opt/other', 'tool', 'other'],
    ['PATH=/opt/folder:/opt/other', 'tool', 'other'],
    ['PATH=', './tool', 'here'],
    ['X=1', 'cat', 'default path'],
  ])('with %s finds %s', async (path, name, expected) => {
    const made = await bundle((config) => {
      config.process.env = [path]
      config.process.cwd = '/srv'
      config.process.args = name === 'cat' ? ['cat', '/srv/default'] : [name]
    })
    const script = (folder: string, text: string, mode = 0o755) => {
      mkdirSync(`${made.rootfs}/${folder}`, { recursive: true })
      writeFileSync(`${made.rootfs}/${folder}/tool`, `#!/bin/sh\necho ${text}\n`)
      chmodSync(`${made.rootfs}/${folder}/tool`, mode)
    }
    script('opt/mine', 'mine')
    script('opt/other', 'other')
    script('opt/closed', 'closed', 0o644)
    script('srv', 'here')
    mkdirSync(`${made.rootfs}/opt/folder/tool`, { recursive: true })
    writeFileSync(`${made.rootfs}/srv/default`, 'default path\n')
    expect(await run(made)).toMatchObject({ code: 0, stdout: `${expected}\n` })
  })

  test('starts in its directory, which is made when it is missing', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.process.cwd = '/not/there/yet'
      config.process.args = ['/bin/sh', '-c', 'pwd; readlink /proc/self/cwd; stat -c "%a %u" .']
    })
    expect((await run(made)).stdout).toBe('/not/there/yet\n/not/there/yet\n755 0\n')
  })

  test('starts in a directory that only its user, or only root, may enter', async () => {
    for (const [owner, mode] of [
      [1000, 0o700],
      [0, 0o700],
    ] as const) {
      const made = await bundle((config) => {
        config.process.user = { uid: 1000, gid: 1000 }
        config.process.capabilities = {}
        config.process.cwd = '/home'
        config.process.args = ['/bin/readlink', '/proc/self/cwd']
      })
      mkdirSync(`${made.rootfs}/home`)
      chmodSync(`${made.rootfs}/home`, mode)
      chownSync(`${made.rootfs}/home`, owner, owner)
      expect(await run(made)).toMatchObject({ code: 0, stdout: '/home\n' })
    }
  })

  test('starts where a link in the image leads', async () => {
    const made = await bundle((config) => {
      config.process.cwd = '/link/sub'
      config.process.args = ['/bin/pwd']
    })
    mkdirSync(`${made.rootfs}/real/sub`, { recursive: true })
    symlinkSync('/real', `${made.rootfs}/link`)
    expect((await run(made)).stdout).toMatch(/^\/real\/sub\n$|^\/link\/sub\n$/)
  })

  test('sees host name and domain name', async () => {
    const text = await outputOf('hostname; cat /proc/sys/kernel/domainname', (config) => {
      config.hostname = 'some.host'
      config.domainname = 'some.domain'
    })
    expect(text).toBe('some.host\nsome.domain\n')
  })

  test('sees its kernel parameters, and the host does not', async () => {
    const before = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')
    const names = 'net/ipv4/ip_forward net/ipv4/ping_group_range kernel/shm_rmid_forced net/ipv4/conf/lo/forwarding'
    const text = await outputOf(`cd /proc/sys; cat ${names}`, (config) => {
      config.linux.sysctl = {
        'net.ipv4.ip_forward': '1',
        'net/ipv4/ping_group_range': '5 6',
        'kernel.shm_rmid_forced': '1',
        'net.ipv4.conf.lo.forwarding': '0',
      }
    })
    expect(text).toBe('1\n5\t6\n1\n0\n')
    expect(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')).toBe(before)
  })

  test('has a session, and a session keyring, of its own', async () => {
    const made = await bundle('probe keyring; cat /proc/self/stat | cut -d" " -f6')
    const { stdout } = await run(made)
    expect(stdout).toMatch(new RegExp(`;_ses\\.${made.id}\\n1\\n$`))
  })

  test('with --no-new-keyring stays in the caller’s', async () => {
    const outside = (await output(await probePath(), ['keyring'])).split(' ')[0]
    const made = await bundle('probe keyring')
    expect((await run(made, { args: ['--no-new-keyring'] })).stdout.split(' ')[0]).toBe(outside)
    expect((await run(made)).stdout.split(' ')[0]).not.toBe(outside)
  })

  test('starts with all signals at their defaults and none blocked, whatever the caller did', async () => {
    const made = await bundle(['/bin/cat', '/proc/self/status'])
    const line = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
    const { stdout, stderr } = await (await startProbe(['hostile', ...line])).done
    expect(stderr).toBe('')
    const status = parseStatus(stdout)
    expect(status).toMatchObject({
      SigIgn: '0'.repeat(16),
      SigBlk: '0'.repeat(16),
      SigCgt: '0'.repeat(16),
      Umask: '0022',
    })
  })

  test('is killed by SIGPIPE like any other', async () => {
    const made = await bundle('trap "" USR1; (yes; echo "code $?" >&2) | head -1; sleep 0.2')
    expect((await run(made)).stderr).toBe('code 141\n')
  })

  test('is pid 1, alone, with its own name and no tracer', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    const { pid } = await createStart(made)
    const status = processStatus(pid)
    expect(status).toMatchObject({ Name: 'sleep', TracerPid: '0', Threads: '1', NSpid: `${pid} 1` })
    // The caller may be a subreaper or pid 1; whoever it is, it is not the runtime, which is gone.
    expect(Number(status.PPid)).not.toBe(0)
  })
})
