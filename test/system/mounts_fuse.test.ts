/** Bind mounts from a file system in user space, which the kernel may keep everybody but one user from, root too. */
import { chownSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, createStart, run } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { FUSE, fuse } from '../support/fuse.ts'
import { outputIn } from '../support/in_container.ts'
import { refused } from '../support/refusal.ts'
import { command, requires } from '../support/requires.ts'
import { davit } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { userBundle } from '../support/user_bundle.ts'

const ROOT = 100000
const USER = 1000

interface Shape {
  /** Below the mount; '' is the mount itself. */
  readonly below: string
  /** Who it belongs to. */
  readonly owner: number
  readonly options?: readonly string[]
  /** The container's own user. */
  readonly uid?: number
  /** In a user namespace whose root is ROOT. */
  readonly mapped?: boolean
}

/** A container that reads `file` of what is bound from a FUSE mount, or that file. */
async function reader({ below, owner, options = [], uid = 0, mapped = false }: Shape): Promise<Bundle> {
  const made = await bundle()
  made.configure((config) => {
    config.root.readonly = false
    config.mounts.push({
      destination: '/mnt',
      source: `${scratch()}/fuse/${below}`,
      type: 'none',
      options: ['bind', 'ro'],
    })
    config.process.args = ['/bin/cat', below.endsWith('file') ? '/mnt' : '/mnt/file']
    config.process.user = { uid, gid: uid }
    if (!mapped) return
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: ROOT, size: 65536 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: ROOT, size: 65536 }]
  })
  if (mapped) await exec('chown', ['-R', '-h', `${ROOT}:${ROOT}`, made.rootfs])
  await fuse(`${scratch()}/fuse`, owner, ...options)
  return made
}

const READ = { code: 0, stdout: 'of fuse\n', stderr: '' }
const NO_ACCESS = { code: 1, stdout: '', stderr: expect.stringMatching(/\/mnt.*[Pp]ermission denied/) }

describe.runIf(requires('root', FUSE))('a bind mount from FUSE', () => {
  test.each<[string, Shape]>([
    ['the mount of a user, as that user', { below: '', owner: USER, uid: USER }],
    ['the mount of root', { below: '', owner: 0 }],
    ['a folder of root', { below: 'data', owner: 0 }],
    ['a file of root', { below: 'data/file', owner: 0 }],
    ['a folder that all may use, as root', { below: 'data', owner: USER, options: ['allow_other'] }],
    ['a folder that all may use, as another', { below: 'data', owner: USER, uid: 7, options: ['allow_other'] }],
    ['a file that all may use', { below: 'data/file', owner: USER, uid: 7, options: ['allow_other'] }],
    ['in a user namespace: the mount of its root', { below: '', owner: ROOT, mapped: true }],
    ['in a user namespace: a folder of its root', { below: 'data', owner: ROOT, mapped: true }],
    ['in a user namespace: a file of its root', { below: 'data/file', owner: ROOT, mapped: true }],
    ['in a user namespace: the mount of its user', { below: '', owner: ROOT + 7, uid: 7, mapped: true }],
    [
      'in a user namespace: a folder that all may use',
      { below: 'data', owner: USER, uid: 7, mapped: true, options: ['allow_other'] },
    ],
    [
      'in a user namespace: one that all may use as its modes say',
      { below: 'data', owner: USER, mapped: true, options: ['allow_other', 'default_permissions'] },
    ],
  ])('%s, is read', async (_, shape) => {
    expect(await run(await reader(shape))).toMatchObject(READ)
  })

  test.each<[string, Shape]>([
    ['of a user, for root', { below: '', owner: USER }],
    ['of root, for another', { below: 'data', owner: 0, uid: 7 }],
    ['of root, for a user namespace', { below: '', owner: 0, mapped: true }],
    ['a folder of root, for a user namespace', { below: 'data', owner: 0, mapped: true }],
    ['a file of root, for a user namespace', { below: 'data/file', owner: 0, mapped: true }],
    ['of the root of a user namespace, for its user', { below: 'data', owner: ROOT, uid: 7, mapped: true }],
  ])('is there, though the kernel lets nobody in: %s', async (_, shape) => {
    expect(await run(await reader(shape))).toMatchObject(NO_ACCESS)
  })

  test.each<[string, Shape]>([
    ['a folder of a user', { below: 'data', owner: USER }],
    ['a file of a user', { below: 'data/file', owner: USER, uid: USER }],
    ['a folder of a user of the host, in a user namespace', { below: 'data', owner: USER, mapped: true }],
  ])('that nobody can find is refused with what to do: %s', async (_, shape) => {
    const made = await reader(shape)
    const path = `${scratch()}/fuse`
    expect(await refused(made)).toMatch(
      new RegExp(
        `^unable to start container process: mount "${path}/${shape.below}" on "/mnt" .*, from /mounts/\\d+: ` +
          `open_tree "${path}/${shape.below}" clone: permission denied \\(the FUSE mount "${path}" is for user ${USER} ` +
          'alone: mount it with allow_other, or make that user root of a user namespace\\)$',
      ),
    )
  })

  test('comes into a container that runs, or is refused with what to do', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.process.args = ['/bin/sleep', '1000']
    })
    await fuse(`${made.path}/all`, USER, 'allow_other')
    await fuse(`${made.path}/one`, USER)
    await createStart(made)
    const add = (source: string) => {
      const list = JSON.stringify([{ destination: '/mnt', source, type: 'none', options: ['bind'] }])
      return davit(['mounts', 'add', made.id, '-'], { stdin: list })
    }
    expect(await add(`${made.path}/one/data`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`(the FUSE mount "${made.path}/one" is for user ${USER} alone: `),
    })
    expect(await add(`${made.path}/all/data`)).toMatchObject({ code: 0 })
    expect(await outputIn(made.id, 'cat /mnt/file')).toBe('of fuse\n')
  })
})

describe.runIf(requires('root', FUSE, command('newuidmap')))('a rootless container', () => {
  test.each(['', '/data'])('has what its caller has mounted%s', async (below) => {
    const {
      path,
      user,
      run: start,
    } = await userBundle((config) => {
      config.mounts.push({ destination: '/tmp', source: `fuse${below}`, type: 'none', options: ['bind'] })
      config.process.args = ['/bin/cat', '/tmp/file']
    })
    await fuse(`${path}/fuse`, user.uid)
    chownSync(path, user.uid, user.gid)
    expect(await start()).toMatchObject(READ)
  })
})
