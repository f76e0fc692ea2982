/** Bind mounts: options set and cleared, kinds of source, targets that are missing or links. */
import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, createStart, run } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { type MountInfo, mountAt, parseMountInfo, processMounts } from '../support/kernel.ts'
import { probePath } from '../support/probe.ts'
import { kernel, requires } from '../support/requires.ts'
import { atEnd } from '../support/scratch.ts'

/** A bundle that binds `source` (relative to the bundle, made as a directory with a file) on `target`. */
async function binding(
  options: readonly string[],
  target = '/mnt',
  script = 'cat /proc/self/mountinfo',
): Promise<Bundle> {
  const made = await bundle((config) => {
    config.root.readonly = false
    config.process.args = ['/bin/sh', '-c', script]
    config.mounts.push({ destination: target, source: 'source', type: 'none', options: [...options] })
  })
  mkdirSync(`${made.path}/source/sub`, { recursive: true })
  writeFileSync(`${made.path}/source/file`, 'content')
  return made
}

async function mountOf(made: Bundle, target = '/mnt'): Promise<MountInfo> {
  const { code, stdout, stderr } = await run(made)
  expect([code, stderr]).toEqual([0, ''])
  return mountAt(parseMountInfo(stdout), target)
}

/** Mounts a tmpfs over the source, with these options; taken off at the end. */
async function mountSource(made: Bundle, options: string, at = 'source'): Promise<void> {
  const path = `${made.path}/${at}`
  mkdirSync(path, { recursive: true })
  await output('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path])
  atEnd(async () => void (await output('umount', ['-l', path])))
}

describe.runIf(requires('root', kernel('5.12')))('a bind mount', () => {
  test.each([
    ['ro', 'ro'],
    ['nosuid', 'nosuid'],
    ['nodev', 'nodev'],
    ['noexec', 'noexec'],
    ['noatime', 'noatime'],
    ['relatime', 'relatime'],
    ['nodiratime', 'nodiratime'],
    ['nosymfollow', 'nosymfollow'],
  ])('with option %s has it', async (option, shown) => {
    expect((await mountOf(await binding(['bind', option]))).options).toContain(shown)
  })

  test('with strictatime has no relatime', async () => {
    const { options } = await mountOf(await binding(['bind', 'strictatime']))
    expect(options).toEqual(['rw'])
  })

  test('clears what its source has: rw, suid, dev, exec, atime', async () => {
    const made = await binding(['bind', 'rw', 'suid', 'dev', 'exec', 'relatime', 'diratime'])
    await mountSource(made, 'ro,nosuid,nodev,noexec,noatime,nodiratime')
    await output('mount', ['-o', 'remount,bind,ro,nosuid,nodev,noexec,noatime,nodiratime', `${made.path}/source`])
    // The superblock is read-only too, so that only the mount's own word can be seen.
    expect((await mountOf(made)).options).toEqual(['relatime', 'rw'])
  })

  test('keeps what its source has and nobody mentions', async () => {
    const made = await binding(['bind', 'noexec'])
    await mountSource(made, 'nosuid,nodev,noatime')
    expect((await mountOf(made)).options).toEqual(['noatime', 'nodev', 'noexec', 'nosuid', 'rw'])
  })

  test('is of one mount with bind, of the whole tree with rbind', async () => {
    const at = (path: string) => (mounts: readonly MountInfo[]) => mounts.some((mount) => mount.path === path)
    for (const [option, whole] of [
      ['bind', false],
      ['rbind', true],
    ] as const) {
      const made = await binding([option])
      await mountSource(made, 'size=1m', 'source/sub')
      const { stdout } = await run(made)
      expect(at('/mnt')(parseMountInfo(stdout))).toBe(true)
      expect(at('/mnt/sub')(parseMountInfo(stdout))).toBe(whole)
    }
  })

  test('is read-only at the top with ro, all the way down with rro', async () => {
    for (const [option, below] of [
      ['ro', 'rw'],
      ['rro', 'ro'],
    ] as const) {
      const made = await binding(['rbind', option])
      await mountSource(made, 'size=1m', 'source/sub')
      const mounts = parseMountInfo((await run(made)).stdout)
      expect(mountAt(mounts, '/mnt').options).toContain('ro')
      expect(mountAt(mounts, '/mnt/sub').options).toContain(below)
    }
  })

  test.each([
    ['rnosuid', 'nosuid'],
    ['rnodev', 'nodev'],
    ['rnoexec', 'noexec'],
    ['rnoatime', 'noatime'],
    ['rrelatime', 'relatime'],
    ['rnodiratime', 'nodiratime'],
    ['rnosymfollow', 'nosymfollow'],
  ])('has %s all the way down', async (option, shown) => {
    const made = await binding(['rbind', option])
    await mountSource(made, 'noatime', 'source/sub')
    const mounts = parseMountInfo((await run(made)).stdout)
    expect(mountAt(mounts, '/mnt').options).toContain(shown)
    expect(mountAt(mounts, '/mnt/sub').options).toContain(shown)
  })

  test.each([
    ['shared', /^shared:\d+$/],
    ['rshared', /^shared:\d+$/],
    ['private', undefined],
    ['rprivate', undefined],
    ['unbindable', /^unbindable$/],
    ['runbindable', /^unbindable$/],
  ] as const)('is %s', async (option, shown) => {
    const { propagation } = await mountOf(await binding(['bind', option]))
    // What is bound is shared with others where the host's own mounts are, and then a slave of it.
    const own = shown ? propagation.filter((word) => !/^master:\d+$/.test(word)) : propagation
    expect(own).toEqual(shown ? [expect.stringMatching(shown)] : [])
  })

  test.each([
    ['shared', 'shared master', 'master'],
    ['rshared', 'shared master', 'shared master'],
    ['unbindable', 'unbindable', 'master'],
    ['runbindable', 'unbindable', 'unbindable'],
    ['private', '', 'shared'],
    ['rprivate', '', ''],
    ['slave', 'master', 'shared'],
    ['rslave', 'master', 'master'],
  ] as const)('of two shared mounts, one in the other, is %s: "%s", and "%s" below', async (option, top, below) => {
    const made = await binding(['rbind', option])
    // Without an option what is bound becomes a slave, or stays in its peer group.
    const stays = /private|slave/.test(option)
    made.configure((config) => Object.assign(config.linux, stays ? { rootfsPropagation: 'shared' } : {}))
    await mountSource(made, 'size=1m')
    await mountSource(made, 'size=1m', 'source/sub')
    await output('mount', ['--make-rshared', `${made.path}/source`])
    const mounts = parseMountInfo((await run(made)).stdout)
    const shown = (path: string) =>
      mountAt(mounts, path)
        .propagation.map((word) => word.replace(/:.*/, ''))
        .join(' ')
    expect([shown('/mnt'), shown('/mnt/sub')]).toEqual([top, below])
  })

  test.each([
    ['slave', false],
    ['rslave', false],
    ['rslave', true],
    // In a user namespace too nothing is shared with the host that nobody asked to share.
    [undefined, true],
  ] as const)(
    'that is %s gets what the host mounts and unmounts later, and gives nothing (userns: %s)',
    async (option, userns) => {
      const made = await binding(option ? ['rbind', option] : ['rbind'])
      made.configure((config) => {
        config.process.args = ['/bin/sleep', '1000']
        if (!userns) return
        config.linux.namespaces.push({ type: 'user' })
        config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 100 }]
        config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 100 }]
      })
      await mountSource(made, 'size=1m')
      const source = `${made.path}/source`
      mkdirSync(`${source}/later`)
      await output('mount', ['--make-shared', source])
      const { pid } = await createStart(made)
      expect(mountAt(processMounts(pid), '/mnt').propagation).toEqual([expect.stringMatching(/^master:\d+$/)])
      await output('mount', ['-t', 'tmpfs', 'tmpfs', `${source}/later`])
      expect(mountAt(processMounts(pid), '/mnt/later').type).toBe('tmpfs')
      await output('umount', [`${source}/later`])
      expect(processMounts(pid).some(({ path }) => path === '/mnt/later')).toBe(false)
    },
  )

  test('takes a file, a device, a FIFO and a socket as its source', async () => {
    const made = await binding(['bind'], '/mnt', 'stat -c %F /one /two/three /fifo /null; cat /one')
    const { path } = made
    writeFileSync(`${path}/file`, 'a file')
    await output('mkfifo', [`${path}/fifo`])
    await output(await probePath(), ['socket', `${path}/socket`])
    made.configure(({ mounts }) => {
      mounts.push(
        { destination: '/one', source: 'file', type: 'none', options: ['bind', 'ro'] },
        { destination: '/two/three', source: `${path}/socket`, type: 'none', options: ['bind', 'rro'] },
        { destination: '/fifo', source: `${path}/fifo`, type: 'none', options: ['rbind', 'ro'] },
        { destination: '/null', source: '/dev/null', type: 'none', options: ['bind'] },
      )
    })
    const { stdout, stderr } = await run(made)
    expect(stderr).toBe('')
    expect(stdout).toBe('regular file\nsocket\nfifo\ncharacter special file\na file')
    // Their targets are made in the image: a file for what is no directory.
    expect(lstatSync(`${made.rootfs}/two/three`).isFile()).toBe(true)
    expect(lstatSync(`${made.rootfs}/one`).size).toBe(0)
  })

  test('is one by its options, whatever its type', async () => {
    const made = await binding(['bind'])
    made.configure(({ mounts }) => {
      const last = mounts.at(-1)
      if (last) delete last.type
    })
    expect((await mountOf(made)).root).toMatch(/\/source$/)
  })

  test('makes its missing target, parents too', async () => {
    const made = await binding(['bind'], '/a/b/c', 'stat -c "%F %a" /a /a/b; cat /a/b/c/file')
    expect(await run(made)).toMatchObject({ stdout: 'directory 755\ndirectory 755\ncontent' })
    expect(lstatSync(`${made.rootfs}/a/b/c`).isDirectory()).toBe(true)
  })

  test('goes where a link in the image leads, seen from its root', async () => {
    const made = await binding(['bind'], '/link/here', 'cat /real/here/file')
    mkdirSync(`${made.rootfs}/real`)
    symlinkSync('/real', `${made.rootfs}/link`)
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'content' })
  })

  test('goes where a link to nowhere leads, seen from its root', async () => {
    const made = await binding(['bind'], '/link', 'cat /var/missing/target/file; cat /link/file')
    symlinkSync('../../var/missing/target', `${made.rootfs}/link`)
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'contentcontent' })
    expect(existsSync(`${made.path}/var`)).toBe(false)
  })

  test('of a file goes where a link to nowhere leads', async () => {
    const made = await binding(['bind'], '/mnt', 'cat /etc/real')
    symlinkSync('real', `${made.rootfs}/etc/link`)
    made.configure(({ mounts }) => {
      mounts.push({ destination: '/etc/link', source: 'source/file', type: 'none', options: ['bind'] })
    })
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'content' })
  })

  test('with a link out of the rootfs stays inside it', async () => {
    const made = await binding(['bind'], '/out/deep', 'cat /outside/deep/file')
    mkdirSync(`${made.path}/outside`)
    symlinkSync('../../../../../../../outside', `${made.rootfs}/out`)
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'content' })
    expect(readdirSync(`${made.path}/outside`)).toEqual([])
  })

  test('may be under another, in the order of the list', async () => {
    const made = await binding(['bind', 'ro'], '/mnt', 'cat /mnt/sub/inner; ls /mnt')
    mkdirSync(`${made.path}/other`)
    writeFileSync(`${made.path}/other/inner`, 'inner\n')
    made.configure(({ mounts }) => {
      mounts.push({ destination: '/mnt/sub', source: 'other', type: 'none', options: ['bind'] })
    })
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'inner\nfile\nsub\n' })
  })

  test('makes nothing inside a read-only one', async () => {
    const made = await binding(['bind', 'ro'])
    made.configure(({ mounts }) => {
      mounts.push({ destination: '/mnt/missing', source: 'source', type: 'none', options: ['bind'] })
    })
    const { code, stderr } = await run(made)
    expect(code).toBe(1)
    expect(stderr).toMatch(/\/mounts\/\d+.*read-only file system/)
    expect(readdirSync(`${made.path}/source`).sort()).toEqual(['file', 'sub'])
  })
})
