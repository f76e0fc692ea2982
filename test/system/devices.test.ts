/** /dev: default and configured devices, the links, ptmx. */
import { lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, outputOf, run } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'

const allowAll = (config: Config) => {
  config.linux.resources.devices = [{ allow: true, access: 'rwm' }]
}

describe.runIf(requires('root'))('/dev', () => {
  test('has the default devices, for all to use, and works', async () => {
    const names = 'null zero full random urandom tty'
    const text = await outputOf(`cd /dev; stat -c "%n %F %t:%T %a %u:%g" ${names}; head -c3 zero | wc -c; echo x >null`)
    expect(text).toBe(
      [
        'null character special file 1:3 666 0:0',
        'zero character special file 1:5 666 0:0',
        'full character special file 1:7 666 0:0',
        'random character special file 1:8 666 0:0',
        'urandom character special file 1:9 666 0:0',
        'tty character special file 5:0 666 0:0',
        '3\n',
      ].join('\n'),
    )
  })

  test('has the links, and nothing else', async () => {
    const text = await outputOf('cd /dev; for i in fd stdin stdout stderr ptmx; do readlink $i; done; ls')
    expect(text).toBe(
      [
        '/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx',
        'fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n',
      ].join('\n'),
    )
  })

  test('has a ptmx of the container’s own devpts that any user may open', async () => {
    const text = await outputOf('exec 3<>/dev/ptmx; ls /dev/pts; stat -c "%u:%g %a" /dev/pts/0', (config) => {
      config.process.user = { uid: 1000, gid: 1000 }
    })
    expect(text).toBe('0\nptmx\n1000:5 620\n')
  })

  test('gets configured devices of each type with mode and owner', async () => {
    const text = await outputOf(
      'stat -c "%n %F %t:%T %a %u:%g" /dev/loud /dev/block /dev/pipe /dev/deep/in/it /odd',
      (config) => {
        config.root.readonly = false
        config.linux.devices = [
          { path: '/dev/loud', type: 'c', major: 10, minor: 229, fileMode: 0o640, uid: 5, gid: 6 },
          { path: '/dev/block', type: 'b', major: 259, minor: 300, fileMode: 0o600 },
          { path: '/dev/pipe', type: 'p', fileMode: 0o622, uid: 7 },
          { path: '/dev/deep/in/it', type: 'u', major: 1, minor: 3 },
          { path: '/odd', type: 'c', major: 1, minor: 5, fileMode: 0o666 },
        ]
      },
    )
    expect(text).toBe(
      [
        '/dev/loud character special file a:e5 640 5:6',
        '/dev/block block special file 103:12c 600 0:0',
        '/dev/pipe fifo 0:0 622 7:0',
        '/dev/deep/in/it character special file 1:3 666 0:0',
        '/odd character special file 1:5 666 0:0\n',
      ].join('\n'),
    )
  })

  test('has a configured device in place of the default of that name', async () => {
    const text = await outputOf('stat -c "%t:%T %a" /dev/null /dev/zero', (config) => {
      config.linux.devices = [{ path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o600 }]
    })
    expect(text).toBe('1:3 600\n1:5 666\n')
  })

  test('gets its devices where the caller has an odd umask', async () => {
    const made = await bundle(['/bin/stat', '-c', '%a', '/dev', '/dev/null', '/dev/zero'])
    const before = process.umask(0o777)
    try {
      expect(await run(made)).toMatchObject({ stdout: '755\n666\n666\n' })
    } finally {
      process.umask(before)
    }
  })

  test('belongs to root, as does all that is made for it, whatever the group of the caller', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.linux.devices = [{ path: '/dev/sub/odd', type: 'c', major: 1, minor: 3 }]
      config.mounts.push({ destination: '/made/here', type: 'tmpfs', source: 'tmpfs' })
      const files = ['/dev', '/dev/null', '/dev/tty', '/dev/fd', '/dev/sub', '/dev/sub/odd', '/made', '/made/here']
      config.process.args = ['/bin/stat', '-c', '%n %u:%g', ...files]
    })
    const become = ['--regid', '1000', '--groups', '1000,1001']
    const line = ['--root', stateRoot(), 'run', '--bundle', made.path, made.id]
    const text = await output('setpriv', [...become, RUNTIME, ...line])
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((one) => one.split(' ')[1]),
    ).toEqual(Array(8).fill('0:0'))
    // And the process has the ids that are configured.
    made.configure((config) => {
      config.process.args = ['/bin/grep', '^[GU]', '/proc/self/status']
    })
    const ids = await output('setpriv', [...become, RUNTIME, ...line])
    expect(ids).toMatch(/^Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t *$/m)
  })

  test('without a mount of its own is filled in the image, through no link', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'))
      config.process.args = ['/bin/ls', '/dev']
    })
    expect((await run(made)).stdout).toMatch(
      /^fd\nfull\nnull\nptmx\nrandom\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n$/,
    )
    expect(lstatSync(`${made.rootfs}/dev/zero`).isCharacterDevice()).toBe(true)
    // A second container finds them there.
    expect(await run(made)).toMatchObject({ code: 0 })
  })

  test('may have the devices asked for already, twice even, but nothing else in their place', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'))
      config.process.args = ['/bin/true']
      config.linux.devices = [
        { path: '/dev/loud', type: 'c', major: 10, minor: 229 },
        { path: '/dev/block', type: 'b', major: 259, minor: 300 },
        { path: '/dev/pipe', type: 'p', uid: 7 },
        { path: '/dev/loud', type: 'u', major: 10, minor: 229, fileMode: 0o600, gid: 5 },
      ]
    })
    expect(await run(made)).toMatchObject({ code: 0 })
    expect(await run(made)).toMatchObject({ code: 0 })
    const other = async (name: string, script: string) => {
      const path = `${made.rootfs}/dev/${name}`
      rmSync(path)
      await output('sh', ['-c', script, path])
      const said = await refused(made)
      rmSync(path)
      return said
    }
    const wrong = (index: number, name: string) =>
      expect.stringMatching(`create device "/dev/${name}", from /linux/devices/${index}: .*it is something else$`)
    expect(await other('loud', 'mknod $0 c 10 228')).toEqual(wrong(0, 'loud'))
    expect(await other('block', 'mknod $0 c 259 300')).toEqual(wrong(1, 'block'))
    expect(await other('pipe', 'ln -s /dev/null $0')).toEqual(wrong(2, 'pipe'))
  })

  test('that is bound is the user’s own: nothing is made in it', async () => {
    const made = await bundle((config) => {
      config.mounts = [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'none', source: 'mydev', options: ['bind'] },
      ]
      config.process.args = ['/bin/ls', '/dev']
    })
    mkdirSync(`${made.path}/mydev`)
    writeFileSync(`${made.path}/mydev/only`, '')
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'only\n' })
  })

  test('of the whole host can be bound', async () => {
    const text = await outputOf('ls /dev/ptmx /dev/null; echo x >/dev/null', (config) => {
      config.mounts = [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'bind', source: '/dev', options: ['rbind', 'rslave'] },
      ]
      allowAll(config)
    })
    expect(text).toBe('/dev/null\n/dev/ptmx\n')
  })

  test('that is a link in the image leads nowhere on the host', async () => {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'))
      config.process.args = ['/bin/true']
    })
    mkdirSync(`${made.path}/victim`)
    writeFileSync(`${made.path}/victim/ptmx`, 'precious')
    rmdirSync(`${made.rootfs}/dev`)
    symlinkSync(`${made.path}/victim`, `${made.rootfs}/dev`)
    await run(made)
    expect(lstatSync(`${made.path}/victim/ptmx`).size).toBe(8)
    expect(readdirSync(`${made.path}/victim`)).toEqual(['ptmx'])
  })
})

