/** Root file systems and volumes on NFS, whose server may take root for nobody. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, createStart, makeRootfs, run } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { mountAt, processMounts } from '../support/kernel.ts'
import { type Export, NFS, nfs, nfsServer } from '../support/nfs.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { must } from '../support/runtime.ts'

const USER = 1000
const SLEEP = ['/bin/sleep', '1000']
const APPLETS = ['sh', 'cat', 'chown', 'id', 'ls', 'sleep', 'touch', 'pwd']

/** In a user namespace whose root is USER. */
function mapped({ linux }: Config): void {
  linux.namespaces.push({ type: 'user' })
  const map = [
    { containerID: 0, hostID: USER, size: 1 },
    { containerID: 1, hostID: 100000, size: 65535 },
  ]
  linux.uidMappings = map
  linux.gidMappings = map
}

const owned = (path: string) => output('chown', ['-R', '-h', `${USER}:${USER}`, path])

/** Whose root file system is on NFS, for root or for USER. */
async function onNfs(squash: 'root_squash' | 'no_root_squash', mode: number, change: (config: Config) => void) {
  const made = await nfs(squash, async (server) => {
    await makeRootfs(`${server}/rootfs`, APPLETS)
    if (squash === 'root_squash') await owned(server)
    chmodSync(`${server}/rootfs`, mode)
  })
  const of = await bundle(
    (config) => {
      config.root = { path: `${made.client}/rootfs`, readonly: false }
      config.process.args = [...SLEEP]
      change(config)
    },
    { bare: true },
  )
  return { made, of }
}

/** A container with a folder that is USER's alone, below a folder that is, too. */
async function withVolume(source: string, options: string[], change: (config: Config) => void = () => {}) {
  const made = await nfs('root_squash', async (server) => {
    mkdirSync(`${server}/private/volume`, { recursive: true })
    writeFileSync(`${server}/private/volume/file`, 'of nfs\n')
    await owned(`${server}/private`)
    chmodSync(`${server}/private`, 0o700)
    chmodSync(`${server}/private/volume`, 0o700)
  })
  const of = await bundle((config) => {
    config.mounts.push({ destination: '/mnt', type: 'none', source: `${made.client}/${source}`, options })
    config.root.readonly = false
    config.process.args = [...SLEEP]
    change(config)
  })
  await owned(of.rootfs)
  return { made, of }
}

/** Nothing is mounted below it any more; that nothing holds the mount itself is seen when it is unmounted. */
async function deleted(of: Bundle, { client }: Export): Promise<void> {
  await must(['delete', '--force', of.id])
  const below = processMounts('self').filter(({ path }) => path.startsWith(client))
  expect(below.map(({ path, type }) => [path, type])).toEqual([[client, 'nfs4']])
}

describe.runIf(requires('root', NFS))('NFS', () => {
  let end: () => Promise<void>
  beforeAll(async () => {
    end = await nfsServer()
  })
  afterAll(() => end())

  describe('as root file system', () => {
    test('exported with no_root_squash: run, exec, delete', async () => {
      const { made, of } = await onNfs('no_root_squash', 0o755, () => {})
      const { pid } = await createStart(of)
      expect(mountAt(processMounts(pid), '/').type).toBe('nfs4')
      await outputIn(of.id, 'touch /tmp/a && chown 5:6 /tmp/a')
      const { uid, gid } = statSync(`${made.server}/rootfs/tmp/a`)
      expect([uid, gid]).toEqual([5, 6])
      await deleted(of, made)
    })

    test('read-only', async () => {
      const { made, of } = await onNfs('no_root_squash', 0o755, (config) => {
        config.root.readonly = true
        config.process.args = ['/bin/touch', '/tmp/a']
      })
      expect(await run(of)).toMatchObject({ code: 1, stderr: expect.stringContaining('Read-only file system') })
      expect(existsSync(`${made.server}/rootfs/tmp/a`)).toBe(false)
    })

    test('of which root is nobody, in a user namespace of its owner', async () => {
      const { made, of } = await onNfs('root_squash', 0o700, mapped)
      const { pid } = await createStart(of)
      expect(mountAt(processMounts(pid), '/').type).toBe('nfs4')
      expect(await outputIn(of.id, 'touch /tmp/a; id -u')).toBe('0\n')
      expect(statSync(`${made.server}/rootfs/tmp/a`).uid).toBe(USER)
      // Its server knows no user namespace: to it this is a user who gives files away.
      expect((await execIn(of.id, 'chown 5:6 /tmp/a')).stderr).toContain('Operation not permitted')
      expect(statSync(`${made.server}/rootfs/tmp/a`).uid).toBe(USER)
      await deleted(of, made)
    })

    test('of which root is nobody, where all may look', async () => {
      const { made, of } = await onNfs('root_squash', 0o755, (config) => {
        config.process.user = { uid: USER, gid: USER }
      })
      await createStart(of)
      await outputIn(of.id, 'touch /tmp/a')
      expect(statSync(`${made.server}/rootfs/tmp/a`).uid).toBe(USER)
      await deleted(of, made)
    })
  })

  describe('as a volume that root has no access to', () => {
    test.each<[string, string, string]>([
      ['a folder', 'private/volume', '/mnt/file'],
      ['a file', 'private/volume/file', '/mnt'],
    ])('%s, in a user namespace of its owner', async (_, source, file) => {
      const { made, of } = await withVolume(source, ['rbind'], mapped)
      const { pid } = await createStart(of)
      expect(mountAt(processMounts(pid), '/mnt').type).toBe('nfs4')
      expect(await outputIn(of.id, ['cat', file])).toBe('of nfs\n')
      await outputIn(of.id, `echo more >>${file}`)
      expect(readFileSync(`${made.server}/private/volume/file`, 'utf8')).toBe('of nfs\nmore\n')
      await deleted(of, made)
    })

    test.each([['ro'], ['rro']])('%s', async (option) => {
      const { made, of } = await withVolume('private/volume', ['rbind', option], mapped)
      const { pid } = await createStart(of)
      expect(mountAt(processMounts(pid), '/mnt').options).toContain('ro')
      expect((await execIn(of.id, 'touch /mnt/a')).stderr).toContain('Read-only file system')
      expect(existsSync(`${made.server}/private/volume/a`)).toBe(false)
      await deleted(of, made)
    })

    test('is refused without a user namespace, with a word on what helps', async () => {
      const { made, of } = await withVolume('private/volume', ['rbind'])
      const words = await refused(of)
      expect(words).toContain(`open_tree "${made.client}/private/volume" clone recursive: permission denied`)
      expect(words).toContain(`("${made.client}" is NFS, where root may be nobody: export it with no_root_squash, `)
    })

    test('has the working directory of its owner', async () => {
      const { made, of } = await withVolume('private', ['rbind'], (config) => {
        config.process.user = { uid: USER, gid: USER }
        config.process.cwd = '/mnt/volume'
      })
      await createStart(of)
      expect(await outputIn(of.id, 'pwd; cat file')).toBe('/mnt/volume\nof nfs\n')
      await deleted(of, made)
    })
    test('tmpcopyup', async () => {
      const { made, of } = await onNfs('root_squash', 0o700, (config) => {
        mapped(config)
        config.mounts.push({ destination: '/etc', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] })
      })
      await createStart(of)
      expect(await outputIn(of.id, 'cat /etc/group')).toBe('root:x:0:\n')
      await deleted(of, made)
    })
  })
})
