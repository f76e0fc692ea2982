/** sd_notify(3) through the runtime: what a service manager hears of a container, and what a container can do with it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, create, run, startRun, tryCreate } from '../support/bundle.ts'
import { exec, type Running } from '../support/exec.ts'
import { mountAt, processMounts } from '../support/kernel.ts'
import { patience } from '../support/pace.ts'
import { startListener } from '../support/probe.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { davit, must, startDavit, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const env = (socket: string) => ({ ...process.env, NOTIFY_SOCKET: socket })

/** A service manager at a path of the test's own, or elsewhere; what it has heard, line by line. */
async function manager(delay = 0, socket = `${scratch()}/manager`) {
  const running = await startListener(['manager', socket, `${delay}`])
  const lines = () => running.stdout().split('\n').slice(1, -1)
  return { socket, env: env(socket), lines, running }
}

const withScript = (script: string, change: (config: Config) => void = () => {}) =>
  bundle((config) => {
    config.process.args = ['/bin/sh', '-c', script]
    change(config)
  })

const READY = 'probe notify "STATUS=almost" "STATUS=there|READY=1|X=y" "STATUS=more" "READY=1"'

describe.runIf(requires('root'))('a run in the foreground', () => {
  test('tells the service manager once that the container is ready, with its own pid, and then asks to be heard', async () => {
    const made = await withScript(`${READY}; sleep 1000`)
    const { env, lines } = await manager()
    const running = startRun(made, { env })
    await until('closed', () => lines().includes('closed'))
    const me = running.pid
    expect(lines()).toEqual([`${me} READY=1|MAINPID=${me}`, `${me} BARRIER=1 +fd`, 'closed'])
    // Signals are handed on before and after.
    await must(['kill', made.id, 'KILL'])
    expect((await running.done).code).toBe(137)
    expect(lines().length).toBe(3)
  })

  test('hands on signals while the container is not ready', async () => {
    const made = await withScript("trap 'exit 4' TERM; echo ready; while :; do sleep 0.02; done")
    const { env, lines } = await manager()
    const running = startRun(made, { env })
    await until('ready', () => running.stdout() === 'ready\n')
    running.child.kill('SIGTERM')
    expect((await running.done).code).toBe(4)
    expect(lines()).toEqual([])
  })

  test('that is over at once stays until it was heard, and no longer', async () => {
    const made = await withScript('probe notify READY=1; exit 6')
    const { env, lines } = await manager(700)
    const from = Date.now()
    expect((await run(made, { env })).code).toBe(6)
    expect(Date.now() - from).toBeGreaterThan(690)
    expect(Date.now() - from).toBeLessThan(patience(5_000))
    await until('heard', () => lines().at(-1) === 'closed')
  })

  test('that nobody hears can be ended', async () => {
    const made = await withScript('probe notify READY=1; exit 6')
    const { env, lines } = await manager(-1)
    const running = startRun(made, { env })
    await until('barrier', () => lines().some((line) => line.includes('BARRIER')))
    await until('deleted', () => readdirSync(stateRoot()).length === 0)
    running.child.kill('SIGTERM')
    expect((await running.done).code).toBe(6)
  })

  test('reads on, so that a container never waits for room', async () => {
    const many = 'i=0; while [ $i -lt 60 ]; do probe notify "STATUS=$i" "WATCHDOG=1" "X=1" "Y=2"; i=$((i+1)); done'
    const made = await withScript(`probe notify READY=1; ${many}; echo done`)
    const { env, lines } = await manager()
    expect((await run(made, { env })).stdout).toBe('done\n')
    await until('heard', () => lines().length === 3)
  })
})

