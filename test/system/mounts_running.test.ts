/** `mounts add` and `mounts remove`: what the kernel says of the mounts of a container that runs. */
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Mount } from '../../src/spec/types.gen.ts'
import { attack } from '../support/attacker.ts'
import { type Bundle, bundle, type Config, create, createStart, ownNamespace } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { outputIn } from '../support/in_container.ts'
import { type MountInfo, mountAt, processMounts } from '../support/kernel.ts'
import { patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

const change = (action: 'add' | 'remove', id: string, mounts: unknown) =>
  davit(['mounts', action, id, '-'], { stdin: typeof mounts === 'string' ? mounts : JSON.stringify(mounts) })

async function changed(action: 'add' | 'remove', id: string, mounts: readonly Mount[]): Promise<void> {
  expect(await change(action, id, mounts)).toMatchObject({ code: 0, stdout: '', stderr: '' })
}

/** What is said of a change that must be refused; the container's mounts stay as they are. */
async function refusedChange(made: Bundle, action: 'add' | 'remove', mounts: unknown): Promise<string> {
  const { pid } = await state(made.id)
  const before = processMounts(pid)
  const { code, stderr } = await change(action, made.id, mounts)
  expect(code).toBe(1)
  expect(processMounts(pid)).toEqual(before)
  const said = /^(?:davit: warning: [^\n]*\n)*davit: mounts failed: ([^\n]*)\n$/.exec(stderr)?.[1]
  if (said === undefined) throw new Error(`not one line of an error: ${stderr}`)
  return said
}

/** A container that sleeps, with a rootfs that can be written to. */
async function running(configure: (config: Config) => void = () => {}, own = false): Promise<Bundle> {
  const made = await bundle((config) => {
    config.root.readonly = false
    config.process.args = ['/bin/sleep', '1000']
    configure(config)
  })
  if (own) await exec('chown', ['-R', '-h', '100000:200000', made.rootfs])
  await createStart(made)
  return made
}

const userns = (config: Config) => {
  config.linux.namespaces.push({ type: 'user' })
  config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  config.linux.gidMappings = [{ containerID: 0, hostID: 200000, size: 65536 }]
}

/** Mounts of the host that have to do with this test: others come and go. */
const onHost = () => processMounts('self').filter(({ path, root }) => `${path}${root}`.includes(scratch()))

const mountsOf = async ({ id }: Bundle): Promise<MountInfo[]> => processMounts((await state(id)).pid)

/** A directory of the host with a file in it. */
function source(name = 'source'): string {
  const path = `${scratch()}/${name}`
  mkdirSync(`${path}/below`, { recursive: true })
  writeFileSync(`${path}/file`, `in ${name}`)
  return path
}

describe.runIf(requires('root'))('mounts of a running container', () => {
  test('are made with all that create can do, and taken off again', async () => {
    const made = await running((config) => ownNamespace(config, 'cgroup'))
    const dir = source()
    const before = await mountsOf(made)
    const host = onHost()
    const list: readonly Mount[] = [
      { destination: '/new/tmpfs', type: 'tmpfs', source: 'scratch', options: ['size=1m', 'ro', 'nosuid', 'mode=711'] },
      { destination: '/new/bind', source: dir, options: ['bind', 'ro', 'noexec'] },
      { destination: '/new/file', source: `${dir}/file`, options: ['bind'] },
      { destination: '/new/queue', type: 'mqueue' },
      { destination: '/new/sys', type: 'sysfs', options: ['ro'] },
      { destination: '/new/groups', type: 'cgroup', options: ['ro', 'nodev'] },
      { destination: '/new/pts', type: 'devpts', options: ['ptmxmode=0666'] },
      { destination: '/new/ram', type: 'ramfs', options: ['noatime'] },
      { destination: '/new/tmpfs2', type: 'tmpfs', options: ['rw'] },
      { destination: '/new/tmpfs2/inner', source: dir, options: ['rbind'] },
    ]
    await changed('add', made.id, list)
    const mounts = await mountsOf(made)
    const options = (path: string) => mountAt(mounts, path).options
    expect(mountAt(mounts, '/new/tmpfs')).toMatchObject({ type: 'tmpfs', source: 'scratch' })
    expect(mountAt(mounts, '/new/tmpfs').data).toEqual(expect.arrayContaining(['size=1024k', 'mode=711']))
    expect(options('/new/tmpfs')).toEqual(['nosuid', 'relatime', 'ro'])
    expect(options('/new/bind')).toEqual(['noexec', 'relatime', 'ro'])
    expect(options('/new/groups')).toEqual(expect.arrayContaining(['nodev', 'ro']))
    expect(options('/new/ram')).toEqual(['noatime', 'rw'])
    for (const [path, type] of Object.entries({ queue: 'mqueue', sys: 'sysfs', pts: 'devpts', ram: 'ramfs' }))
      expect(mountAt(mounts, `/new/${path}`).type).toBe(type)
    expect(mountAt(mounts, '/new/file').root).toMatch(/\/source\/file$/)
    const script = 'cat /new/file /new/bind/file /new/tmpfs2/inner/file; ls /new/sys/class/net; touch /new/bind/x'
    const inside = await davit(['exec', made.id, 'sh', '-c', script])
    expect(inside.stdout).toBe('in sourcein sourcein sourcelo\n')
    expect(inside.stderr).toContain('Read-only file system')

    await changed('remove', made.id, list)
    expect(await mountsOf(made)).toEqual(before)
    expect(onHost()).toEqual(host)
  })

  test('may be idmapped, with ids of their own or those of the container', async () => {
    const made = await running(userns, true)
    const dir = source()
    chownSync(`${dir}/file`, 1000, 1000)
    const options = ['bind', 'idmap']
    const own = (hostID: number) => [{ containerID: 1000, hostID, size: 1 }]
    await changed('add', made.id, [
      { destination: '/new/same', source: dir, options },
      { destination: '/new/plain', source: dir, options: ['bind'] },
      { destination: '/new/own', source: dir, options, uidMappings: own(100007), gidMappings: own(200008) },
      {
        destination: '/new/tmpfs',
        type: 'tmpfs',
        options: ['idmap'],
        uidMappings: own(100007),
        gidMappings: own(200008),
      },
    ])
    const script = 'stat -c %u:%g /new/same/file /new/plain/file /new/own/file; grep -c idmapped /proc/self/mountinfo'
    expect(await outputIn(made.id, script)).toBe('1000:1000\n65534:65534\n7:8\n3\n')
    expect(await refusedChange(made, 'add', [{ destination: '/x', type: 'mqueue', options: ['idmap'] }])).toMatch(
      /failed to set MOUNT_ATTR_IDMAP/,
    )
  })

  test('may have sources relative to the bundle; a file may hold the list', async () => {
    const made = await running()
    mkdirSync(`${made.path}/data`)
    writeFileSync(`${made.path}/data/x`, 'from the bundle')
    writeFileSync(`${scratch()}/list.json`, '[{"destination":"/data","source":"data","options":["bind"]}]')
    await must(['mounts', 'add', made.id, 'list.json'], { cwd: scratch() })
    expect(await outputIn(made.id, 'cat /data/x')).toBe('from the bundle')
    await must(['mounts', 'remove', made.id, `${scratch()}/list.json`])
    expect(await outputIn(made.id, 'ls /data')).toBe('')
  })

  test('are possible before start, and in a paused container', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.process.args = ['/bin/sh', '-c', 'cat /data/file; while :; do sleep 1; done']
    })
    await create(made)
    const list: readonly Mount[] = [{ destination: '/data', source: source(), options: ['bind'] }]
    await changed('add', made.id, list)
    await must(['start', made.id])
    await must(['pause', made.id])
    await changed('remove', made.id, list)
    await changed('add', made.id, list)
    expect(mountAt(await mountsOf(made), '/data').root).toMatch(/\/source$/)
    await must(['resume', made.id])
    expect(await outputIn(made.id, 'cat /data/file')).toBe('in source')
  })

  test('belong to the container’s root in a user namespace, which can use them', async () => {
    const made = await running(userns, true)
    const dir = source()
    const before = await mountsOf(made)
    const list: readonly Mount[] = [
      { destination: '/new/tmpfs', type: 'tmpfs', options: ['mode=700'] },
      { destination: '/new/bind', source: dir, options: ['rbind', 'ro'] },
      { destination: '/new/file', source: `${dir}/file`, options: ['bind'] },
      { destination: '/new/queue', type: 'mqueue' },
    ]
    await changed('add', made.id, list)
    expect(await outputIn(made.id, 'touch /new/tmpfs/x; stat -c %u:%g:%a /new /new/tmpfs; cat /new/file')).toBe(
      '0:0:755\n0:0:700\nin source',
    )
    expect(statSync(`${made.rootfs}/new`)).toMatchObject({ uid: 100000, gid: 200000 })
    expect((await davit(['exec', made.id, 'mount', '-o', 'remount,bind,rw', '/new/bind'])).code).not.toBe(0)
    await changed('remove', made.id, list)
    expect(await mountsOf(made)).toEqual(before)
  })

  test('a tmpfs takes the mode of the directory that it covers', async () => {
    const made = await running()
    mkdirSync(`${made.rootfs}/kept`, { mode: 0o710 })
    await changed('add', made.id, [
      { destination: '/kept', type: 'tmpfs' },
      { destination: '/fresh', type: 'tmpfs' },
    ])
    expect(await outputIn(made.id, 'stat -c %a /kept /fresh')).toBe('710\n1777\n')
  })

  test('a file system with paths in its options is made of the host’s, whatever the image has there', async () => {
    const made = await running()
    const lower = source('lower')
    mkdirSync(`${made.rootfs}${lower}`, { recursive: true })
    writeFileSync(`${made.rootfs}${lower}/file`, 'of the image')
    await changed('add', made.id, [
      {
        destination: '/over',
        type: 'overlay',
        source: 'overlay',
        options: [`lowerdir=${lower}:${source('other')}`, 'ro'],
      },
    ])
    expect(await outputIn(made.id, 'cat /over/file')).toBe('in lower')
  })

  test('do not join the host’s peer groups', async () => {
    const made = await running()
    await changed('add', made.id, [{ destination: '/usr2', source: '/usr', options: ['rbind'] }])
    expect(mountAt(await mountsOf(made), '/usr2').propagation.filter((word) => word.startsWith('shared'))).toEqual([])
    await changed('add', made.id, [{ destination: '/usr2/share', type: 'tmpfs' }])
    expect(processMounts('self').filter(({ path }) => path === '/usr/share')).toEqual([])
  })

  test('the uppermost mount is removed, what it covered is there again', async () => {
    const made = await running()
    const [one, two] = [source('one'), source('two')].map(
      (path): Mount => ({ destination: '/stack', source: path, options: ['bind'] }),
    ) as [Mount, Mount]
    await changed('add', made.id, [one, two])
    expect(await outputIn(made.id, 'cat /stack/file')).toBe('in two')
    await changed('remove', made.id, [{ destination: '//stack/../stack/' }])
    expect(await outputIn(made.id, 'cat /stack/file')).toBe('in one')
    await changed('remove', made.id, [one])
    expect(await outputIn(made.id, 'ls /stack')).toBe('')
  })

  test('a mount that is in use goes from sight', async () => {
    const made = await running()
    const list = [{ destination: '/busy', type: 'tmpfs' }]
    await changed('add', made.id, list)
    await must(['exec', '-d', '--cwd', '/busy', made.id, 'sleep', '1000'], { output: `${scratch()}/out` })
    await changed('remove', made.id, list)
    expect((await mountsOf(made)).filter(({ path }) => path === '/busy')).toEqual([])
  })
})

