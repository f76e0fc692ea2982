/** HOME, which every runtime sets where the configuration does not: from the container's own passwd. */
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, createStart, run } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { outputIn } from '../support/in_container.ts'
import { requires } from '../support/requires.ts'

const PASSWD =
  'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:Bob:/home/bob:/bin/sh\nbad:x:nan:0::/bad:/bin/sh\nempty:x:7:7:::\n'

/** What HOME is for the process of `run` and for one of `exec` in the same container. */
async function homes(change: (config: Config) => void, passwd: string | null = PASSWD, prepare = (_: string) => {}) {
  const made = await bundle(change)
  rmSync(`${made.rootfs}/etc/passwd`)
  if (passwd !== null) writeFileSync(`${made.rootfs}/etc/passwd`, passwd)
  prepare(made.rootfs)
  made.configure(({ process }) => {
    process.args = ['sh', '-c', 'echo "$HOME"']
  })
  const { code, stdout, stderr } = await run(made)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  made.configure(({ process }) => {
    process.args = ['sleep', '1000']
  })
  await createStart(made)
  expect(await outputIn(made.id, 'echo "$HOME"')).toBe(stdout)
  return stdout.trimEnd()
}

describe.runIf(requires('root'))('HOME', () => {
  test.each([
    ['of root', 0, undefined, '/root'],
    ['of another user', 1000, undefined, '/home/bob'],
    ['of a user that passwd does not have', 12345, undefined, '/'],
    ['of a user whose entry has none', 7, undefined, '/'],
    ['that is empty', 1000, 'HOME=', '/home/bob'],
    ['that is given', 1000, 'HOME=/given', '/given'],
  ])('%s', async (_, uid, env, home) => {
    const change = ({ process }: Config) => {
      process.user = { uid, gid: uid }
      if (env !== undefined) process.env.push(env)
    }
    expect(await homes(change)).toBe(home)
  })

  test('without any environment', async () => {
    const made = await bundle(['/bin/sh', '-c', 'echo "$HOME"'])
    made.configure(({ process }) => {
      delete (process as { env?: unknown }).env
    })
    expect(await run(made)).toMatchObject({ code: 0, stdout: '/root\n' })
  })

  test('without passwd, or with one that is no file', async () => {
    expect(await homes(() => {}, null)).toBe('/')
    await homes(
      () => {},
      null,
      (rootfs) => symlinkSync('/dev/zero', `${rootfs}/etc/passwd`),
    ).then((home) => expect(home).toBe('/'))
  })

  test('is no way to put variables into an environment', async () => {
    const made = await bundle(['/bin/sh', '-c', 'env | sort'])
    writeFileSync(`${made.rootfs}/etc/passwd`, 'root:x:0:0:root:/root\0LD_PRELOAD=/evil.so\0X=1:/bin/sh\n')
    const { code, stdout } = await run(made)
    expect({ code, home: /^HOME=.*$/m.exec(stdout)?.[0] }).toEqual({ code: 0, home: 'HOME=/' })
    expect(stdout).not.toMatch(/evil|^X=/m)
    made.configure(({ process }) => {
      process.args = ['sleep', '1000']
    })
    await createStart(made)
    const inside = await outputIn(made.id, 'env | sort')
    expect(inside).toMatch(/^HOME=\/$/m)
    expect(inside).not.toMatch(/evil|^X=/m)
  })

  test('with a FIFO in the place of passwd, which nobody writes to', async () => {
    const made = await bundle(['sh', '-c', 'echo "$HOME"'])
    rmSync(`${made.rootfs}/etc/passwd`)
    await exec('mkfifo', [`${made.rootfs}/etc/passwd`])
    expect(await run(made)).toMatchObject({ code: 0, stdout: '/\n' })
  })

  test('by links of the image, which stay in it', async () => {
    const prepare = (rootfs: string) => {
      writeFileSync(`${rootfs}/root/accounts`, 'root:x:0:0::/linked:/bin/sh\n')
      symlinkSync('/root/accounts', `${rootfs}/etc/passwd`)
    }
    expect(await homes(() => {}, null, prepare)).toBe('/linked')
    const out = (rootfs: string) => symlinkSync('../../../../../../../../etc/passwd', `${rootfs}/etc/passwd`)
    // In the root that is the link itself.
    expect(await homes(() => {}, null, out)).toBe('/')
  })

  test('by a passwd that is mounted, a file or a directory, or hidden', async () => {
    const made = await bundle(['sh', '-c', 'echo "$HOME"'])
    writeFileSync(`${made.path}/passwd`, 'root:x:0:0::/mounted:/bin/sh\n')
    const bind = (source: string, destination: string) => ({ source, destination, type: 'bind', options: ['bind'] })
    const base = made.config.mounts
    const home = async (...mounts: Config['mounts']) => {
      made.configure((config) => {
        config.mounts = [...base, ...mounts]
      })
      return (await run(made)).stdout
    }
    expect(await home(bind(`${made.path}/passwd`, '/etc/passwd'))).toBe('/mounted\n')
    expect(await home(bind(made.path, '/etc'))).toBe('/mounted\n')
    expect(await home(bind('passwd', '/etc/../etc//passwd'))).toBe('/mounted\n')
    expect(await home({ source: 'tmpfs', destination: '/etc', type: 'tmpfs' })).toBe('/\n')
  })
})
