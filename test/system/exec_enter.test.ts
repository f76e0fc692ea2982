/** exec into containers of every kind: it is where the first process is, and changes nothing there. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, create, createStart } from '../support/bundle.ts'
import { exec, output } from '../support/exec.ts'
import { holdNamespaces } from '../support/holder.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { namespaceOf } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { startProbe } from '../support/probe.ts'
import { command, kernel, requires } from '../support/requires.ts'
import { davit, must, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { userBundle, wholeMaps } from '../support/user_bundle.ts'
import { until } from '../support/wait.ts'

type Namespaces = Config['linux']['namespaces']

const TYPES = {
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  mount: 'mnt',
  cgroup: 'cgroup',
  time: 'time',
  user: 'user',
} as const
const FILES = Object.values(TYPES)
const whole = { containerID: 0, hostID: 0, size: 4294967295 }
const high = [{ containerID: 0, hostID: 100000, size: 65536 }]

/** A running container with these namespaces, or of the default ones changed. */
async function sleeper(namespaces: Namespaces | undefined, change: (config: Config) => void = () => {}) {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    if (namespaces) config.linux.namespaces = namespaces
    const has = (type: string) => config.linux.namespaces.some((entry) => entry.type === type)
    if (!has('uts')) delete config.hostname
    if (!has('mount')) withoutMounts(config)
    change(config)
  })
  const { pid } = await createStart(made)
  return { ...made, pid }
}

function withoutMounts(config: Config): void {
  config.mounts = []
  delete config.linux.maskedPaths
  delete config.linux.readonlyPaths
  config.root.readonly = false
}

/** Starts a process by exec that stays; its pid on the host. */
async function stay(made: Bundle, flags: readonly string[] = []): Promise<number> {
  const pidFile = `${made.path}/exec.pid`
  const args = ['exec', '--detach', '--pid-file', pidFile, ...flags, made.id, '/bin/sleep', '999']
  const { code, stderr } = await davit(args, { output: `${made.path}/output` })
  if (code !== 0) throw new Error(`davit exec: ${stderr}${readFileSync(`${made.path}/output`, 'utf8')}`)
  return Number(readFileSync(pidFile, 'utf8'))
}

/** What a process sees: its namespaces and its root, by identity. */
function place(pid: number) {
  const { dev, ino } = statSync(`/proc/${pid}/root/.`)
  return { dev, ino, ...Object.fromEntries(FILES.map((type) => [type, namespaceOf(pid, type)])) }
}

async function isBeside(made: Awaited<ReturnType<typeof sleeper>>): Promise<void> {
  const pid = await stay(made)
  expect(place(pid)).toEqual(place(made.pid))
  expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).toBe(readFileSync(`/proc/${made.pid}/mountinfo`, 'utf8'))
  expect(await outputIn(made.id, ['/bin/ls', '-d', '/bin/probe'])).toBe('/bin/probe\n')
}

describe.runIf(requires('root', kernel('5.12')))('exec is where the first process is', () => {
  const all = Object.keys(TYPES) as (keyof typeof TYPES)[]
  const usual = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'] as const

  test('with all eight namespaces', async () => {
    const made = await sleeper(
      all.map((type) => ({ type })),
      (config) => {
        config.linux.uidMappings = [whole]
        config.linux.gidMappings = [whole]
      },
    )
    await isBeside(made)
  })

  test.each([
    ...usual.map((left) => [`all but ${left}`, usual.filter((type) => type !== left)] as const),
    ...usual.map((only) => [`only ${only}`, [only]] as const),
    ['none at all', []] as const,
  ])('with %s', async (_, types) => {
    const made = await sleeper(types.map((type) => ({ type })))
    await isBeside(made)
  })

  test.each(['net', 'ipc', 'uts', 'cgroup', 'pid', 'time', 'mnt'] as const)(
    'with a joined %s namespace',
    async (file) => {
      const flag = {
        net: '--net',
        ipc: '--ipc',
        uts: '--uts',
        cgroup: '--cgroup',
        pid: '--pid',
        time: '--time',
        mnt: '--mount',
      }[file]
      const holder = await holdNamespaces([flag, ...(['pid', 'time'].includes(file) ? ['--fork'] : [])], file)
      const type = all.find((name) => TYPES[name] === file) as keyof typeof TYPES
      const others = usual.filter((name) => name !== type).map((name) => ({ type: name }))
      const made = await sleeper([...others, { type, path: `/proc/${holder}/ns/${file}` }])
      await isBeside(made)
      expect(namespaceOf(await stay(made), file)).toBe(namespaceOf(holder, file))
    },
  )

  test('with another root, after --no-pivot', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    await createStart(made, { args: ['--no-pivot'] })
    const { pid } = await state(made.id)
    await isBeside({ ...made, pid })
    expect(await outputIn(made.id, 'ls /; cd ..; pwd; ls -d rootfs 2>&1; true')).toMatch(
      /^bin\ndev\netc\nproc\nroot\nsys\ntmp\n\/\nls: rootfs: No such/,
    )
  })

  test('with clocks of its own, which stay as they are', async () => {
    const made = await sleeper(
      [...usual, 'time'].map((type) => ({ type: type as 'time' })),
      (config) => {
        config.linux.timeOffsets = { monotonic: { secs: 500000 }, boottime: { secs: 900000 } }
      },
    )
    const [init, other] = [
      await output('cat', [`/proc/${made.pid}/timens_offsets`]),
      await outputIn(made.id, ['cat', '/proc/self/timens_offsets']),
    ]
    expect(other).toBe(init)
    expect(Number((await outputIn(made.id, ['cat', '/proc/uptime'])).split('.')[0])).toBeGreaterThan(900000)
  })
})