const TMPFS: Mount = { destination: '/a', type: 'tmpfs' }
const BAD: Mount = { destination: '/c', type: 'tmpfs', options: ['size=much'] }

describe.runIf(requires('root'))('all or nothing', () => {
  test.each<[string, (dir: string) => readonly Mount[], RegExp]>([
    [
      'a file system refuses',
      (dir) => [TMPFS, { destination: '/a/b', source: dir, options: ['bind'] }, BAD],
      /\/2: fsmount "tmpfs" options size=much: invalid argument \(tmpfs: Bad value for 'size'\)$/,
    ],
    [
      'a target cannot be made',
      () => [TMPFS, { ...TMPFS, destination: '/a/ro', options: ['ro'] }, { ...TMPFS, destination: '/etc/passwd/x' }],
      /from \/2: make path "\/etc\/passwd.*" .*: not a directory$/,
    ],
    [
      'a target is of another type',
      (dir) => [TMPFS, { destination: '/etc', source: `${dir}/file`, options: ['bind'] }],
      /from \/1: move_mount .*: (not a directory|invalid argument)$/,
    ],
    [
      'a source is not there',
      (dir) => [TMPFS, { destination: '/b', source: `${dir}/none`, options: ['bind'] }],
      /from \/1: open_tree ".*\/none": no such file or directory$/,
    ],
    [
      'a file system of the host refuses',
      () => [TMPFS, { destination: '/b', type: 'overlay', options: ['lowerdir=/nowhere'] }],
      /from \/1: .*(no such file or directory|failed to resolve '\/nowhere')/,
    ],
  ])('%s', async (_, list, words) => {
    const made = await running()
    expect(await refusedChange(made, 'add', list(source()))).toMatch(words)
    // It is as it was: the same can be done again, without the one that failed.
    await changed('add', made.id, [TMPFS])
  })

  test('in a user namespace', async () => {
    const made = await running(userns, true)
    const list = [TMPFS, { destination: '/b', source: source(), options: ['rbind'] }, BAD]
    expect(await refusedChange(made, 'add', list)).toContain('from /2: ')
  })

  test('nothing is removed when one of them is no mount', async () => {
    const made = await running()
    await changed('add', made.id, [TMPFS])
    expect(await refusedChange(made, 'remove', [TMPFS, { destination: '/etc' }])).toBe(
      'remove the mount on "/etc", from /1: it is not a mount point',
    )
    expect(await refusedChange(made, 'remove', [{ destination: '/nowhere' }, TMPFS])).toContain(
      'from /0: open "/nowhere" in slot 1 in-root: no such file or directory',
    )
  })
})

