/** tmpfs and other typed mounts: the mode of its root, read-only with things made inside, data of the file system. */
import { chmodSync, chownSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, outputOf, run } from '../support/bundle.ts'
import { requires } from '../support/requires.ts'

describe.runIf(requires('root'))('a tmpfs', () => {
  test.each([
    // option, mode of the directory below (none: missing), the mode it then has
    ['mode=1777', 0o700, '1777'],
    ['mode=750', 0o1777, '750'],
    ['mode=0700', undefined, '700'],
    [undefined, 0o1777, '1777'],
    [undefined, 0o711, '711'],
    [undefined, undefined, '1777'],
  ] as const)('with %s over %s has mode %s, each time', async (option, existing, expected) => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.mounts.push({
        destination: '/space',
        source: 'tmpfs',
        type: 'tmpfs',
        options: ['nosuid', ...(option ? [option] : [])],
      })
      config.process.args = ['/bin/stat', '-c', '%a', '/space']
    })
    if (existing !== undefined) {
      mkdirSync(`${made.rootfs}/space`)
      chmodSync(`${made.rootfs}/space`, existing)
    }
    for (let i = 0; i < 2; i++) expect(await run(made)).toMatchObject({ stdout: `${expected}\n`, stderr: '' })
  })

  test('takes size, uid, gid and number of inodes', async () => {
    const text = await outputOf('stat -c "%u:%g" /tmp; grep " /tmp " /proc/self/mountinfo', (config) => {
      config.mounts.push({
        destination: '/tmp',
        source: 'mine',
        type: 'tmpfs',
        options: ['size=1m', 'uid=5', 'gid=6', 'nr_inodes=77', 'mode=755'],
      })
    })
    expect(text).toMatch(/^5:6\n/)
    expect(text).toMatch(/ - tmpfs mine rw,size=1024k,nr_inodes=77,mode=755,uid=5,gid=6/)
  })

  test('with tmpcopyup begins with what it covers, which stays as it is', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      const options = ['nosuid', 'nodev', 'size=2m', 'tmpcopyup']
      config.mounts.push({ destination: '/data', source: 'tmpfs', type: 'tmpfs', options })
      config.mounts.push({ destination: '/empty/new', source: 'tmpfs', type: 'tmpfs', options: ['ro', 'tmpcopyup'] })
      config.process.args = [
        '/bin/sh',
        '-c',
        'cd /data && stat -c "%n %a %u:%g" . file sub/deep && cat link && grep -c " /data .* - tmpfs " /proc/self/mountinfo' +
          ' && rm file && ls -A /empty/new && touch /empty/new/x',
      ]
    })
    mkdirSync(`${made.rootfs}/data/sub/deep`, { recursive: true })
    writeFileSync(`${made.rootfs}/data/file`, 'text\n')
    chownSync(`${made.rootfs}/data/file`, 7, 8)
    chmodSync(`${made.rootfs}/data/file`, 0o4755)
    chmodSync(`${made.rootfs}/data/sub/deep`, 0o2701)
    chmodSync(`${made.rootfs}/data`, 0o750)
    symlinkSync('file', `${made.rootfs}/data/link`)
    const { code, stdout, stderr } = await run(made)
    expect(stdout).toBe('. 750 0:0\nfile 4755 7:8\nsub/deep 2701 0:0\ntext\n1\n')
    expect([code, stderr]).toEqual([1, expect.stringMatching(/empty\/new\/x: Read-only file system/)])
    expect(readFileSync(`${made.rootfs}/data/file`, 'utf8')).toBe('text\n')
    writeFileSync(`${made.rootfs}/data/large`, Buffer.alloc(3 << 20))
    const full = await run(made)
    expect([full.code, full.stdout]).toEqual([1, ''])
    expect(full.stderr).toMatch(/ on "\/data".*, from \/mounts\/7: copy .*: no space left on device \(large\)\n$/)
  })

  test('with tmpcopyup is filled on the container’s account', async () => {
    const made = await bundle((config) => {
      config.linux.resources = { ...config.linux.resources, memory: { limit: 16 << 20 } }
      config.mounts.push({ destination: '/data', source: 'tmpfs', type: 'tmpfs', options: ['tmpcopyup'] })
      config.process.args = ['/bin/true']
    })
    mkdirSync(`${made.rootfs}/data`)
    for (let i = 0; i < 3; i++) writeFileSync(`${made.rootfs}/data/${i}`, Buffer.alloc(8 << 20, 'x'))
    const { code, stderr } = await run(made)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/killed|no space|cannot allocate memory|memory limit/)])
  })

  test('that is read-only can hold other mounts', async () => {
    const script = 'ls /space/inner; touch /space/x 2>&1 || true; touch /space/inner/y && echo written'
    const text = await outputOf(script, (config) => {
      config.root.readonly = false
      config.mounts.push(
        { destination: '/space', source: 'tmpfs', type: 'tmpfs', options: ['ro'] },
        { destination: '/space/inner', source: 'tmpfs', type: 'tmpfs', options: [] },
      )
    })
    expect(text).toMatch(/^touch: .*Read-only file system\nwritten\n$/)
  })

  test('on a read-only /dev has its devices and links', async () => {
    const text = await outputOf('ls -l /dev/fd /dev/null | cut -c1; touch /dev/x 2>&1 || true', (config) => {
      const dev = config.mounts.find(({ destination }) => destination === '/dev')
      dev?.options?.push('ro')
    })
    expect(text).toMatch(/^l\nc\ntouch: .*Read-only file system\n$/)
  })

  test('over the root is the root that later mounts go into', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.mounts.unshift({ destination: '/', source: 'tmpfs', type: 'tmpfs', options: ['mode=755'] })
      config.mounts.push({ destination: '/bin', source: 'programs', type: 'none', options: ['bind'] })
      config.process.args = ['/bin/ls', '/']
    })
    cpSync(`${made.rootfs}/bin`, `${made.path}/programs`, { recursive: true, verbatimSymlinks: true })
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'bin\ndev\nproc\nsys\n' })
  })

  test('with an option that it does not know is refused in the kernel’s words', async () => {
    const made = await bundle((config) => {
      config.mounts.push({ destination: '/tmp', source: 'tmpfs', type: 'tmpfs', options: ['colour=red'] })
    })
    const { code, stderr } = await run(made)
    expect(code).toBe(1)
    expect(stderr).toMatch(/mount "tmpfs" on "\/tmp".*from \/mounts\/7.*colour/)
  })
})

describe.runIf(requires('root'))('typed mounts', () => {
  test('leave the modes inside to the file system', async () => {
    const text = await outputOf('stat -c "%n %a" /proc /sys /dev/shm /dev/mqueue /dev/pts /proc/self/fd', (config) => {
      config.root.readonly = false
    })
    expect(text).toBe('/proc 555\n/sys 555\n/dev/shm 1777\n/dev/mqueue 1777\n/dev/pts 755\n/proc/self/fd 500\n')
  })

  test('make their missing targets', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.mounts.push({ destination: '/new/proc', source: 'proc', type: 'proc', options: ['ro', 'hidepid=2'] })
      config.process.args = ['/bin/grep', '-o', ' /new/proc .*', '/proc/self/mountinfo']
    })
    expect((await run(made)).stdout).toMatch(/^ \/new\/proc ro,relatime - proc proc rw,hidepid=(2|invisible)/)
  })
})
