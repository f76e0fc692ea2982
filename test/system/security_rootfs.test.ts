/** Hostile images: links where the runtime makes, mounts or masks something. What is outside of the rootfs stays as it is. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import { attack } from '../support/attacker.ts'
import { type Bundle, bundle, type Config, createStart, run } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { mountAt, parseMountInfo, processMounts } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { receiveConsole } from '../support/probe.ts'
import { refused } from '../support/refusal.ts'
import { command, requires } from '../support/requires.ts'
import { davit, must, stateRoot } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'

const UP = '../../../../../../../../../../..'

/** A directory of the host with things to lose, and a picture of it. */
function victim(): { readonly path: string; readonly picture: () => unknown } {
  const path = `${scratch()}/victim`
  mkdirSync(path)
  for (const name of ['ptmx', 'null', 'console', 'fd', 'precious'])
    writeFileSync(`${path}/${name}`, name, { mode: 0o600 })
  const picture = () =>
    readdirSync(path)
      .sort()
      .map((name) => {
        const { mode, uid, ino } = lstatSync(`${path}/${name}`)
        return [name, mode, uid, ino, readFileSync(`${path}/${name}`, 'utf8')]
      })
  return { path, picture }
}

/** Replaces what is at a path of the rootfs by a link, absolute and climbing. */
function links(rootfs: string, path: string, target: string): (() => void)[] {
  return [target, `${UP}${target}`].map((to) => () => {
    rmSync(`${rootfs}${path}`, { recursive: true, force: true })
    symlinkSync(to, `${rootfs}${path}`)
  })
}

/** Filesystems that no directory of the host is on. */
const KERNEL = ['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2', 'devtmpfs']

const without = (config: Config, ...destinations: string[]) => {
  config.mounts = config.mounts.filter(({ destination }) => !destinations.includes(destination))
}