describe.runIf(requires('root'))('refused', () => {
  test.each<[string, 'add' | 'remove', unknown, string]>([
    ['what is no JSON', 'add', '[{]', 'parse standard input: line 1, column 3: '],
    ['what is no list', 'add', {}, 'invalid standard input: expected an array, got an object'],
    ['nothing', 'remove', null, 'invalid standard input: expected an array, got null'],
    [
      'what is no mount',
      'add',
      [TMPFS, { type: 5 }],
      'invalid standard input: /1/destination: required but missing; /1/type: expected',
    ],
    ['a mount without a type', 'add', [{ destination: '/x' }], '/0/type: a mount that is no bind mount needs a type'],
    [
      'a bind without a source',
      'add',
      [{ destination: '/x', options: ['bind'] }],
      '/0/source: a bind mount needs a source',
    ],
    [
      'data on a bind',
      'add',
      [{ destination: '/x', source: '/', options: ['bind', 'size=1'] }],
      '/0/options: bind mounts cannot have',
    ],
    [
      'the root',
      'add',
      [{ ...TMPFS, destination: '/..' }],
      '/0/destination: the root of a running container cannot be covered',
    ],
    [
      'the root, to be removed',
      'remove',
      [{ destination: '/' }],
      '/0/destination: the root of a container cannot be removed',
    ],
    [
      'a procfs',
      'add',
      [{ destination: '/p', type: 'proc' }],
      '/0/type: a procfs shows the processes of whoever makes it',
    ],
    [
      'cgroups without their namespace',
      'add',
      [{ destination: '/g', type: 'cgroup' }],
      '/0/type: the container has no cgroup namespace',
    ],
    ['the same place twice', 'remove', [TMPFS, { destination: 'a/' }], '/1/destination: "/a" is in the list already'],
  ])('%s', async (_, action, mounts, words) => {
    const made = await running((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'cgroup')
    })
    expect(await refusedChange(made, action, mounts)).toContain(words)
  })

  test('in a container that is stopped, is not there, or has the host’s mounts', async () => {
    const said = async (id: string) => (await change('add', id, [TMPFS])).stderr
    expect(await said('nobody')).toBe('davit: mounts failed: container does not exist: nobody\n')
    const stopped = await running()
    await must(['kill', stopped.id, 'KILL'])
    await expect.poll(async () => (await state(stopped.id)).status).toBe('stopped')
    expect(await said(stopped.id)).toBe('davit: mounts failed: cannot change the mounts of a stopped container\n')
    const shared = await running((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'mount')
      Object.assign(config, { mounts: [] })
      Object.assign(config.linux, { maskedPaths: [], readonlyPaths: [] })
    })
    const host = onHost()
    expect(await said(shared.id)).toBe(
      `davit: mounts failed: container ${shared.id} has no mount namespace of its own\n`,
    )
    expect(onHost()).toEqual(host)
  })
})