describe.runIf(requires('root'))('a start', () => {
  test('stays until the container is ready, tells its pid, and was heard', async () => {
    const made = await withScript(
      'while [ ! -e /tmp/go ]; do sleep 0.02; done; probe notify READY=1; sleep 1000',
      (config) => {
        config.root.readonly = false
      },
    )
    const { env, lines } = await manager(300)
    await create(made, { env })
    const { pid } = await state(made.id)
    const running = startDavit(['start', made.id], { env })
    await untilStatus(made.id, 'running')
    await new Promise((done) => setTimeout(done, 300))
    expect(running.child.exitCode).toBe(null)
    writeFileSync(`${made.rootfs}/tmp/go`, '')
    expect((await running.done).code).toBe(0)
    await until('heard', () => lines().length === 3)
    expect(lines()).toEqual([`${running.pid} READY=1|MAINPID=${pid}`, `${running.pid} BARRIER=1 +fd`, 'closed'])
  })

  test('returns when the container has ended without a word, and holds up nobody meanwhile', async () => {
    const made = await withScript('sleep 1000')
    const { env, lines } = await manager()
    await create(made, { env })
    const running = startDavit(['start', made.id], { env })
    await untilStatus(made.id, 'running')
    await must(['delete', '--force', made.id])
    expect((await running.done).code).toBe(0)
    expect(lines()).toEqual([])
  })

  test('hears what the container said just before its end', async () => {
    const made = await withScript('probe notify READY=1')
    const { env, lines } = await manager()
    for (let i = 0; i < 5; i++) {
      const id = `${made.id}-${i}`
      await create(made, { env, id })
      await must(['start', id], { env })
      await untilStatus(id, 'stopped')
      await must(['delete', id])
    }
    await until('heard', () => lines().filter((line) => line.includes('READY=1')).length === 5)
  })

  test('of a container made without it is refused, and can be repeated', async () => {
    const made = await withScript('sleep 1000')
    const { env } = await manager()
    await create(made)
    const { code, stderr } = await davit(['start', made.id], { env })
    expect([code, stderr]).toEqual([
      1,
      'davit: start failed: NOTIFY_SOCKET is set, but was not when the container was created\n',
    ])
    expect((await state(made.id)).status).toBe('created')
    await must(['start', made.id])
  })

  test('without it leaves a container that was made with it to itself', async () => {
    const made = await withScript('probe notify READY=1; echo "sent $?"; sleep 1000')
    const { env, lines } = await manager()
    await create(made, { env })
    await must(['start', made.id])
    await until('sent', () => readFileSync(`${made.path}/output`, 'utf8').includes('sent'))
    expect(lines()).toEqual([])
  })
})

describe.runIf(requires('root'))('a detached run', () => {
  test('stays until the container is ready and tells its pid', async () => {
    const made = await withScript('sleep 0.3; probe notify READY=1; sleep 1000')
    const { env, lines } = await manager()
    const running = startRun(made, { env, args: ['--detach'], output: `${made.path}/output` })
    expect((await running.done).code).toBe(0)
    const { pid } = await state(made.id)
    await until('heard', () => lines().length === 3)
    expect(lines()).toEqual([`${running.pid} READY=1|MAINPID=${pid}`, `${running.pid} BARRIER=1 +fd`, 'closed'])
  })
})

describe.runIf(requires('root'))('the service manager’s socket', () => {
  test.each([
    ['an abstract name', () => `@davit-test-${process.pid}`],
    ['a path as long as an address can hold', () => `${scratch()}/${'n'.repeat(107 - scratch().length - 1)}`],
  ])('may be %s', async (_, name) => {
    const made = await withScript('probe notify READY=1')
    const { env, lines } = await manager(0, name())
    expect((await run(made, { env })).code).toBe(0)
    await until('heard', () => lines().length === 3)
  })

  test('that is not there is refused before anything is made', async () => {
    const made = await withScript('true')
    const path = `${scratch()}/none`
    expect(await refused(made, { env: env(path) })).toBe(
      `notify socket "${path}": open "${path}": no such file or directory`,
    )
    expect(await refused(made, { env: env('@davit-test-none') })).toMatch(/: connection refused$/)
    for (const odd of ['relative', 'vsock:2:1234', '@', '/']) {
      expect(await refused(made, { env: env(odd) })).toMatch(
        odd === '/' ? /./ : /^NOTIFY_SOCKET "[^"]+" is neither a path nor an abstract name$/,
      )
    }
  })

  test('that goes away is no reason to fail', async () => {
    const made = await withScript('echo up; read x; probe notify READY=1; exit 3')
    const { env, running } = await manager()
    const foreground = startRun(made, { env, stdin: '' })
    await until('up', () => foreground.stdout() === 'up\n')
    running.child.kill('SIGKILL')
    await running.done
    foreground.write('\n')
    const { code, stderr } = await foreground.done
    expect(code).toBe(3)
    expect(stderr).toMatch(/notify socket ".*": send READY=1: connection refused\n$/)
  })

  test('empty is none', async () => {
    const { code, stdout } = await run(await withScript('echo "${NOTIFY_SOCKET-none}"'), { env: env('') })
    expect([code, stdout]).toEqual([0, 'none\n'])
  })
})

