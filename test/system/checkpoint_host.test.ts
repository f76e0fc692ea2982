/** What of the host a saved container has: mounts, files, terminals, namespaces, hooks; and criu's own configuration. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, createStart } from '../support/bundle.ts'
import { checkpoint, counting, goesOn, image, LIMIT, restore } from '../support/checkpoint.ts'
import { CRIU } from '../support/criu.ts'
import { output } from '../support/exec.ts'
import { netns } from '../support/netns.ts'
import { receiveConsole } from '../support/probe.ts'
import { command, requires } from '../support/requires.ts'
import { davit, must, state, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

/** A folder of the host with a file in it. */
function folder(name: string): string {
  const path = `${scratch()}/${name}`
  mkdirSync(path)
  writeFileSync(`${path}/file`, `${name}\n`)
  return path
}

const bind =
  (destination: string, source: string, ...options: string[]) =>
  (config: Config) =>
    void config.mounts.push({ destination, source, type: 'bind', options: ['bind', ...options] })

const inside = (id: string, script: string) => davit(['exec', id, 'sh', '-c', script], LIMIT)

describe.runIf(requires('root', CRIU))('a restored container', LIMIT, () => {
  test('has its bind mounts, links on the way followed inside it, and read-only what was', async () => {
    const [first, second] = [folder('first'), folder('second')]
    const made = await counting((config) => {
      config.root.readonly = false
      bind('/link/one', first, 'ro')(config)
      bind('/two', second)(config)
      bind('/two/below', first, 'ro')(config)
    })
    await checkpoint(made)
    await restore(made)
    const { stdout } = await inside(made.id, 'cat /link/one/file /two/file /two/below/file; echo x >/link/one/file')
    expect(stdout).toBe('first\nsecond\nfirst\n')
    expect(readFileSync(`${first}/file`, 'utf8')).toBe('first\n')
    expect((await inside(made.id, 'echo new >/two/file')).code).toBe(0)
    expect(readFileSync(`${second}/file`, 'utf8')).toBe('new\n')
    await goesOn(made)
  })

  test('has each bind mount in its place, though the configuration has them in another order', async () => {
    const names = ['one', 'two', 'three']
    const made = await counting((config) => {
      for (const name of names) bind(`/${name}`, folder(name))(config)
    })
    await checkpoint(made)
    // As Podman writes it anew.
    made.configure((config) => {
      config.mounts.reverse()
    })
    await restore(made)
    expect((await inside(made.id, 'cat /one/file /two/file /three/file')).stdout).toBe('one\ntwo\nthree\n')
    await goesOn(made)
  })

  test('has masked files and read-only paths again', async () => {
    const made = await counting((config) => {
      config.linux.maskedPaths = ['/etc/passwd', '/proc/keys', '/sys/firmware']
      config.linux.readonlyPaths = ['/proc/sys']
    })
    await checkpoint(made)
    await restore(made)
    const look = 'cat /etc/passwd /proc/keys; ls /sys/firmware; echo 1 >/proc/sys/vm/drop_caches'
    expect(await inside(made.id, look)).toMatchObject({ code: 1, stdout: '' })
  })

  test('has its terminal, which goes to the console socket', async () => {
    const made = await bundle((config) => {
      config.process.terminal = true
      config.process.args = ['/bin/sh', '-c', 'echo ready; while read x; do echo "got $x"; done']
    })
    const first = await receiveConsole(`${scratch()}/one`)
    await createStart(made, { args: ['--console-socket', `${scratch()}/one`] })
    await until('ready', () => first.stdout().includes('ready'))
    await checkpoint(made)
    const second = await receiveConsole(`${scratch()}/two`)
    await restore(made, '--console-socket', `${scratch()}/two`)
    await until('the terminal', () => second.stdout().includes('console '))
    writeFileSync(`/proc/${(await state(made.id)).pid}/fd/1`, 'hello\n')
    await until('what it says', () => second.stdout().includes('hello'))
  })

  test('is in the network namespace that it was in', async () => {
    const space = await netns()
    const made = await counting((config) => {
      const network = config.linux.namespaces.find(({ type }) => type === 'network')
      if (network) network.path = space.path
    })
    await checkpoint(made)
    await restore(made)
    const link = await must(['exec', made.id, 'readlink', '/proc/self/ns/net'])
    expect(link).toBe((await space.exec(['readlink', '/proc/self/ns/net'])).stdout)
    await goesOn(made)
  })

  test('runs its hooks', async () => {
    const log = `${scratch()}/log`
    const hook = (name: string) => ({ path: '/bin/sh', args: ['sh', '-c', `echo ${name} >>${log}`] })
    const made = await counting((config) => {
      config.hooks = {
        prestart: [hook('prestart')],
        createRuntime: [hook('createRuntime')],
        poststart: [hook('poststart')],
        poststop: [hook('poststop')],
      }
    })
    await checkpoint(made)
    await restore(made)
    await must(['delete', '--force', made.id])
    const once = ['prestart', 'createRuntime', 'poststart', 'poststop']
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([...once, ...once])
  })

  test('is taken back when a hook fails', async () => {
    const made = await counting()
    await checkpoint(made)
    made.configure((config) => {
      config.hooks = { createRuntime: [{ path: '/bin/false' }] }
    })
    const { code, stderr } = await davit(['restore', '-d', '-b', made.path, '--image-path', image(), made.id], LIMIT)
    expect([code, stderr]).toEqual([1, expect.stringContaining('run createRuntime hook #0 "/bin/false"')])
    expect((await davit(['state', made.id])).code).toBe(1)
  })
})

