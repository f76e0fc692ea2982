/** The container's root: how it is changed, its propagation, read-only, what of it is masked or read-only. */
import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, createStart, outputOf, run } from '../support/bundle.ts'
import { exec, output } from '../support/exec.ts'
import { mountAt, parseMountInfo, processMounts } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { kernel, requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'

const MOUNTINFO = ['/bin/cat', '/proc/self/mountinfo']

/** Runs a bundle where every mount of the host is shared; the container's mounts, and the host's afterwards. */
async function runShared(made: Bundle, before = 'true') {
  const script = `${before}; "$@" || exit; echo ==; cat /proc/self/mountinfo`
  const line = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
  const unshare = ['--mount', '--propagation', 'private', 'sh', '-c', `mount --make-rshared /; ${script}`, 'sh']
  const { code, stdout, stderr } = await exec('unshare', [...unshare, ...line])
  expect([code, stderr]).toEqual([0, ''])
  const [inside = '', outside = ''] = stdout.split('==\n')
  return { inside: parseMountInfo(inside), outside: parseMountInfo(outside) }
}

describe.runIf(requires('root', kernel('5.12')))('the root', () => {
  test.each([['--no-pivot'], []])(
    'is the rootfs, and nothing of the host is left below or behind it %s',
    async (...args) => {
      const script = 'ls /; ls / | grep -c old_root; cd ..; ls -d rootfs; cat /proc/1/mountinfo | wc -l'
      const made = await bundle(script)
      const { stdout } = await run(made, { args })
      expect(stdout).toMatch(/^bin\ndev\netc\nproc\nroot\nsys\ntmp\n0\n\d+\n$/)
    },
  )

  test('is all of the mount namespace after pivot_root', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    const { pid } = await createStart(made)
    const mounts = processMounts(pid)
    expect(mounts.filter(({ path }) => path === '/')).toHaveLength(1)
    const host = processMounts('self').map(({ path }) => path)
    expect(mounts.every(({ path }) => path === '/' || /^\/(proc|dev|sys)/.test(path))).toBe(true)
    expect(host.length).toBeGreaterThan(0)
    expect(readlinkSync(`/proc/${pid}/root`)).toBe('/')
  })

  test('may be a mount point itself', async () => {
    const made = await bundle(['/bin/ls', '/bin/probe'])
    await output('mount', ['--bind', made.rootfs, made.rootfs])
    atEnd(async () => void (await output('umount', ['-l', made.rootfs])))
    expect(await run(made)).toMatchObject({ code: 0, stdout: '/bin/probe\n' })
  })

  test('comes with what is mounted in it', async () => {
    const made = await bundle(['/bin/ls', '/tmp/inner'])
    mkdirSync(`${made.rootfs}/tmp/inner`)
    await output('mount', ['-t', 'tmpfs', 'tmpfs', `${made.rootfs}/tmp`])
    atEnd(async () => void (await output('umount', ['-l', `${made.rootfs}/tmp`])))
    expect((await run(made)).stderr).toMatch(/inner: No such file/)
  })

  test.each([
    ['private', false],
    ['rprivate', false],
    ['slave', 'master'],
    ['rslave', 'master'],
    ['shared', 'shared'],
    ['rshared', 'shared'],
    ['unbindable', 'unbindable'],
    ['runbindable', 'unbindable'],
  ] as const)('is %s when that is asked for, and gives no mount to the host', async (propagation, shown) => {
    const made = await bundle((config) => {
      config.linux.rootfsPropagation = propagation
      config.process.args = MOUNTINFO
    })
    const { inside, outside } = await runShared(made)
    const found = mountAt(inside, '/').propagation
    if (shown === false) expect(found).toEqual([])
    else expect(found).toEqual(expect.arrayContaining([expect.stringMatching(`^${shown}`)]))
    expect(outside.filter(({ path }) => path.startsWith(made.rootfs))).toEqual([])
  })

  test.each(['shared', 'rshared', 'slave'] as const)('that is a mount point can be %s', async (propagation) => {
    const made = await bundle((config) => {
      config.linux.rootfsPropagation = propagation
      config.process.args = MOUNTINFO
    })
    const { inside, outside } = await runShared(made, `mount --bind ${made.rootfs} ${made.rootfs}`)
    expect(mountAt(inside, '/').propagation.length).toBeGreaterThan(0)
    expect(outside.filter(({ path }) => path.startsWith(made.rootfs))).toHaveLength(1)
  })

  test('without the word is private: what the host mounts on it later does not come', async () => {
    const { inside, outside } = await runShared(await bundle(MOUNTINFO))
    expect(mountAt(inside, '/').propagation).toEqual([])
    for (const mount of inside) expect(mount.propagation.join(), mount.path).not.toContain('shared')
    expect(outside.filter(({ path }) => path.includes('davit-test-'))).toEqual([])
  })

  test('a bind that is shared is so in the container too, whatever the root', async () => {
    const made = await bundle((config) => {
      config.process.args = MOUNTINFO
      config.mounts.push({ destination: '/tmp', source: 'rootfs/etc', type: 'none', options: ['bind', 'rshared'] })
    })
    const { inside } = await runShared(made)
    expect(mountAt(inside, '/tmp').propagation.join()).toContain('shared')
  })

  test('is read-only only when that is asked for', async () => {
    const script = 'touch /x 2>&1; touch /dev/shm/y && echo shm; grep " / / \\| rootfs / " /proc/self/mountinfo | wc -l'
    expect(await outputOf(script)).toMatch(/^touch: \/x: Read-only file system\nshm\n/)
    const made = await bundle((config) => {
      config.root.readonly = false
      config.process.args = ['/bin/touch', '/x']
    })
    expect((await run(made)).code).toBe(0)
    expect(existsSync(`${made.rootfs}/x`)).toBe(true)
  })

  test('may be read-only without any mount in it', async () => {
    const made = await bundle((config) => {
      config.mounts = []
      config.process.args = ['/bin/sh', '-c', 'touch /x 2>/dev/null || echo read-only; ls -l /dev/null']
    })
    expect(await run(made)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^read-only\ncrw-rw-rw-/) })
  })

  test('keeps the flags of the file system it lies on when it becomes read-only', async () => {
    const made = await bundle((config) => {
      config.process.args = MOUNTINFO
    })
    const path = `${made.path}/space`
    mkdirSync(path)
    await output('mount', ['-t', 'tmpfs', '-o', 'nosuid,nodev', 'tmpfs', path])
    atEnd(async () => void (await output('umount', ['-l', path])))
    await output('cp', ['-a', made.rootfs, `${path}/rootfs`])
    made.configure((config) => {
      config.root.path = 'space/rootfs'
    })
    const { stdout } = await run(made)
    expect(mountAt(parseMountInfo(stdout), '/').options).toEqual(expect.arrayContaining(['nodev', 'nosuid', 'ro']))
  })
})