describe.runIf(requires('root', kernel('5.12')))('exec into a user namespace', () => {
  async function mapped(change: (config: Config) => void = () => {}) {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = high
      config.linux.gidMappings = high
      change(config)
    })
    await exec('chown', ['-R', '-h', '100000:100000', made.rootfs])
    const { pid } = await createStart(made)
    return { ...made, pid }
  }

  test('has the ids of its map, and the capabilities asked for', async () => {
    const made = await mapped()
    await isBeside(made)
    expect(await outputIn(made.id, 'id -u; id -g; cat /proc/self/uid_map')).toMatch(/^0\n0\n +0 +100000 +65536\n$/)
    expect(statSync(`/proc/${await stay(made)}`).uid).toBe(100000)
    expect(statSync(`/proc/${await stay(made, ['-u', '5:6', '-g', '7'])}`)).toMatchObject({ uid: 100005, gid: 100006 })
    expect(await outputIn(made.id, ['grep', 'CapEff', '/proc/self/status'], ['-c', 'CAP_SYS_ADMIN'])).toMatch(
      /2[0-9a-f]*200420$/m,
    )
  })

  test('refuses ids that are not in the map, and does nothing', async () => {
    const made = await mapped()
    for (const user of ['70000', '0:70000']) {
      const { code, stderr } = await execIn(made.id, ['true'], ['--user', user])
      expect([code, stderr]).toEqual([255, expect.stringMatching(/70000 is not mapped by \/linux\/(u|g)idMappings/)])
    }
  })

  test('gives a terminal', async () => {
    const made = await mapped()
    const { stdout } = await execIn(made.id, 'tty; stat -c %u $(tty)', ['-t', '-u', '5'])
    expect(stdout.replaceAll('\r', '')).toMatch(/^\/dev\/pts\/0\n5\n$/)
  })

  test('that somebody else made, with the network that it owns', async () => {
    const holder = await holdNamespaces(['--user', '--map-root-user', '--net'], 'net')
    const path = (file: string) => `/proc/${holder}/ns/${file}`
    const made = await sleeper(
      [
        { type: 'mount' },
        { type: 'pid' },
        { type: 'ipc' },
        { type: 'network', path: path('net') },
        { type: 'user', path: path('user') },
      ],
      (config) => {
        for (const mount of config.mounts) mount.options = (mount.options ?? []).filter((option) => option !== 'gid=5')
      },
    )
    await isBeside(made)
    expect(namespaceOf(await stay(made), 'user')).toBe(namespaceOf(holder, 'user'))
    expect(await execIn(made.id, ['true'], ['-u', '5'])).toMatchObject({
      code: 255,
      stderr: expect.stringMatching('become user 5'),
    })
  })
})