describe.runIf(requires('root', CRIU, command('nsenter')))('checkpoint refuses', LIMIT, () => {
  const refused = (id: string) => davit(['checkpoint', '--image-path', image(), id], LIMIT)

  test('a mount point that criu would misread', async () => {
    const made = await counting((config) => {
      config.root.readonly = false
      bind('/a]:b', folder('source'))(config)
    })
    expect(await refused(made.id)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/criu cannot handle "\/a\]:b" as a mount point.*\/mounts\/\d+/),
    })
    await goesOn(made)
  })

  test('a read-only mount that a link has led to another one', async () => {
    const made = await counting((config) => {
      config.root.readonly = false
      bind('/ro', folder('ro'), 'ro')(config)
      bind('/rw', folder('rw'))(config)
    })
    const { pid } = await state(made.id)
    // As a container may do that has CAP_SYS_ADMIN, or below a directory of its own.
    const script = 'umount /ro && rmdir /ro && ln -s /rw /ro'
    await output('nsenter', ['--target', `${pid}`, '--mount', '--root', 'sh', '-c', script])
    expect(await must(['exec', made.id, 'readlink', '/ro'])).toBe('/rw\n')
    expect(await refused(made.id)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/not read-only|two mounts/),
    })
    await goesOn(made)
  })

  test('what a FIFO stands in the place of, in the image: nobody waits for its other end', async () => {
    const made = await counting()
    for (const name of ['descriptors.json', 'dump.log']) {
      mkdirSync(image(name))
      await output('mkfifo', [`${image(name)}/${name}`])
      expect(await davit(['checkpoint', '--image-path', image(name), made.id], LIMIT)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`"${name}" of the image is no regular file`),
      })
      await goesOn(made)
    }
    await checkpoint(made)
    for (const name of ['descriptors.json', 'restore.log']) {
      rmSync(`${image()}/${name}`, { force: true })
      await output('mkfifo', [`${image()}/${name}`])
      const line = ['restore', '--detach', '--bundle', made.path, '--image-path', image(), made.id]
      expect(await davit(line, LIMIT)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`"${name}" of the image is no regular file`),
      })
      expect(readdirSync(stateRoot())).toEqual([])
      rmSync(`${image()}/${name}`)
    }
  })

  test("criu's configuration that others may write", async () => {
    const path = `${scratch()}/criu.conf`
    writeFileSync(path, '')
    chmodSync(path, 0o666)
    const made = await counting((config) => {
      config.annotations = { 'org.criu.config': path }
    })
    expect(await refused(made.id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('must be a file that only root can write'),
    })
    chmodSync(path, 0o644)
    writeFileSync(path, 'log-file from-config.log\n')
    await checkpoint(made)
    expect(existsSync(`${image()}/from-config.log`)).toBe(true)
  })
})