describe.runIf(requires('root'))('masked and read-only paths', () => {
  test('hide files, directories and the ends of links; what is missing is passed over', async () => {
    const script = `cat /etc/secret | wc -c; ls -A /secrets | wc -l; cat /link | wc -c; touch /secrets/x 2>&1; cat /open
      stat -c "%F %t:%T" /etc/secret; grep " /secrets " /proc/self/mountinfo`
    const made = await bundle((config) => {
      config.linux.maskedPaths = ['/etc/secret', '/secrets', '/more', '/link', '/not/there', '/etc/secret/neither']
      config.process.args = ['/bin/sh', '-c', script]
    })
    for (const name of ['secrets', 'more']) {
      mkdirSync(`${made.rootfs}/${name}`)
      writeFileSync(`${made.rootfs}/${name}/key`, 'key')
    }
    writeFileSync(`${made.rootfs}/etc/secret`, 'secret')
    writeFileSync(`${made.rootfs}/target`, 'target')
    writeFileSync(`${made.rootfs}/open`, 'open\n')
    symlinkSync('/target', `${made.rootfs}/link`)
    const { stdout } = await run(made)
    expect(stdout).toMatch(
      /^0\n0\n0\ntouch: \/secrets\/x: Read-only file system\nopen\ncharacter special file 1:3\n.* ro,nosuid,nodev,noexec/,
    )
    expect(readFileSync(`${made.rootfs}/etc/secret`, 'utf8')).toBe('secret')
  })

  test('one that cannot be hidden is named, and nothing runs', async () => {
    const made = await bundle((config) => {
      config.linux.maskedPaths = ['/etc/secret', '/not/there', '/more', '/loop/x', '/bin']
    })
    mkdirSync(`${made.rootfs}/more`)
    writeFileSync(`${made.rootfs}/etc/secret`, 'secret')
    symlinkSync('/loop', `${made.rootfs}/loop`)
    const { code, stdout, stderr } = await run(made)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('mask "/loop/x", from /linux/maskedPaths/3: ')
    expect(stderr).toMatch(/: too many levels of symbolic links\n$/)
  })

  test('of the defaults are in force', async () => {
    const script = `echo 1 >/proc/sys/vm/drop_caches; cat /proc/kcore | wc -c
      ls /sys/firmware | wc -l; cat /proc/interrupts | wc -c; cat /proc/timer_list | wc -c; exit 0`
    const made = await bundle(script)
    const { stdout, stderr } = await run(made)
    expect(stdout).toBe('0\n0\n0\n0\n')
    expect(stderr).toMatch(/drop_caches: Read-only file system/)
  })

  test('read-only: files, directories with mounts below, with the flags they had', async () => {
    const script = `echo x >>/etc/fixed; touch /fixed/x; touch /fixed/inner/x; cat /etc/fixed
      grep " /fixed/inner " /proc/self/mountinfo`
    const made = await bundle((config) => {
      config.root.readonly = false
      config.mounts.push({ destination: '/fixed/inner', source: 'tmpfs', type: 'tmpfs', options: ['nosuid', 'nodev'] })
      config.linux.readonlyPaths = ['/etc/fixed', '/fixed', '/not/there']
      config.process.args = ['/bin/sh', '-c', script]
    })
    writeFileSync(`${made.rootfs}/etc/fixed`, 'fixed\n')
    chmodSync(`${made.rootfs}/etc/fixed`, 0o666)
    const { stdout, stderr } = await run(made)
    expect(stderr.match(/Read-only file system/g)).toHaveLength(3)
    expect(stdout).toMatch(/^fixed\n/)
    expect(mountAt(parseMountInfo(stdout), '/fixed/inner').options).toEqual(
      expect.arrayContaining(['nodev', 'nosuid', 'ro']),
    )
  })
})
