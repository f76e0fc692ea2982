/**
 * Every option of a mount's own that runc, crun and the specification know, on a bind mount of two mounts, one in the
 * other: what the container's mountinfo says of both. One container has them all.
 */
import { mkdirSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Bundle, bundle, makeRootfs, outputOf, run } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { type MountInfo, mountAt, parseMountInfo } from '../support/kernel.ts'
import { kernel, requires } from '../support/requires.ts'
import { davit } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'

/** Sources, by their options as mountinfo shows them: each is a mount with another one in it, alike. */
const SOURCES = {
  // Nothing is set: strictatime is what is not shown.
  bare: ['rw'],
  // Everything is.
  full: ['noatime', 'nodev', 'nodiratime', 'noexec', 'nosuid', 'nosymfollow', 'ro'],
  default: ['relatime', 'rw'],
} as const
type Source = keyof typeof SOURCES

const but = (source: Source, gone: string, come: readonly string[] = []) =>
  [...SOURCES[source].filter((option) => option !== gone), ...come].sort()

/** Plain options; each has a recursive form. What a mount of the source becomes by it. */
const OPTIONS: readonly (readonly [options: string, of: Source, shown: readonly string[]])[] = [
  ['ro', 'bare', ['ro']],
  ['rw', 'full', but('full', 'ro', ['rw'])],
  ['nosuid', 'bare', but('bare', '', ['nosuid'])],
  ['suid', 'full', but('full', 'nosuid')],
  ['nodev', 'bare', but('bare', '', ['nodev'])],
  ['dev', 'full', but('full', 'nodev')],
  ['noexec', 'bare', but('bare', '', ['noexec'])],
  ['exec', 'full', but('full', 'noexec')],
  ['nosymfollow', 'bare', but('bare', '', ['nosymfollow'])],
  ['symfollow', 'full', but('full', 'nosymfollow')],
  ['nodiratime', 'bare', but('bare', '', ['nodiratime'])],
  ['diratime', 'full', but('full', 'nodiratime')],
  ['noatime', 'bare', but('bare', '', ['noatime'])],
  ['noatime', 'default', but('default', 'relatime', ['noatime'])],
  ['atime', 'full', but('full', 'noatime', ['relatime'])],
  ['relatime', 'bare', but('bare', '', ['relatime'])],
  ['relatime', 'full', but('full', 'noatime', ['relatime'])],
  ['norelatime', 'default', but('default', 'relatime')],
  ['strictatime', 'default', but('default', 'relatime')],
  ['strictatime', 'full', but('full', 'noatime')],
  ['nostrictatime', 'bare', but('bare', '', ['relatime'])],
  // Several at once; of what contradicts itself the later counts.
  ['ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow', 'bare', SOURCES.full],
  ['rw,suid,dev,exec,strictatime,diratime,symfollow', 'full', SOURCES.bare],
  ['ro,rw', 'bare', ['rw']],
  ['rw,ro', 'full', SOURCES.full],
  ['nosuid,suid', 'bare', ['rw']],
  ['suid,nosuid', 'full', SOURCES.full],
  // Access times as mount(2) takes them.
  ['noatime,relatime', 'bare', ['noatime', 'rw']],
  ['relatime,noatime', 'default', ['noatime', 'rw']],
  ['noatime,strictatime', 'default', ['rw']],
  ['strictatime,noatime', 'default', ['rw']],
  ['relatime,strictatime', 'default', ['rw']],
  ['strictatime,nostrictatime', 'full', but('full', 'noatime', ['relatime'])],
  ['noatime,atime', 'bare', ['relatime', 'rw']],
  ['noatime,norelatime', 'default', ['noatime', 'rw']],
  ['noatime,nodiratime', 'default', ['noatime', 'nodiratime', 'rw']],
]

const recursive = (options: string) =>
  options
    .split(',')
    .map((option) => `r${option}`)
    .join(',')

/** Options that go without saying, or say nothing to a mount. */
const SILENT = ['defaults', 'silent', 'loud', 'iversion', 'noiversion']
/** Flags of a superblock, and what mountinfo shows of one that has them. */
const SUPERBLOCK = { sync: 'sync', dirsync: 'dirsync', lazytime: 'lazytime', mand: 'mand' }
const UNSET = ['async', 'nolazytime', 'nomand']

