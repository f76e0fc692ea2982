/** Idmapped mounts: whose files a mount shows, and to whom what is written through it belongs. */
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, createStart, run } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { mountAt, parseMountInfo, processMounts } from '../support/kernel.ts'
import { refused } from '../support/refusal.ts'
import { kernel, requires } from '../support/requires.ts'
import { atEnd } from '../support/scratch.ts'

type Mount = Partial<Config['mounts'][number]>

const range = (containerID: number, hostID: number, size = 65536) => [{ containerID, hostID, size }]
const both = (containerID: number, hostID: number, size?: number) => ({
  uidMappings: range(containerID, hostID, size),
  gidMappings: range(containerID, hostID, size),
})
const inUserns = (config: Config) => {
  config.linux.namespaces.push({ type: 'user' })
  Object.assign(config.linux, both(0, 100000))
}

/** A bundle with a source that has files of 0, 1000 and 2000:3000 and a directory of 1000, bound on /mnt. */
async function mapped(mount: Mount, script: string, change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle((config) => {
    config.root.readonly = false
    const all = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER']
    config.process.capabilities = { bounding: all, effective: all, permitted: all }
    config.process.args = ['/bin/sh', '-c', script]
    config.mounts.push({ destination: '/mnt', source: 'source', type: 'none', ...mount } as Config['mounts'][number])
    change(config)
  })
  const source = `${made.path}/source`
  mkdirSync(source)
  mkdirSync(`${source}/dir`)
  chownSync(`${source}/dir`, 1000, 1000)
  mkdirSync(`${made.rootfs}/mnt`)
  for (const [name, uid, gid] of [
    ['root', 0, 0],
    ['user', 1000, 1000],
    ['other', 2000, 3000],
  ] as const) {
    writeFileSync(`${source}/${name}`, name)
    chownSync(`${source}/${name}`, uid, gid)
  }
  return made
}

const OWNERS = 'cd /mnt; for f in root user other; do stat -c "%u:%g" $f; done; touch dir/new'

async function owners(made: Bundle): Promise<string[]> {
  const { code, stdout, stderr } = await run(made)
  expect([code, stderr]).toEqual([0, ''])
  return stdout.trim().split('\n')
}

/** Ids of a file of the source as the host's file system has them. */
function onDisk(made: Bundle, name: string): string {
  const { uid, gid } = lstatSync(`${made.path}/source/${name}`)
  return `${uid}:${gid}`
}

