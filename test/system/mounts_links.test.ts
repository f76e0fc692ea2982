/** Bind mounts and symbolic links: what `copy-symlink`, `src-nofollow` and `dest-nofollow` make of them. */
import { lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, createStart, run } from '../support/bundle.ts'
import { parseMountInfo, processMounts } from '../support/kernel.ts'
import { refused } from '../support/refusal.ts'
import { kernel, requires } from '../support/requires.ts'
import { davit } from '../support/runtime.ts'

/** A bundle that binds `source`; it has a file "file" and a link "link" that says "file" or what is given. */
async function linked(options: string[], source = 'link', destination = '/mnt/it', says = 'file'): Promise<Bundle> {
  const made = await bundle((config) => {
    config.root.readonly = false
    config.process.args = ['/bin/sh', '-c', 'readlink /mnt/it; cat /mnt/it; cat /proc/self/mountinfo']
    config.mounts.push({ destination, source, type: 'none', options: ['bind', ...options] })
  })
  writeFileSync(`${made.path}/file`, 'content\n')
  symlinkSync(says, `${made.path}/link`)
  mkdirSync(`${made.rootfs}/mnt`)
  return made
}

async function shown(made: Bundle) {
  const { stdout, stderr } = await run(made)
  const text = stdout.split('\n').filter((line) => !line.includes(' - '))
  const mounts = parseMountInfo(stdout).filter(({ path }) => path.startsWith('/mnt'))
  return { text: text.filter((line) => line !== ''), mounts, stderr }
}

describe.runIf(requires('root', kernel('5.12')))('copy-symlink', () => {
  test('makes a link like the source, and no mount', async () => {
    const made = await linked(['copy-symlink'], 'link', '/mnt/it', '/etc/group')
    expect(await shown(made)).toEqual({ text: ['/etc/group', 'root:x:0:'], mounts: [], stderr: '' })
    expect(readlinkSync(`${made.rootfs}/mnt/it`)).toBe('/etc/group')
  })

  test('is content with a rootfs that has it already, from the last time', async () => {
    const made = await linked(['copy-symlink'], 'link', '/mnt/it', '/etc/group')
    for (let i = 0; i < 2; i++) {
      expect((await shown(made)).text[0]).toBe('/etc/group')
      expect(readlinkSync(`${made.rootfs}/mnt/it`)).toBe('/etc/group')
    }
  })

  test.each(['/elsewhere', '/etc/grou', '/etc/groups'])('never replaces a link to %s', async (says) => {
    const made = await linked(['copy-symlink'], 'link', '/mnt/it', '/etc/group')
    symlinkSync(says, `${made.rootfs}/mnt/it`)
    expect(await refused(made)).toMatch(/ \/mounts\/7: verify .*is a link to "\/etc\/group": .*, and no such link$/)
    expect(readlinkSync(`${made.rootfs}/mnt/it`)).toBe(says)
  })

  test('makes folders that are missing, below links of the image inside the root', async () => {
    const made = await linked(['copy-symlink'], 'link', '/mnt/down/it', '/etc/group')
    symlinkSync('/../../..', `${made.rootfs}/mnt/down`)
    expect((await run(made)).code).not.toBe(-1)
    expect(readlinkSync(`${made.rootfs}/it`)).toBe('/etc/group')
  })

  test('never takes a file or a directory away', async () => {
    const made = await linked(['copy-symlink'])
    writeFileSync(`${made.rootfs}/mnt/it`, 'kept')
    expect(await refused(made)).toMatch(/mount "link" on "\/mnt\/it" \(bind,copy-symlink\), from \/mounts\/7: verify/)
    expect(readFileSync(`${made.rootfs}/mnt/it`, 'utf8')).toBe('kept')
  })

  test('is an ordinary bind mount of what is no link', async () => {
    const { text, mounts } = await shown(await linked(['copy-symlink', 'ro'], 'file'))
    expect(text).toEqual(['content'])
    expect(mounts).toMatchObject([{ path: '/mnt/it', options: expect.arrayContaining(['ro']) }])
  })

  test('excludes the others, which are for bind mounts as it is', async () => {
    expect(await refused(await linked(['copy-symlink', 'src-nofollow']))).toMatch(/is mutually exclusive with/)
    for (const option of ['copy-symlink', 'src-nofollow', 'dest-nofollow']) {
      const made = await linked([])
      made.configure((config) => Object.assign(config.mounts.at(-1) as object, { type: 'tmpfs', options: [option] }))
      expect(await refused(made)).toContain(`option "${option}" is for a bind mount only`)
    }
  })

  test('works for a container that runs', async () => {
    const made = await linked([])
    made.configure((config) => {
      config.mounts.pop()
      config.process.args = ['/bin/sleep', '1000']
    })
    await createStart(made)
    const mounts = [{ destination: '/mnt/it', source: 'link', options: ['bind', 'copy-symlink'] }]
    expect(await davit(['mounts', 'add', made.id, '-'], { stdin: JSON.stringify(mounts) })).toMatchObject({ code: 0 })
    expect(readlinkSync(`${made.rootfs}/mnt/it`)).toBe('file')
  })
})

