/** Mounts of a container in a user namespace: who can reach their sources, what is locked, what stands in for sysfs. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, run } from '../support/bundle.ts'
import { exec, output } from '../support/exec.ts'
import { type MountInfo, mountAt, parseMountInfo, processMounts } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { command, kernel, requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'

const ROOT = 100000

/** A container whose root is ROOT outside, in a rootfs of its own. */
async function mapped(change: (config: Config, path: string) => void): Promise<Bundle> {
  const made = await bundle()
  made.configure((config) => {
    config.root.readonly = false
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: ROOT, size: 65536 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: ROOT, size: 65536 }]
    config.process.args = ['/bin/cat', '/proc/self/mountinfo']
    change(config, made.path)
  })
  await exec('chown', ['-R', '-h', `${ROOT}:${ROOT}`, made.rootfs])
  return made
}

async function mountsOf(made: Bundle): Promise<MountInfo[]> {
  const { code, stdout, stderr } = await run(made)
  expect([code, stderr]).toEqual([0, ''])
  return parseMountInfo(stdout)
}

/** Mounts a tmpfs that has all of these, the mount itself too. */
async function restricted(path: string): Promise<void> {
  const options = 'nosuid,nodev,noexec,noatime,nodiratime'
  mkdirSync(path)
  await output('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path])
  atEnd(async () => void (await output('umount', ['-R', '-l', path])))
  await output('mount', ['-o', `remount,bind,ro,${options}`, path])
}

describe.runIf(requires('root', kernel('5.12')))('a bind mount into a user namespace', () => {
  const all = ['noatime', 'nodev', 'nodiratime', 'noexec', 'nosuid', 'ro']

  test.each([
    ['', all],
    ['ro', all],
    // Its owner on the host has said so: what is locked is locked for who is in a user namespace already.
    ['rw', [...all.slice(0, -1), 'rw']],
    ['rw,suid,dev,exec,atime,diratime', ['relatime', 'rw']],
    ['rrw,rsuid,rstrictatime', ['nodev', 'nodiratime', 'noexec', 'rw']],
  ])('with "%s" has of the restrictions of its source', async (options, expected) => {
    const made = await mapped((config) => {
      const words = ['rbind', ...options.split(',').filter(Boolean)]
      config.mounts.push({ destination: '/mnt', source: 'source', type: 'none', options: words })
    })
    await restricted(`${made.path}/source`)
    expect(mountAt(await mountsOf(made), '/mnt').options).toEqual(expected)
  })
})

describe.runIf(requires('root', kernel('5.12'), command('setpriv')))(
  'a source that the runtime has no access to',
  () => {
    /** Binds own/data, which belongs to `owner` alone, by a root who cannot look where it has no permission. */
    async function withoutOverride(owner: number) {
      const made = await mapped((config) => {
        config.mounts.push({ destination: '/mnt', source: 'own/data', type: 'none', options: ['bind', 'ro'] })
        config.process.args = ['/bin/grep', '-h', '', '/mnt/file', '/proc/self/mountinfo']
      })
      mkdirSync(`${made.path}/own/data`, { recursive: true })
      writeFileSync(`${made.path}/own/data/file`, 'of its own\n')
      for (const path of ['/data/file', '/data', '']) {
        chmodSync(`${made.path}/own${path}`, 0o700)
        chownSync(`${made.path}/own${path}`, owner, owner)
      }
      // The capabilities by which root looks everywhere; its cgroups' parents are such places too.
      const less = ['--bounding-set', '-dac_override,-dac_read_search']
      const davit = [
        RUNTIME,
        '--root',
        stateRoot(),
        '--cgroup-manager',
        'disabled',
        'run',
        '--bundle',
        made.path,
        made.id,
      ]
      return exec('setpriv', [...less, ...davit])
    }

    test('is there, when the root of the container has', async () => {
      const { code, stdout, stderr } = await withoutOverride(ROOT)
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^of its own\n/)
      const { options, propagation } = mountAt(parseMountInfo(stdout), '/mnt')
      expect([options.includes('ro'), propagation.filter((word) => word.startsWith('shared'))]).toEqual([true, []])
    })

    test('is refused with its place, when nobody has', async () => {
      const { code, stdout, stderr } = await withoutOverride(5)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(
        /mount "own\/data" on "\/mnt".*, from \/mounts\/7: open_tree ".*own\/data" clone: permission denied\n$/,
      )
    })
  },
)