describe.runIf(requires('root'))('device rules', () => {
  const able = (config: Config) => {
    config.root.readonly = false
    // 1:11 is the kernel's log: it is on every machine, and without rules its reader needs no more than this.
    const list = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE', 'CAP_SYSLOG']
    config.process.capabilities = { bounding: list, effective: list, permitted: list }
  }
  const script =
    'mknod /tmp/m c 1 11; head -c1 /tmp/m 2>&1 >/dev/null; mknod /tmp/z c 1 5 && head -c2 /tmp/z | wc -c; true'

  test('let a forbidden device be made, but not opened; the default ones work', async () => {
    const text = await outputOf(script, able)
    expect(text).toMatch(/^head: \/tmp\/m: Operation not permitted\n2\n$/)
  })

  test('let an allowed one be opened, as far as allowed, and none beside it', async () => {
    const beside = ['c 1 12', 'c 2 11', 'b 1 11'].map((node) => `mknod /tmp/o ${node}; (: </tmp/o) 2>&1; rm /tmp/o`)
    const text = await outputOf(`${script}; (echo x >/tmp/m) 2>&1; ${beside.join('; ')}; true`, (config) => {
      able(config)
      config.linux.resources.devices = [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 11, access: 'r' },
      ]
    })
    expect(text).not.toMatch(/head:/)
    expect(text).toMatch(/\/tmp\/m: Operation not permitted/)
    expect(text.match(/\/tmp\/o: Operation not permitted/g)).toHaveLength(beside.length)
  })

  test('that allow all allow all', async () => {
    const text = await outputOf('mknod /tmp/m c 1 11; exec 3<>/tmp/m && echo opened', (config) => {
      able(config)
      allowAll(config)
    })
    expect(text).toBe('opened\n')
  })
})