describe.runIf(requires('root'))('a hostile image', () => {
  // CVE-2019-19921, CVE-2023-27561, CVE-2025-54867
  test.each(['/proc', '/sys'])('%s as a link', async (path) => {
    const { path: outside, picture } = victim()
    const before = picture()
    const made = await bundle(['true'])
    for (const link of [...links(made.rootfs, path, outside), ...links(made.rootfs, path, '/tmp')]) {
      link()
      const said = await refused(made)
      expect(said).toContain(`on "${path}"`)
      expect(said).toMatch(/too many levels of symbolic links|no such file|not a directory/)
      expect(picture()).toEqual(before)
    }
  })

  // CVE-2026-41579, CVE-2026-47766
  test('/dev leads to the host, and nothing is mounted on it', async () => {
    const { path, picture } = victim()
    const before = picture()
    const made = await bundle((config) => {
      config.process.args = ['true']
      without(config, '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue')
    })
    for (const link of links(made.rootfs, '/dev', path)) {
      link()
      await run(made)
      expect(picture()).toEqual(before)
    }
  })

  // CVE-2025-31133, CVE-2026-88265
  test('/dev/null as a link: a masked file is the real null device all the same', async () => {
    const { path, picture } = victim()
    const before = picture()
    for (const target of [`${path}/null`, '/proc/sys/kernel/core_pattern', '/etc/passwd']) {
      const made = await bundle((config) => {
        config.process.args = ['stat', '-c', '%F %t:%T', '/proc/keys', '/secret']
        config.linux.maskedPaths = ['/proc/keys', '/secret']
        without(config, '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue')
        Object.assign(config.process.user, { uid: 1000, gid: 1000 })
      })
      writeFileSync(`${made.rootfs}/secret`, 'x')
      for (const link of links(made.rootfs, '/dev/null', target)) {
        link()
        expect(await run(made)).toMatchObject({ code: 0, stdout: 'character special file 1:3\n'.repeat(2), stderr: '' })
        expect(picture()).toEqual(before)
      }
    }
  })

  // KERNEL: what was removed since it was found is ENOENT to whoever mounts on it; a path that is missing is tolerated.
  test.runIf(requires(command('strace')))(
    'what is put in the place of a path to be protected is protected',
    async () => {
      const script = 'cat /file; ls /folder; echo written >/kept && cat /kept'
      const made = await bundle((config) => {
        config.process.args = ['sh', '-c', script]
        config.root.readonly = false
        Object.assign(config.linux, { readonlyPaths: ['/kept'], maskedPaths: ['/file', '/folder'] })
      })
      mkdirSync(`${made.rootfs}/folder`)
      for (const name of ['file', 'folder/inner', 'kept']) writeFileSync(`${made.rootfs}/${name}`, 'open')
      const calls = `${made.path}/calls`
      const traced = (...how: readonly string[]) =>
        exec('strace', ['-f', '-qq', '-e', 'trace=move_mount', '-o', calls, ...how, RUNTIME, ...line])
      const line = ['--root', stateRoot(), 'run', '--bundle', made.path, made.id]
      await traced()
      const last = readFileSync(calls, 'utf8').match(/move_mount\(/g)?.length ?? 0
      // The last four: one for the read-only path, one for the file, and two for the folder.
      for (let when = last - 3; when <= last; when++) {
        const { stdout, stderr } = await traced('-e', `inject=move_mount:error=ENOENT:when=${when}`)
        expect(stdout).toBe('')
        expect(stderr).not.toContain('davit:')
        expect(readFileSync(calls, 'utf8')).toContain('INJECTED')
      }
    },
  )

  // CVE-2026-88264, CVE-2025-52565
  test.each(['console', 'ptmx'])('/dev/%s as a link or a file, with a terminal', async (name) => {
    const { path, picture } = victim()
    const before = picture()
    const made = await bundle((config) => {
      Object.assign(config.process, { terminal: true, args: ['true'] })
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev' && destination !== '/dev/shm')
    })
    mkdirSync(`${made.rootfs}/dev/pts`)
    mkdirSync(`${made.rootfs}/dev/mqueue`)
    for (const [i, link] of links(made.rootfs, `/dev/${name}`, `${path}/${name}`).entries()) {
      link()
      const socket = `${scratch()}/socket${i}`
      const receiver = await receiveConsole(socket)
      const { code, stderr } = await davit([
        'run',
        '--detach',
        '--bundle',
        made.path,
        '--console-socket',
        socket,
        made.id,
      ])
      if (name === 'console')
        expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('/dev/console') })
      else expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(picture()).toEqual(before)
      receiver.child.kill('SIGKILL')
      await receiver.done
      await must(['delete', '--force', made.id])
    }
  })

  test('a ptmx that is no devpts: no terminal is taken from it', async () => {
    const made = await bundle((config) => {
      Object.assign(config.process, { terminal: true, args: ['true'] })
      without(config, '/dev/pts')
      config.mounts.push({ destination: '/dev/pts', source: '/tmp', options: ['bind'] })
    })
    const said = await refused(made)
    expect(said).toContain('/process/terminal')
  })

  // CVE-2019-18837
  test('mount targets that lead out stay in the rootfs, files and directories', async () => {
    const { path, picture } = victim()
    const before = picture()
    const made = await bundle((config) => {
      config.process.args = ['ls', '-d', '/data/dir', '/file', '/deep/link/x']
      config.mounts.push({ destination: '/data/dir', type: 'tmpfs', source: 'tmpfs' })
      config.mounts.push({ destination: '/file', source: '/etc/hostname', options: ['bind'] })
      config.mounts.push({ destination: '/deep/link/x', source: '/tmp', options: ['bind'] })
    })
    mkdirSync(`${made.rootfs}/deep`)
    symlinkSync(path, `${made.rootfs}/data`)
    symlinkSync(`${UP}${path}/made`, `${made.rootfs}/file`)
    symlinkSync(`${UP}${path}`, `${made.rootfs}/deep/link`)
    const ended = await run(made)
    expect(picture()).toEqual(before)
    expect(ended).toMatchObject({ code: 0 })
  })

  test('magic links are no targets', async () => {
    const made = await bundle((config) => {
      config.process.args = ['true']
      config.mounts.push({ destination: '/magic/x', type: 'tmpfs', source: 'tmpfs' })
    })
    symlinkSync('/proc/1/root', `${made.rootfs}/magic`)
    expect(await refused(made)).toMatch(/"\/magic\/x".*too many levels of symbolic links/)
  })

  test('cwd, devices and read-only paths that lead out', async () => {
    const { path, picture } = victim()
    const before = picture()
    const made = await bundle((config) => {
      config.process.args = ['true']
      config.process.cwd = '/out/new'
      config.linux.readonlyPaths = ['/out/precious']
      config.linux.maskedPaths = ['/out/ptmx']
      Object.assign(config.linux, { devices: [{ path: '/out/dev/mine', type: 'c', major: 1, minor: 3 }] })
    })
    for (const link of links(made.rootfs, '/out', path)) {
      link()
      await run(made)
      expect(picture()).toEqual(before)
    }
  })

  test('nothing is written to /etc, whatever it is', async () => {
    const made = await bundle(['true'])
    for (const name of readdirSync(`${made.rootfs}/etc`)) unlinkSync(`${made.rootfs}/etc/${name}`)
    for (const name of ['passwd', 'group', 'mtab', 'hostname', 'hosts', 'resolv.conf']) {
      symlinkSync(`${UP}${scratch()}/${name}`, `${made.rootfs}/etc/${name}`)
    }
    expect(await run(made)).toMatchObject({ code: 0 })
    expect(readdirSync(scratch()).filter((name) => !/^(root|spec|t\d)/.test(name))).toEqual([])
  })

  // CVE-2021-30465, CVE-2024-45310
  test('a mount target that is swapped for a link to the host all the time, over a hundred runs', async () => {
    const { path, picture } = victim()
    const before = picture()
    const volume = `${scratch()}/volume`
    mkdirSync(`${volume}/dir`, { recursive: true })
    symlinkSync(`${UP}${path}`, `${volume}/link`)
    const made: Bundle = await bundle(
      (config) => {
        config.process.args = ['cat', '/proc/self/mountinfo']
        config.mounts.push({ destination: '/vol', source: volume, options: ['rbind', 'rw'] })
        config.mounts.push({ destination: '/vol/dir/new/er', type: 'tmpfs', source: 'tmpfs' })
        config.mounts.push({ destination: '/vol/dir', source: '/usr', options: ['bind', 'ro'] })
      },
      { applets: ['cat'] },
    )
    await attack('swapping', 'swap', `${volume}/dir`, `${volume}/link`)
    const ends = { went: 0, failed: 0 }
    for (let i = 0; i < 100; i++) {
      const { code, stdout, stderr } = await run(made)
      if (code === 0) ends.went++
      else ends.failed++
      if (code !== 0) expect(stderr).toMatch(/^davit: run failed: [^\n]*\/mounts\/[^\n]*\n$/)
      // What the container sees of the disk is what was configured: nowhere the host's own tree.
      const shown = parseMountInfo(stdout).filter(({ type }) => !KERNEL.includes(type))
      const allowed = [made.rootfs, volume, '/usr']
      expect(shown.filter(({ root }) => !allowed.some((place) => root.endsWith(place)))).toEqual([])
      expect(picture()).toEqual(before)
    }
    expect(ends.went).toBeGreaterThan(0)
  })

  // CVE-2025-52881
  test('sysctls land where they belong, though /proc/sys is mounted over', async () => {
    const decoy = `${scratch()}/decoy`
    mkdirSync(`${decoy}/net/ipv4`, { recursive: true })
    writeFileSync(`${decoy}/net/ipv4/ip_forward`, 'decoy')
    const made = await bundle((config) => {
      config.process.args = ['cat', '/proc/sys/net/ipv4/ip_forward']
      config.mounts.push({ destination: '/proc/sys', source: decoy, options: ['bind'] })
      Object.assign(config.linux, { sysctl: { 'net.ipv4.ip_forward': '1' }, readonlyPaths: [], maskedPaths: [] })
    })
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'decoy' })
    expect(readFileSync(`${decoy}/net/ipv4/ip_forward`, 'utf8')).toBe('decoy')
    made.configure((config) => {
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/proc/sys')
    })
    expect(await run(made)).toMatchObject({ stdout: '1\n' })
  })

  // CVE-2026-115521
  test('a read-only rootfs is read-only, though /proc is what the image wants', async () => {
    const fake = `${scratch()}/fake`
    mkdirSync(`${fake}/self/fd`, { recursive: true })
    const made = await bundle((config) => {
      config.process.args = ['touch', '/x']
      config.root.readonly = true
      config.mounts.push({ destination: '/proc', source: fake, options: ['bind'] })
      Object.assign(config.linux, { readonlyPaths: [], maskedPaths: [] })
    })
    const { code, stderr } = await run(made)
    expect(code).not.toBe(0)
    expect(stderr).toContain('Read-only file system')
  })

  test('propagation: what is mounted in the container is not seen outside', async () => {
    const before = processMounts('self').length
    const made = await bundle(['sleep', '60'])
    const { pid } = await createStart(made)
    expect(mountAt(processMounts(pid), '/').propagation.filter((word) => word.startsWith('shared'))).toEqual([])
    expect(processMounts('self')).toHaveLength(before)
    atEnd(() => expect(statSync('/dev/null').rdev).toBe(0x103))
  })
})