describe.runIf(requires('root'))('a hostile image', () => {
  test('gets what is asked for inside, wherever its links lead', async () => {
    const victim = source('victim')
    const made = await running()
    for (const [name, target] of Object.entries({
      absolute: victim,
      climbing: `../../../../../../../../..${victim}`,
      magic: '/proc/1/root',
      dangling: '/not/there',
    }))
      symlinkSync(target, `${made.rootfs}/${name}`)
    const host = onHost()
    await changed('add', made.id, [
      { destination: '/absolute/made', type: 'tmpfs' },
      { destination: '/climbing/too', type: 'tmpfs' },
      { destination: '/dangling', type: 'tmpfs' },
    ])
    const paths = (await mountsOf(made)).map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining([`${victim}/made`, `${victim}/too`, '/not/there']))
    expect(await refusedChange(made, 'add', [{ destination: '/magic/x', type: 'tmpfs' }])).toContain(
      'too many levels of symbolic links',
    )
    expect(readdirSync(victim).sort()).toEqual(['below', 'file'])
    expect(onHost()).toEqual(host)
    await changed('remove', made.id, [{ destination: '/climbing/too' }, { destination: '/dangling' }])
  })

  test('cannot win a race for the target in a volume that it shares with the host', {
    timeout: patience(60_000),
  }, async () => {
    const victim = source('victim')
    const volume = `${scratch()}/volume`
    mkdirSync(`${volume}/dir`, { recursive: true })
    symlinkSync(`../../../../../../../../..${victim}`, `${volume}/link`)
    const made = await running((config) => {
      config.mounts.push({ destination: '/volume', source: volume, options: ['rbind'] })
    })
    const host = onHost()
    const { pid } = await state(made.id)
    await attack('swapping', 'swap', `${volume}/dir`, `${volume}/link`)
    const list: readonly Mount[] = [{ destination: '/volume/dir/deep/er', type: 'tmpfs' }]
    let added = 0
    for (let i = 0; i < 60; i++) if ((await change('add', made.id, list)).code === 0) added++
    expect(added).toBeGreaterThan(0)
    const there = processMounts(pid).flatMap(({ path }) => (path.endsWith('/deep/er') ? [path] : []))
    expect(there).toHaveLength(added)
    for (const path of there) expect(path).toMatch(new RegExp(`^(/volume/(dir|link)|${victim})/deep/er$`))
    expect(readdirSync(victim).sort()).toEqual(['below', 'file'])
    expect(existsSync(`${victim}/deep`)).toBe(false)
    expect(onHost()).toEqual(host)
  })

  test('does not see who mounts, even among the processes of the host', { timeout: patience(60_000) }, async () => {
    const script =
      'while :; do for p in /proc/[0-9]*; do case $(cat $p/comm 2>/dev/null) in davit-init) ls -l $p/fd $p/root/ $p/exe >/seen/$RANDOM 2>/dev/null && echo $p >>/seen/hit; echo >>/seen/looked;; esac; done; done'
    const seen = `${scratch()}/seen`
    mkdirSync(seen)
    const made = await running((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      config.mounts.push({ destination: '/seen', source: seen, options: ['bind'] })
      config.process.args = ['/bin/sh', '-c', script]
    })
    for (let i = 0; i < 40; i++) {
      await changed('add', made.id, [TMPFS])
      await changed('remove', made.id, [TMPFS])
    }
    expect(existsSync(`${seen}/hit`) ? readFileSync(`${seen}/hit`, 'utf8') : '').toBe('')
    await must(['delete', '--force', made.id])
  })
})