async function mountSource(path: string, options: readonly string[]): Promise<void> {
  const words = options.includes('noatime') || options.includes('relatime') ? options : [...options, 'strictatime']
  const fresh = words.filter((word) => word !== 'ro')
  await output('mount', ['-t', 'tmpfs', '-o', fresh.join(','), 'tmpfs', path])
  atEnd(async () => void (await output('umount', ['-R', '-l', path])))
  mkdirSync(`${path}/sub`)
  await output('mount', ['-t', 'tmpfs', '-o', fresh.join(','), 'tmpfs', `${path}/sub`])
  // Of the mounts alone, so that whoever lifts it can be seen to.
  if (words.includes('ro')) {
    for (const at of [`${path}/sub`, path]) await output('mount', ['-o', `remount,bind,${words.join(',')}`, at])
  }
}

describe.runIf(requires('root', kernel('5.14')))('a bind mount of a tree', () => {
  let made: Bundle
  let mounts: MountInfo[] = []
  const target = (options: string, source: string) => `/m/${source}/${options}`

  beforeAll(async () => {
    made = await bundle((config) => {
      config.root.readonly = false
      config.process.args = ['/bin/cat', '/proc/self/mountinfo']
    })
    for (const [source, options] of Object.entries(SOURCES)) {
      mkdirSync(`${made.path}/${source}`)
      await mountSource(`${made.path}/${source}`, options)
    }
    made.configure((config) => {
      const add = (options: string, source: string) =>
        config.mounts.push({
          destination: target(options, source),
          source,
          type: 'none',
          options: ['rbind', ...options.split(',')],
        })
      for (const [options, source] of OPTIONS) for (const all of [options, recursive(options)]) add(all, source)
      for (const options of [...SILENT, ...UNSET, 'ro,rrw,nosuid', 'rro,rw,nosuid']) add(options, 'default')
    })
    const { code, stdout, stderr } = await run(made)
    if (code !== 0) throw new Error(stderr)
    mounts = parseMountInfo(stdout)
  })

  const shown = (options: string, source: string, sub = '') => [
    ...mountAt(mounts, `${target(options, source)}${sub}`).options,
  ]

  test.each(OPTIONS)('with %s, of one that is %s', (options, source, expected) => {
    expect(shown(options, source)).toEqual(expected)
    expect(shown(options, source, '/sub')).toEqual(SOURCES[source])
  })

  test.each(OPTIONS.map(([options, ...rest]) => [recursive(options), ...rest] as const))(
    'with %s, of one that is %s, all the way down',
    (options, source, expected) => {
      expect(shown(options, source)).toEqual(expected)
      expect(shown(options, source, '/sub')).toEqual(expected)
    },
  )

  test.each([...SILENT, ...UNSET])('with %s is as it was', (option) => {
    for (const sub of ['', '/sub']) expect(shown(option, 'default', sub)).toEqual(SOURCES.default)
  })

  test('with both forms has the plain one first', () => {
    expect(shown('ro,rrw,nosuid', 'default')).toEqual(['nosuid', 'relatime', 'rw'])
    expect(shown('ro,rrw,nosuid', 'default', '/sub')).toEqual(['relatime', 'rw'])
    expect(shown('rro,rw,nosuid', 'default')).toEqual(['nosuid', 'relatime', 'ro'])
    expect(shown('rro,rw,nosuid', 'default', '/sub')).toEqual(['relatime', 'ro'])
  })

  test('has been tried with every option of a mount that davit names', async () => {
    const { stdout } = await davit(['features'])
    const named: string[] = JSON.parse(stdout).mountOptions
    const tried = new Set([
      ...OPTIONS.flatMap(([options]) => [options, recursive(options)].flatMap((text) => text.split(','))),
      ...SILENT,
      ...UNSET,
      ...Object.keys(SUPERBLOCK),
      ...['sync', 'async', 'dirsync', 'mand', 'nomand'].map((name) => `r${name}`),
    ])
    // Those have tests of their own: mounts_bind, _idmap, _links, _remount, _tmpfs.
    const others =
      /^(r?bind|r?(shared|slave|private|unbindable)|r?idmap|tmpcopyup|copy-symlink|(src|dest)-nofollow|remount)$/
    expect(named.filter((name) => !tried.has(name) && !others.test(name))).toEqual([])
    expect([...tried].filter((name) => !named.includes(name))).toEqual([])
  })

  test('cannot have the flags of a superblock, and says so', async () => {
    const one = await bundle((config) => {
      const options = ['bind', 'sync', 'rdirsync', 'lazytime', 'mand', 'async', 'ro']
      config.root.readonly = false
      config.process.args = ['/bin/cat', '/proc/self/mountinfo']
      config.mounts.push({ destination: '/mnt', source: '.', type: 'none', options })
    })
    const { code, stdout, stderr } = await run(one)
    expect(code).toBe(0)
    const said = ['sync', 'dirsync', 'lazytime', 'mand'].map((name) => `option "${name}" has no effect on a bind mount`)
    expect(stderr.match(/option "\w+" has no effect on a bind mount/g)).toEqual(said)
    expect(stderr).toContain('from /mounts/7/options')
    const mount = mountAt(parseMountInfo(stdout), '/mnt')
    expect(mount.options).toContain('ro')
    expect(mount.data).not.toContain('sync')
  })
})

