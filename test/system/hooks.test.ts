/** Hooks of all six kinds: when, where, with which state, and what a failing or hanging one does. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, create, createStart, run, tryCreate } from '../support/bundle.ts'
import { namespaceOf } from '../support/kernel.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { command, requires } from '../support/requires.ts'
import { davit, must, state, untilStatus } from '../support/runtime.ts'

const KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const
type Kind = (typeof KINDS)[number]

/** Kinds that run where the container's files are. */
const INSIDE: readonly Kind[] = ['startContainer']

/**
 * A bundle whose hooks of these kinds each append to a log that the container's mounts show as /log: the kind, the
 * state they got, and their namespaces.
 */
async function logging(kinds: readonly Kind[], change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle()
  mkdirSync(`${made.path}/log`)
  made.configure((config) => {
    config.mounts.push({ destination: '/log', source: `${made.path}/log`, type: 'none', options: ['bind'] })
    config.process.args = ['/bin/sh', '-c', 'echo process >>/log/order']
    config.root.readonly = false
    config.hooks = Object.fromEntries(
      kinds.map((kind) => {
        const log = INSIDE.includes(kind) ? '/log' : `${made.path}/log`
        const script = `echo ${kind} >>${log}/order; cat >${log}/${kind}.json; for i in mnt pid net; do readlink /proc/self/ns/$i; done >${log}/${kind}.ns; env >${log}/${kind}.env; pwd >${log}/${kind}.cwd`
        return [kind, [{ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/bin:/usr/bin', `KIND=${kind}`] }]]
      }),
    )
    change(config)
  })
  return made
}

const order = (made: Bundle) => readFileSync(`${made.path}/log/order`, 'utf8').trim().split('\n')
const log = (made: Bundle, name: string) => readFileSync(`${made.path}/log/${name}`, 'utf8')

/** Hooks that are one shell script each. */
const shell = (...scripts: string[]) => scripts.map((script) => ({ path: '/bin/sh', args: ['sh', '-c', script] }))

describe.runIf(requires('root'))('hooks', () => {
  test('run in their order around run', async () => {
    const made = await logging(KINDS)
    expect(await run(made)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    const got = order(made)
    // The process runs beside poststart.
    expect(got.filter((entry) => entry !== 'process')).toEqual(KINDS)
    expect(got.indexOf('process')).toBeGreaterThan(got.indexOf('startContainer'))
    expect(got.indexOf('process')).toBeLessThan(got.indexOf('poststop'))
  })

  test('of each kind all run, in their order', async () => {
    const made = await logging(KINDS)
    made.configure((config) => {
      for (const kind of KINDS) {
        const log = INSIDE.includes(kind) ? '/log' : `${made.path}/log`
        const more = shell(`echo ${kind} 2 >>${log}/order`, `echo ${kind} 3 >>${log}/order`)
        config.hooks = { ...config.hooks, [kind]: [...(config.hooks?.[kind] ?? []), ...more] }
      }
    })
    expect(await run(made)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    const got = order(made).filter((entry) => entry !== 'process')
    expect(got).toEqual(KINDS.flatMap((kind) => [kind, `${kind} 2`, `${kind} 3`]))
  })

  test('begin where those of runc do: in the bundle, in the rootfs and where the process will', async () => {
    const made = await logging(KINDS, (config) => {
      config.process.cwd = '/tmp'
    })
    expect((await run(made)).code).toBe(0)
    const cwd = Object.fromEntries(KINDS.map((kind) => [kind, log(made, `${kind}.cwd`).trim()]))
    expect(cwd).toEqual({
      prestart: made.path,
      createRuntime: made.path,
      createContainer: made.rootfs,
      startContainer: '/tmp',
      poststart: made.path,
      poststop: made.path,
    })
  })

  test('run in their order at create, start and delete', async () => {
    const made = await logging(KINDS)
    await create(made)
    expect(order(made)).toEqual(['prestart', 'createRuntime', 'createContainer'])
    await must(['start', made.id])
    await untilStatus(made.id, 'stopped')
    expect(order(made)).toContain('poststart')
    expect(order(made)).not.toContain('poststop')
    await must(['delete', made.id])
    expect(order(made).at(-1)).toBe('poststop')
  })

  test('get the state: its status, the pid, bundle and annotations', async () => {
    const made = await logging(KINDS, (config) => {
      // Not davit's own: the state is told in the version that the bundle was written for.
      config.ociVersion = '1.0.2'
      config.annotations = { key: 'value "x"' }
      config.process.args = ['/bin/sleep', '1000']
    })
    await create(made)
    const { pid, ociVersion } = await state(made.id)
    expect(ociVersion).toBe('1.0.2')
    await must(['start', made.id])
    await must(['delete', '--force', made.id])
    const base = {
      ociVersion: made.config.ociVersion,
      id: made.id,
      bundle: made.path,
      annotations: { key: 'value "x"' },
    }
    const status: Record<Kind, string> = {
      prestart: 'creating',
      createRuntime: 'creating',
      createContainer: 'creating',
      startContainer: 'created',
      poststart: 'running',
      poststop: 'stopped',
    }
    for (const kind of KINDS) {
      const got = JSON.parse(log(made, `${kind}.json`)) as { pid?: number; status: string }
      expect(got, kind).toMatchObject({ ...base, status: status[kind] })
      if (kind === 'poststop') expect(got.pid ?? 0).toBe(0)
      else expect(got.pid, kind).toBe(kind === 'createContainer' || kind === 'startContainer' ? 1 : pid)
      // One document on one line: hooks read it with less than a JSON parser.
      expect(log(made, `${kind}.json`), kind).toBe(JSON.stringify(got))
    }
  })

  test('in the container get the pid that it has there, without a pid namespace the host’s', async () => {
    const made = await logging(['createContainer', 'startContainer'], (config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      config.process.args = ['/bin/sleep', '1000']
    })
    const { pid } = await createStart(made)
    for (const kind of ['createContainer', 'startContainer'])
      expect(JSON.parse(log(made, `${kind}.json`)).pid, kind).toBe(pid)
  })

  test('run in the namespaces that are theirs', async () => {
    const made = await logging(KINDS, (config) => {
      config.process.args = ['/bin/sleep', '1000']
    })
    const { pid } = await createStart(made)
    const of = (who: number | 'self') => ['mnt', 'pid', 'net'].map((type) => namespaceOf(who, type)).join('\n')
    const [host, container] = [of('self'), of(pid)]
    await must(['delete', '--force', made.id])
    for (const kind of KINDS) {
      const inside = kind === 'createContainer' || kind === 'startContainer'
      expect(log(made, `${kind}.ns`).trim(), kind).toBe(inside ? container : host)
    }
  })

  test('have their own environment and nothing of the caller’s', async () => {
    const made = await logging(KINDS)
    await run(made, { env: { ...process.env, LEAK: 'leak' } })
    for (const kind of KINDS) {
      const names = log(made, `${kind}.env`)
        .trim()
        .split('\n')
        .map((line) => line.split('=')[0])
      expect(names.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name as string)).sort(), kind).toEqual([
        'KIND',
        'PATH',
      ])
    }
  })

  test('before the change of root see the container’s mounts, and may still write to a read-only root', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/cat', '/etc/made']
    })
    made.configure((config) => {
      config.hooks = { createContainer: shell(`echo by hook >${made.rootfs}/etc/made; test -d ${made.rootfs}/proc/1`) }
    })
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'by hook\n' })
  })

  test.runIf(requires('root', command('ip')))(
    'of the runtime may move a network device in before the process starts',
    async () => {
      const made = await bundle((config) => {
        config.process.args = ['/bin/ls', '/sys/class/net']
        const script =
          'pid=$(sed "s/.*\\"pid\\":\\([0-9]*\\).*/\\1/"); ip tuntap add dev davit-tap mode tap && ip link set davit-tap netns $pid'
        config.hooks = {
          createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] }],
        }
      })
      const { code, stdout, stderr } = await run(made)
      expect([code, stdout, stderr]).toEqual([0, 'davit-tap\nlo\n', ''])
    },
  )

  test('of one kind run in the order of the list, and stop at the first that fails', async () => {
    const made = await logging([])
    made.configure((config) => {
      const say = (text: string) => `echo ${text} >>${made.path}/log/order`
      config.hooks = { createRuntime: shell(say('one'), `${say('two')}; echo trouble; exit 3`, say('three')) }
    })
    const { code, stderr } = await tryCreate(made)
    expect(code).toBe(1)
    expect(stderr).toMatch(/createRuntime hook #1 .*exit status 3.*trouble/)
    expect(order(made)).toEqual(['one', 'two'])
    expect((await davit(['state', made.id])).code).toBe(1)
  })

  test.each(['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart'] as const)(
    'of kind %s that fail make run fail, and nothing is left but what poststop does',
    async (kind) => {
      const made = await logging([kind, 'poststop'], (config) => {
        config.process.args = ['/bin/sleep', '1000']
        config.hooks = { ...config.hooks, [kind]: [{ path: '/bin/sh', args: ['sh', '-c', 'echo why >&2; exit 7'] }] }
      })
      const { code, stderr } = await run(made)
      expect(code).toBe(1)
      expect(stderr).toMatch(new RegExp(`${kind} hook #0.*exit status 7.*why`))
      expect(order(made)).toEqual(['poststop'])
      expect(cgroupsNamed(made.id)).toEqual([])
    },
  )

  test('of kind poststop that fail are only warned of, and the next ones run', async () => {
    const made = await logging([], (config) => {
      config.hooks = { poststop: [...shell('exit 5'), ...shell('echo here')] }
    })
    made.configure((config) => {
      config.hooks = { poststop: shell('exit 5', `echo last >${made.path}/log/order`) }
    })
    const { code, stderr } = await run(made)
    expect(code).toBe(0)
    expect(stderr).toMatch(/poststop hook #0.*exit status 5/)
    expect(existsSync(`${made.path}/log/order`)).toBe(true)
  })

  test.each(['createRuntime', 'createContainer', 'startContainer'] as const)(
    'of kind %s may end without reading, and may leave somebody behind',
    async (kind) => {
      const made = await bundle((config) => {
        config.process.args = ['/bin/echo', 'ran']
        config.hooks = { [kind]: shell('exec <&-; sleep 0.5 & exit 0') }
      })
      expect(await run(made)).toMatchObject({ code: 0, stdout: 'ran\n' })
    },
  )

  test('do not see the runtime’s descriptors', async () => {
    const made = await logging([])
    made.configure((config) => {
      const list = (to: string) => shell(`echo /proc/self/fd/* >${to}`)
      config.hooks = {
        createRuntime: list(`${made.path}/log/createRuntime`),
        createContainer: list(`${made.path}/log/createContainer`),
        startContainer: list('/log/startContainer'),
        poststart: list(`${made.path}/log/poststart`),
      }
    })
    expect((await run(made)).code).toBe(0)
    for (const kind of ['createRuntime', 'createContainer', 'startContainer', 'poststart']) {
      expect(log(made, kind).trim().split(' ').length, `${kind}: ${log(made, kind)}`).toBeLessThanOrEqual(4)
    }
  })

  test('kept from create run at delete, even when config.json has changed', async () => {
    const made = await logging(['poststop'])
    await createStart(made)
    await untilStatus(made.id, 'stopped')
    writeFileSync(`${made.path}/config.json`, '{}')
    await must(['delete', made.id])
    expect(order(made)).toEqual(['process', 'poststop'])
    expect(statSync(`${made.path}/log/poststop.json`).size).toBeGreaterThan(0)
  })
})
