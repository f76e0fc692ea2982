/**
 * What davit does for the mounts of a restored container, whose rootfs may have been changed since the image was made: on
 * a container that no criu has made, as this must hold whatever criu there is.
 */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { protectMounts } from '../../src/host/criu/protect_mounts.ts'
import { ATTR } from '../../src/kernel/mount.ts'
import type { HostMount } from '../../src/plan/criu/mounts.ts'
import { PROTECTION } from '../../src/plan/criu/mounts.ts'
import { bundle, createStart } from '../support/bundle.ts'
import { mountAt, processMounts } from '../support/kernel.ts'
import { requires } from '../support/requires.ts'
import { state } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

/** A container with two folders of the host at /link/one, by way of a link, and at /other; both are writable. */
async function container() {
  const [one, other] = ['one', 'other'].map((name) => `${scratch()}/${name}`) as [string, string]
  for (const path of [one, other]) mkdirSync(path)
  const made = await bundle((config) => {
    config.root.readonly = false
    config.process.args = ['/bin/sleep', '1000']
    for (const [destination, source] of [['/link/one', one] as const, ['/other/one', other] as const])
      config.mounts.push({ destination, source, type: 'bind', options: ['bind'] })
  })
  mkdirSync(`${made.rootfs}/real`)
  symlinkSync('/real', `${made.rootfs}/link`)
  await createStart(made)
  const { pid } = await state(made.id)
  const mount: HostMount = {
    name: 'davit-mount-0',
    target: '/link/one',
    source: one,
    attributes: ATTR.rdonly,
    config: '/mounts/0',
  }
  return {
    mount,
    protect: (change: Partial<HostMount> = {}) => protectMounts(pid, [{ ...mount, ...change }]),
    options: (path: string) => mountAt(processMounts(pid), path).options,
    /** Has the link lead elsewhere. */
    relink(to: string) {
      rmSync(`${made.rootfs}/link`)
      symlinkSync(to, `${made.rootfs}/link`)
    },
  }
}

describe.runIf(requires('root'))('a mount of the host that has come back writable', () => {
  test('is made read-only again, wherever the links of the container lead', async () => {
    const { protect, options } = await container()
    expect(options('/real/one')).toContain('rw')
    protect()
    expect(options('/real/one')).toContain('ro')
    expect(options('/other/one')).toContain('rw')
  })

  test.each([
    ['another mount', '/other'],
    ['nothing', '/nowhere'],
    ['a folder of the rootfs', '/tmp'],
  ])('is not forgotten because a link leads to %s now', async (_, to) => {
    const { protect, options, relink } = await container()
    relink(to)
    expect(() => protect()).toThrow(/"\/link\/one" does not lead to the mount of ".*\/one", from \/mounts\/0/)
    expect(options('/other/one')).toContain('rw')
  })

  test('is protected, too, where it need not be there, as the folder of the notify socket', async () => {
    const { protect, options, relink } = await container()
    protect({ optional: true, attributes: PROTECTION })
    expect(options('/real/one')).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']))
    relink('/nowhere')
    expect(() => protect({ optional: true })).not.toThrow()
  })
})