describe.runIf(requires('root', kernel('5.12')))('a new file system', () => {
  test('has the flags of a superblock, in both forms, unless a later option takes them back', async () => {
    const pairs = ['sync,async', 'mand,nomand', 'lazytime,nolazytime', 'rsync,rasync', 'rmand,rnomand']
    const text = await outputOf('cat /proc/self/mountinfo', (config) => {
      config.root.readonly = false
      for (const name of [...Object.keys(SUPERBLOCK), 'rsync', 'rdirsync', 'rmand', ...pairs, ...UNSET])
        config.mounts.push({ destination: `/m/${name}`, type: 'tmpfs', source: 'tmpfs', options: name.split(',') })
    })
    const mounts = parseMountInfo(text)
    for (const [name, word] of Object.entries(SUPERBLOCK)) expect(mountAt(mounts, `/m/${name}`).data).toContain(word)
    for (const name of ['sync', 'dirsync', 'mand']) expect(mountAt(mounts, `/m/r${name}`).data).toContain(name)
    // Kernels that number the files of a tmpfs with 64 bits say so.
    const data = (name: string) => mountAt(mounts, `/m/${name}`).data.filter((word) => word !== 'inode64')
    for (const name of [...pairs, ...UNSET]) expect(data(name)).toEqual(['rw'])
  })

  test('has each of the mount’s own options, in both forms', async () => {
    const plain = ['ro', 'nosuid', 'nodev', 'noexec', 'nosymfollow', 'nodiratime', 'noatime']
    const text = await outputOf('cat /proc/self/mountinfo', (config) => {
      config.root.readonly = false
      for (const name of [...plain, ...plain.map(recursive), 'strictatime', 'rstrictatime', 'noatime,relatime'])
        config.mounts.push({ destination: `/m/${name}`, type: 'tmpfs', source: 'tmpfs', options: name.split(',') })
    })
    const options = (name: string) => [...mountAt(parseMountInfo(text), `/m/${name}`).options]
    const expected = (name: string) =>
      [name, ...(name === 'ro' ? [] : ['rw']), ...(name === 'noatime' ? [] : ['relatime'])].sort()
    for (const name of plain) {
      expect(options(name)).toEqual(expected(name))
      expect(options(recursive(name))).toEqual(expected(name))
    }
    for (const name of ['strictatime', 'rstrictatime']) expect(options(name)).toEqual(['rw'])
    expect(options('noatime,relatime')).toEqual(['noatime', 'rw'])
  })
})

describe.runIf(requires('root', kernel('5.12')))('a read-only root', () => {
  test('is so itself: mounts in it are as they were, and it keeps what else it has', async () => {
    const made = await bundle(undefined, { bare: true })
    const { rootfs } = made
    mkdirSync(rootfs)
    await output('mount', ['-t', 'tmpfs', '-o', 'nosuid,noatime', 'tmpfs', rootfs])
    atEnd(async () => void (await output('umount', ['-R', '-l', rootfs])))
    await makeRootfs(rootfs, ['cat', 'touch'])
    mkdirSync(`${rootfs}/data`)
    await output('mount', ['-t', 'tmpfs', '-o', 'nodev', 'tmpfs', `${rootfs}/data`])
    mkdirSync(`${made.path}/source/sub`, { recursive: true })
    await output('mount', ['-t', 'tmpfs', 'tmpfs', `${made.path}/source/sub`])
    atEnd(async () => void (await output('umount', ['-l', `${made.path}/source/sub`])))
    mkdirSync(`${rootfs}/mnt`)
    made.configure((config) => {
      config.root.readonly = true
      config.mounts.push({ destination: '/mnt', source: 'source', type: 'none', options: ['rbind'] })
      const script = 'cat /proc/self/mountinfo; touch /data/x /mnt/x /mnt/sub/x && touch /x'
      config.process.args = ['/bin/busybox', 'sh', '-c', script]
    })
    const { code, stdout, stderr } = await run(made)
    const mounts = parseMountInfo(stdout)
    expect(mountAt(mounts, '/').options).toEqual(['noatime', 'nosuid', 'ro'])
    expect(mountAt(mounts, '/data').options).toEqual(['nodev', 'relatime', 'rw'])
    for (const path of ['/mnt', '/mnt/sub']) expect(mountAt(mounts, path).options).toContain('rw')
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^touch: \/x: Read-only file system\n$/)])
  })
})