describe.runIf(requires('root', command('setpriv'), command('useradd')))('exec of an ordinary user', () => {
  test.each([
    ['its own id', undefined],
    ['granted ids', wholeMaps],
  ])('into its own container, with %s', async (_, maps) => {
    const {
      id,
      path,
      davit: own,
    } = await userBundle((config, user) => {
      config.process.args = ['/bin/sleep', '1000']
      maps?.(config, user)
    })
    expect((await own(['run', '--detach', '--bundle', path, id], { output: `${path}/output` })).code).toBe(0)
    const { code, stdout, stderr } = await own(['exec', id, 'sh', '-c', 'id -u; ls -d /bin/probe; exit 4'])
    expect({ code, stdout, stderr }).toEqual({ code: 4, stdout: '0\n/bin/probe\n', stderr: '' })
    const other = await own(['exec', '--user', '5:6', id, 'id'])
    if (maps) expect(other).toMatchObject({ code: 0, stdout: 'uid=5 gid=6\n' })
    else expect(other).toMatchObject({ code: 255, stderr: expect.stringMatching('5 is not mapped') })
    expect((await own(['delete', '--force', id])).code).toBe(0)
  })

  test('into one that is not started yet is refused: nobody but root may look into that', async () => {
    const {
      id,
      path,
      davit: own,
    } = await userBundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
    })
    expect((await own(['create', '--bundle', path, id], { output: `${path}/output` })).code).toBe(0)
    const { code, stderr } = await own(['exec', id, 'true'])
    expect([code, stderr]).toEqual([255, expect.stringMatching(/look at the container init: .*permission denied\n$/)])
    expect((await own(['delete', '--force', id])).code).toBe(0)
  })
})

describe.runIf(requires('root'))('exec changes nothing', () => {
  test('of the mounts, there and here', async () => {
    const made = await sleeper(undefined)
    const read = () => [made.pid, 'self'].map((pid) => readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))
    const before = read()
    for (const flags of [[], ['-t'], ['-u', '7:7'], ['--cwd', '/tmp']])
      await execIn(made.id, 'ls /dev/console /proc', flags)
    await execIn(made.id, ['nosuch'])
    expect(read()).toEqual(before)
  })

  test('of the first process: it is not stopped for a moment', async () => {
    const made = await bundle('while :; do cat /proc/uptime >>/tmp/beat; sleep 0.02; done', {})
    made.configure(({ mounts }) => mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }))
    await createStart(made)
    for (let i = 0; i < 10; i++) await execIn(made.id, ['true'])
    const { pid } = await state(made.id)
    const frozen = readFileSync(`/proc/${pid}/status`, 'utf8')
    expect(frozen).not.toMatch(/State:\s+[DT]/)
    expect((await outputIn(made.id, ['wc', '-l', '/tmp/beat'])).trim()).not.toMatch(/^0 /)
  })

  test('of a container that is created: it can still be started', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    await create(made)
    const pid = await stay(made)
    expect(place(pid)).toEqual(place((await state(made.id)).pid))
    await untilStatus(made.id, 'created')
    await must(['start', made.id])
  })

  test('of what is open and running here', async () => {
    const made = await sleeper(undefined)
    const children = () => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ')
    const before = children().length
    for (let i = 0; i < 10; i++) await stay(made)
    // Each of them was given to whoever takes orphans; none of davit's own processes is left between.
    expect(children().length).toBe(before)
    const inside = (await outputIn(made.id, ['ps', '-o', 'pid,args']))
      .trim()
      .split('\n')
      .map((line) => line.trim())
    expect(inside.filter((line) => line.endsWith('/bin/sleep 999'))).toHaveLength(10)
    expect(inside.filter((line) => /davit/.test(line))).toEqual([])
  })
})

describe.runIf(requires('root'))('the terminal of exec', () => {
  test('is one more of the container’s, and /dev/console stays', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
    })
    await createStart(made)
    const { stdout } = await execIn(made.id, 'tty; probe tty; ls /dev/pts', ['-t'])
    expect(stdout.replaceAll('\r', '')).toBe('/dev/pts/0\ntty=/dev/pts/0 leader=0 ctty=1 foreground=1\n0     ptmx\n')
    // It was given back.
    expect(readdirSync(`/proc/${(await state(made.id)).pid}/root/dev/pts`)).toEqual(['ptmx'])
  })

  test('in the foreground has the size of the caller’s, in raw mode, and job control', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    await createStart(made)
    const running = await startProbe([
      'pty',
      '24',
      '80',
      RUNTIME,
      '--root',
      stateRoot(),
      'exec',
      '-t',
      made.id,
      'sh',
      '-c',
      'stty size; exec cat',
    ])
    const shown = () => running.stdout().replaceAll('\r', '')
    await until('the size', () => shown().includes('24 80\n'))
    running.write('hello\n')
    await until('the echo and the answer', () => shown().includes('hello\nhello\n'))
    running.write('\x04')
    expect(await running.done).toMatchObject({ code: 0 })
  })
})