describe.runIf(requires('root', kernel('5.12')))('an idmapped bind mount', () => {
  test('shows mapped owners and stores unmapped ones, without any user namespace', async () => {
    const made = await mapped({ options: ['bind', 'idmap'], ...both(1000, 0, 1) }, OWNERS)
    expect(await owners(made)).toEqual(['65534:65534', '0:0', '65534:65534'])
    expect(onDisk(made, 'dir/new')).toBe('1000:1000')
  })

  test('is asked for by its mappings alone', async () => {
    const made = await mapped({ options: ['bind'], ...both(1000, 0, 1) }, OWNERS)
    expect(await owners(made)).toEqual(['65534:65534', '0:0', '65534:65534'])
  })

  test('maps uids and gids apart, in several ranges', async () => {
    const made = await mapped(
      {
        options: ['bind', 'idmap'],
        uidMappings: [...range(0, 0, 1), ...range(1000, 7, 1), ...range(2000, 8, 1)],
        gidMappings: [...range(0, 0, 1), ...range(1000, 9, 1), ...range(3000, 10, 1)],
      },
      OWNERS,
    )
    expect(await owners(made)).toEqual(['0:0', '7:9', '8:10'])
  })

  test('maps as many ids as it says, from each first one on', async () => {
    const made = await mapped(
      { options: ['bind', 'idmap'], uidMappings: range(1999, 7, 2), gidMappings: range(2998, 20, 3) },
      'cd /mnt; stat -c %u:%g other next',
    )
    writeFileSync(`${made.path}/source/next`, '')
    chownSync(`${made.path}/source/next`, 2001, 3001)
    expect(await owners(made)).toEqual(['8:22', '65534:65534'])
  })

  test('with the mappings of the user namespace shows the files as on disk', async () => {
    for (const option of ['idmap', 'idmap=']) {
      const made = await mapped({ options: ['bind', option] }, OWNERS, inUserns)
      expect(await owners(made)).toEqual(['0:0', '1000:1000', '2000:3000'])
      expect(onDisk(made, 'dir/new')).toBe('0:0')
    }
  })

  test('with mappings of its own in a user namespace', async () => {
    const made = await mapped({ options: ['bind', 'idmap'], ...both(1000, 100000, 1) }, OWNERS, inUserns)
    expect(await owners(made)).toEqual(['65534:65534', '0:0', '65534:65534'])
    expect(onDisk(made, 'dir/new')).toBe('1000:1000')
  })

  test("has crun's mappings in the option", async () => {
    const option = 'idmap=uids=0-0-1#1000-7-1#2000-8-1;gids=0-0-1#1000-9-1#3000-10-1'
    const made = await mapped({ options: ['bind', option] }, OWNERS)
    expect(await owners(made)).toEqual(['0:0', '7:9', '8:10'])
  })

  test("has crun's mappings relative to the user namespace", async () => {
    // 1000 lies in the container's one range: host id 0 + 100000.
    const made = await mapped({ options: ['bind', 'idmap=uids=@1000-0-1;gids=@1000-5-1'] }, OWNERS, inUserns)
    const { stdout } = await run(made)
    expect(stdout).toMatch(/^65534:65534\n0:5\n65534:65534\n/)
  })

  test('with those of a user namespace joined by path', async () => {
    const first = await bundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
      inUserns(config)
    })
    const { pid } = await createStart(first)
    const made = await mapped({ options: ['bind', 'idmap'] }, OWNERS, (config) => {
      config.linux.namespaces.push({ type: 'user', path: `/proc/${pid}/ns/user` })
    })
    expect(await owners(made)).toEqual(['0:0', '1000:1000', '2000:3000'])
  })

  test('maps only itself with idmap, all below it with ridmap', async () => {
    for (const [option, below] of [
      ['idmap', '0:0'],
      ['ridmap', '65534:65534'],
      ['idmap=uids=1000-0-1;gids=1000-0-1', '0:0'],
      ['ridmap=uids=1000-0-1;gids=1000-0-1', '65534:65534'],
    ] as const) {
      const made = await mapped(
        { options: ['rbind', option], ...(option.includes('=') ? {} : both(1000, 0, 1)) },
        'stat -c %u:%g /mnt/root /mnt/sub/file; cat /proc/self/mountinfo',
      )
      const sub = `${made.path}/source/sub`
      mkdirSync(sub)
      await output('mount', ['-t', 'tmpfs', 'tmpfs', sub])
      atEnd(async () => void (await output('umount', ['-l', sub])))
      writeFileSync(`${sub}/file`, '')
      const { stdout, stderr } = await run(made)
      expect(stderr).toBe('')
      expect(stdout.split('\n').slice(0, 2)).toEqual(['65534:65534', below])
      expect(mountAt(parseMountInfo(stdout), '/mnt').options).toContain('idmapped')
    }
  })

  test('is read-only or private too where that is asked for', async () => {
    const made = await mapped(
      { options: ['bind', 'idmap', 'ro', 'nosuid', 'private'], ...both(1000, 0, 1) },
      'sleep 1000',
    )
    const { pid } = await createStart(made)
    const { options, propagation } = mountAt(processMounts(pid), '/mnt')
    expect(options).toEqual(expect.arrayContaining(['ro', 'nosuid', 'idmapped']))
    expect(propagation).toEqual([])
  })

  test('of many with the same ids needs one namespace, and leaves no process', async () => {
    const made = await mapped({ options: ['bind', 'idmap'], ...both(1000, 0, 1) }, 'sleep 1000', (config) => {
      const first = config.mounts.at(-1) as Config['mounts'][number]
      for (let i = 0; i < 40; i++) config.mounts.push({ ...first, destination: `/many/${i}` })
    })
    const children = async () => (await output('ps', ['-e', '-o', 'comm='])).match(/davit-init/g)?.length ?? 0
    const before = await children()
    const { pid } = await createStart(made)
    expect(await children()).toBe(before)
    expect(processMounts(pid).filter(({ options }) => options.includes('idmapped'))).toHaveLength(41)
    // No fd of a namespace or a mount stays with the container.
    expect(readdirSync(`/proc/${pid}/fd`).sort()).toEqual(['0', '1', '2'])
  })
})