describe.runIf(requires('root', kernel('5.14')))('in a user namespace that may not make them, the host’s', () => {
  const without = (config: Config, ...types: string[]) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => !types.includes(type))
  }
  const flags = (more: readonly string[]) =>
    ['nodev', 'noexec', 'nosuid', 'ro', ...more.filter((word) => word !== 'relatime')].sort()

  test.each([
    ['', ['relatime']],
    // How access times are noted is locked, and stays as it is on the host.
    ['noatime,nodiratime', ['relatime']],
    ['strictatime', ['relatime']],
    ['rnosymfollow', ['nosymfollow', 'relatime']],
  ])('sysfs is read-only all the way down, with "%s"', async (more, shown) => {
    const made = await mapped((config) => {
      without(config, 'network')
      config.mounts = config.mounts.filter(({ type }) => type !== 'cgroup')
      const sys = config.mounts.find(({ type }) => type === 'sysfs')
      sys?.options?.push(...more.split(',').filter(Boolean))
    })
    const mounts = (await mountsOf(made)).filter(({ path, source }) => /^\/sys(\/|$)/.test(path) && source !== 'none')
    // With the host's cgroups in it, for one.
    expect(mounts.length).toBeGreaterThan(1)
    for (const { path, options } of mounts) {
      const plain = options.filter((word) => word !== 'relatime')
      expect([path, ...plain]).toEqual([path, ...flags(shown)])
      expect([path, options.includes('relatime')]).toEqual([path, shown.includes('relatime')])
    }
  })

  test('sysfs cannot be written to, by the root of the container with every capability', async () => {
    const made = await mapped((config) => {
      without(config, 'network')
      const caps = ['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE']
      config.process.capabilities = { bounding: caps, effective: caps, permitted: caps }
      const script = 'echo 1 >/sys/kernel/uevent_seqnum; mkdir /sys/fs/cgroup/x; true'
      config.process.args = ['/bin/sh', '-c', script]
    })
    const { stderr } = await run(made)
    expect(stderr.match(/Read-only file system|[Pp]ermission denied/g)).toHaveLength(2)
  })

  test.each([
    ['', ['relatime']],
    ['noatime', ['relatime']],
    ['rnoatime,rnosymfollow', ['nosymfollow', 'relatime']],
  ])('cgroups are read-only, with "%s"', async (more, shown) => {
    for (const type of ['cgroup', 'cgroup2']) {
      const made = await mapped((config) => {
        without(config, 'network', 'cgroup')
        config.mounts = config.mounts.filter((mount) => mount.type !== 'cgroup' && mount.type !== 'sysfs')
        const options = ['ro', 'nosuid', 'nodev', 'noexec', ...more.split(',').filter(Boolean)]
        config.mounts.push({ destination: '/cgroups', type, source: 'cgroup', options })
      })
      const shows = ({ path, type: is }: MountInfo) => /^\/cgroups(\/|$)/.test(path) && is !== 'tmpfs'
      const mounts = (await mountsOf(made)).filter(shows)
      expect(mounts.length).toBeGreaterThan(0)
      for (const { path, root, options } of mounts) {
        const plain = options.filter((word) => word !== 'relatime')
        expect([path, ...plain]).toEqual([path, ...flags(shown)])
        expect([path, options.includes('relatime')]).toEqual([path, shown.includes('relatime')])
        expect([path, root.endsWith(`/${made.id}`)]).toEqual([path, true])
      }
    }
  })
})

describe.runIf(requires('root', kernel('5.14')))('cgroups', () => {
  test.each([
    ['cgroup', true],
    ['cgroup2', true],
    ['cgroup', false],
    ['cgroup2', false],
  ])('as %s, in a namespace of their own (%s), have every option, in both forms', async (type, own) => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.linux.namespaces = config.linux.namespaces.filter((entry) => entry.type !== 'cgroup')
      if (own) config.linux.namespaces.push({ type: 'cgroup' })
      config.mounts = config.mounts.filter((mount) => mount.type !== 'cgroup')
      const add = (destination: string, ...options: string[]) =>
        config.mounts.push({ destination, type, source: 'cgroup', options })
      add('/plain', 'ro', 'nosuid', 'noexec', 'nosymfollow', 'noatime')
      add('/all', 'rro', 'rnosuid', 'rnoexec', 'rnosymfollow', 'rnoatime')
      add('/writable', 'ro', 'rrw', 'nodev')
      config.process.args = ['/bin/cat', '/proc/self/mountinfo']
    })
    const mounts = await mountsOf(made)
    // Without a namespace of its own it is the host's mount, bound: what that forbids stays forbidden.
    const host = own ? [] : processMounts('self').filter((mount) => /^cgroup2?$/.test(mount.type))
    const kept = ['nodev', 'noexec', 'nosuid'].filter((flag) => host.some(({ options }) => options.includes(flag)))
    for (const [place, expected] of [
      ['/plain', ['noatime', 'noexec', 'nosuid', 'nosymfollow', 'ro']],
      ['/all', ['noatime', 'noexec', 'nosuid', 'nosymfollow', 'ro']],
      ['/writable', ['nodev', 'relatime', 'rw']],
    ] as const) {
      const found = mounts.filter(({ path }) => path === place || path.startsWith(`${place}/`))
      expect(found.length).toBeGreaterThan(0)
      for (const { path, options, root, type: is } of found) {
        expect([path, ...options]).toEqual([path, ...[...new Set([...expected, ...kept])].sort()])
        // Its own, not the host's.
        if (is !== 'tmpfs')
          expect([path, root === '/' || root.endsWith(`/${made.id}`), root === '/']).toEqual([path, true, own])
      }
    }
  })
})