describe.runIf(requires('root', kernel('5.12')))('src-nofollow and dest-nofollow', () => {
  test('without them both ends are followed', async () => {
    const made = await linked([])
    symlinkSync('/mnt/real', `${made.rootfs}/mnt/it`)
    const { text, mounts } = await shown(made)
    expect(text).toEqual(['/mnt/real', 'content'])
    expect(mounts.map(({ path, root }) => [path, root.endsWith('/file')])).toEqual([['/mnt/real', true]])
  })

  test('src-nofollow mounts the link itself', async () => {
    const made = await linked(['src-nofollow'], 'link', '/mnt/it', '/etc/group')
    const { text, mounts } = await shown(made)
    expect(text).toEqual(['/etc/group', 'root:x:0:'])
    expect(mounts.map(({ root }) => root.endsWith('/link'))).toEqual([true])
  })

  test('dest-nofollow covers the link itself', async () => {
    const made = await linked(['dest-nofollow', 'src-nofollow'], 'link', '/mnt/it', '/etc/group')
    symlinkSync('/etc/passwd', `${made.rootfs}/mnt/it`)
    const { text, mounts } = await shown(made)
    expect(text).toEqual(['/etc/group', 'root:x:0:'])
    expect(mounts.map(({ path }) => path)).toEqual(['/mnt/it'])
    expect(readlinkSync(`${made.rootfs}/mnt/it`)).toBe('/etc/passwd')
  })

  test('dest-nofollow covers a link by a file', async () => {
    const made = await linked(['dest-nofollow'], 'file')
    symlinkSync('/etc/passwd', `${made.rootfs}/mnt/it`)
    expect(await shown(made)).toMatchObject({ text: ['content'], mounts: [{ path: '/mnt/it' }] })
  })

  test('dest-nofollow wants a destination that is there, and not in /proc', async () => {
    const made = await linked(['dest-nofollow'])
    expect(await refused(made)).toMatch(/open "\/mnt\/it" in slot 1 in-root: no such file or directory/)
    expect(() => lstatSync(`${made.rootfs}/mnt/it`)).toThrow(/ENOENT/)
    expect(await refused(await linked(['dest-nofollow'], 'file', '/proc/self'))).toContain('"/proc"')
  })

  test('work in a user namespace', async () => {
    const made = await linked(['dest-nofollow', 'src-nofollow'], 'link', '/mnt/it', '/etc/group')
    made.configure(({ linux }) => {
      linux.namespaces.push({ type: 'user' })
      linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
    })
    symlinkSync('/etc/passwd', `${made.rootfs}/mnt/it`)
    made.configure((config) => {
      config.process.args = ['/bin/sleep', '1000']
    })
    const { pid } = await createStart(made)
    expect(processMounts(pid).find(({ path }) => path === '/mnt/it')?.root).toMatch(/\/link$/)
  })
})