describe.runIf(requires('root', kernel('6.3')))('an idmapped file system', () => {
  const tmpfs = { type: 'tmpfs', source: 'tmpfs' }
  const SHOW = 'stat -c %u:%g:%a /mnt; touch /mnt/file; grep " /mnt " /proc/self/mountinfo'

  test('of type tmpfs, without a user namespace', async () => {
    const made = await mapped({ ...tmpfs, options: ['idmap', 'mode=700'], ...both(0, 1000, 2000) }, SHOW)
    const { stdout, stderr } = await run(made)
    // Who is not in the map can own nothing there.
    expect(stderr).toMatch(/touch: .*: Value too large/)
    expect(stdout).toMatch(/^1000:1000:700\n.*idmapped.* tmpfs /)
  })

  test('of type tmpfs, in a user namespace, with its mode and a copy of what it covers', async () => {
    const made = await mapped(
      { ...tmpfs, options: ['idmap', 'tmpcopyup'] },
      'stat -c %u:%g:%a /mnt /mnt/file; grep " /mnt " /proc/self/mountinfo',
      inUserns,
    )
    chmodSync(`${made.rootfs}/mnt`, 0o750)
    writeFileSync(`${made.rootfs}/mnt/file`, 'copied', { mode: 0o640 })
    for (const name of ['', '/file']) chownSync(`${made.rootfs}/mnt${name}`, 100000, 100000)
    const { code, stdout, stderr } = await run(made)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^0:0:750\n0:0:640\n.*idmapped.* tmpfs /)
  })

  test.each([
    ['without a user namespace', () => {}, '1000:1000'],
    ['in a user namespace', inUserns, '0:0'],
  ])('of type ext4, %s', async (_, change, root) => {
    const made = await mapped(
      { type: 'ext4', options: ['idmap'], ...(change === inUserns ? {} : both(0, 1000, 100)) },
      'stat -c %u:%g /mnt; grep " /mnt " /proc/self/mountinfo',
      change,
    )
    const device = await loopDevice(made)
    made.configure((config) => Object.assign(config.mounts.at(-1) as object, { source: device }))
    const { code, stdout, stderr } = await run(made)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(new RegExp(`^${root}\\n.*idmapped.* ext4 `))
  })
})

async function loopDevice(made: Bundle): Promise<string> {
  const image = `${made.path}/image`
  await output('truncate', ['-s', '8M', image])
  await output('mkfs.ext4', ['-q', image])
  const device = (await output('losetup', ['--find', '--show', image])).trim()
  atEnd(async () => void (await output('losetup', ['-d', device])))
  return device
}

describe.runIf(requires('root', kernel('5.12')))('an idmapped mount that cannot be', () => {
  const words = async (mount: Mount) => refused(await mapped(mount, 'true'))

  test('is told with the place, and what may be the reason', async () => {
    const said = await words({ type: 'proc', source: 'proc', options: ['idmap'], ...both(0, 1000) })
    expect(said).toMatch(
      /mount "proc" on "\/mnt" \(idmap\), from \/mounts\/\d+: failed to set MOUNT_ATTR_IDMAP: invalid argument \(maybe the filesystem used doesn't support idmap mounts on this kernel\?\)/,
    )
  })

  test.each([
    ['only uids', { options: ['bind', 'idmap'], uidMappings: range(0, 1) }, /gidMappings must be specified together/],
    ['only uids in the option', { options: ['bind', 'idmap=uids=0-1-1'] }, /must have both uid and gid mappings/],
    ['an unknown word', { options: ['bind', 'idmap=users=0-1-1'] }, /invalid option "users=0-1-1" specified/],
    ['no numbers', { options: ['bind', 'idmap=uids=0-x-1;gids=0-1-1'] }, /invalid mapping "0-x-1" specified/],
    ['overlaps', { options: ['bind', 'idmap=uids=0-1-2#1-5-1;gids=0-1-1'] }, /mapping overlaps/],
    [
      'nothing to be relative to',
      { options: ['bind', 'idmap=uids=@0-1-1;gids=@0-1-1'] },
      /could not find a user namespace/,
    ],
    ['no user namespace', { options: ['bind', 'idmap'] }, /needs a user namespace/],
    ['type cgroup', { type: 'cgroup', options: ['idmap'], ...both(0, 1) }, /type "cgroup" cannot be id-mapped/],
  ] satisfies [string, Mount, RegExp][])('is refused with %s', async (_, mount, expected) => {
    expect(await words(mount)).toMatch(expected)
  })
})