describe.runIf(requires('root'))('the container’s own socket', () => {
  /** A running container that has one. */
  async function running(
    change: (config: Config) => void = () => {},
  ): Promise<{ made: Bundle; run: Running; pid: number }> {
    const made = await withScript('echo ready; sleep 1000', change)
    const { env } = await manager()
    const run = startRun(made, { env })
    await until('ready', () => run.stdout().includes('ready'))
    return { made, run, pid: (await state(made.id)).pid }
  }

  test('is alone in a folder that is read-only, private and without any privilege, and is named in the environment', async () => {
    const { made, run, pid } = await running((config) => {
      config.process.env.push('NOTIFY_SOCKET=/mine', 'OTHER=1')
    })
    const mount = mountAt(processMounts(pid), '/run/notify')
    expect(mount.options).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']))
    expect(mount.propagation).toEqual([])
    expect(mount.root).toMatch(new RegExp(`/root/${made.id}/notify$`))
    expect(readdirSync(`/proc/${pid}/root/run/notify`)).toEqual(['notify.sock'])
    expect(statSync(`/proc/${pid}/root/run/notify/notify.sock`).mode & 0o7777).toBe(0o777)
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    expect(environment.filter((entry) => entry.startsWith('NOTIFY_SOCKET'))).toEqual([
      'NOTIFY_SOCKET=/run/notify/notify.sock',
    ])
    expect(environment).toContain('OTHER=1')
    await must(['kill', made.id, 'KILL'])
    await run.done
    expect(readdirSync(stateRoot())).toEqual([])
  })

  test.each([
    ['another user', (config: Config) => void Object.assign(config.process.user, { uid: 1000, gid: 1000 })],
    [
      'a user namespace',
      (config: Config) => {
        config.linux.namespaces.push({ type: 'user' })
        config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
        config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      },
    ],
    [
      'a tmpfs on /run',
      (config: Config) =>
        void config.mounts.push({ destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'mode=755'] }),
    ],
  ])('can be used with %s', async (_, change) => {
    const made = await withScript('probe notify READY=1; echo $?', change)
    mkdirSync(`${made.rootfs}/run/notify`, { recursive: true })
    const { env, lines } = await manager()
    expect((await run(made, { env })).stdout).toBe('0\n')
    await until('heard', () => lines().length === 3)
  })

  test('is mounted inside the root whatever links the image has', async () => {
    const victim = `${scratch()}/victim`
    mkdirSync(victim)
    for (const [link, target] of [
      ['run', '../../../../../../../../tmp'],
      ['run', victim],
      ['run/notify', '/proc/self/cwd'],
      ['run/notify', `../../../../../../../..${victim}`],
    ] as const) {
      const made = await withScript('probe notify READY=1; echo $?', (config) => {
        config.root.readonly = false
      })
      if (link !== 'run') mkdirSync(`${made.rootfs}/run`)
      symlinkSync(target, `${made.rootfs}/${link}`)
      const { env, running } = await manager(0, `${scratch()}/${link.replace('/', '-')}-${target.length}`)
      const before = processMounts('self').length
      await run(made, { env })
      expect(processMounts('self').length).toBe(before)
      expect(readdirSync(victim)).toEqual([])
      expect(existsSync('/tmp/notify')).toBe(false)
      running.child.kill('SIGKILL')
    }
  })

  test('is removed with the container, whatever that has put beside it', async () => {
    const made = await withScript(
      'mount -o remount,bind,rw /run/notify && mkdir -p /run/notify/a/b/c && ln -s / /run/notify/a/link && echo >/run/notify/a/b/file; echo ready; sleep 1000',
      (config) => {
        for (const set of ['bounding', 'effective', 'permitted'] as const) {
          config.process.capabilities = { ...config.process.capabilities, [set]: ['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE'] }
        }
      },
    )
    const { env } = await manager()
    await create(made, { env })
    const running = startDavit(['start', made.id], { env })
    await until('ready', () => readFileSync(`${made.path}/output`, 'utf8').includes('ready'))
    expect(readdirSync(`${stateRoot()}/${made.id}/notify/a`).sort()).toEqual(['b', 'link'])
    await must(['delete', '--force', made.id])
    await running.done
    expect(readdirSync(stateRoot())).toEqual([])
    expect(existsSync('/bin/sh')).toBe(true)
  })

  test('is refused without a mount namespace to have it in', async () => {
    const made = await withScript('true', (config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'mount')
      config.mounts = []
      config.linux.maskedPaths = []
      config.linux.readonlyPaths = []
      config.root.readonly = false
    })
    const { env } = await manager()
    expect(await refused(made, { env })).toMatch(/NOTIFY_SOCKET.* mount namespace/)
  })

  test('is made whatever the umask of the caller', async () => {
    const made = await withScript('probe notify READY=1; echo $?', (config) => {
      Object.assign(config.process.user, { uid: 1000, gid: 1000 })
    })
    const { socket, lines } = await manager()
    const line = `umask 077; NOTIFY_SOCKET=${socket} exec ${process.cwd()}/build/davit --root ${stateRoot()} run -b ${made.path} ${made.id}`
    expect((await exec('sh', ['-c', line])).stdout).toBe('0\n')
    await until('heard', () => lines().length === 3)
  })

  test('of a failed create leaves nothing', async () => {
    const made = await withScript('true', (config) => {
      config.process.args = ['/not/there']
    })
    const { env } = await manager()
    expect((await tryCreate(made, { env })).code).toBe(1)
    expect(readdirSync(stateRoot())).toEqual([])
  })
})
