/** Containers in a user namespace, saved and restored: devices of the host, bind mounts, ids. */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, createStart } from '../support/bundle.ts'
import { COUNT, checkpoint, goesOn, LIMIT, lines, restore } from '../support/checkpoint.ts'
import { CRIU } from '../support/criu.ts'
import { exec } from '../support/exec.ts'
import { mountAt, processMounts } from '../support/kernel.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

/** A container that counts, whose root is 100000 outside. */
async function mapped(change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sh', '-c', COUNT]
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: 200000, size: 65536 }]
    change(config)
  })
  await exec('chown', ['-R', '-h', '100000:200000', made.rootfs])
  await createStart(made)
  // criu has the restored process open by itself the file that it is given.
  chmodSync(`${made.path}/output`, 0o666)
  await until('some output', () => lines(made).length > 3)
  return made
}

const inside = (id: string, script: string) => davit(['exec', id, 'sh', '-c', script], LIMIT)

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty']

describe.runIf(requires('root', CRIU))('a container in a user namespace', LIMIT, () => {
  test('goes on where it was, with the ids that it had', async () => {
    const made = await mapped()
    const maps = async () => {
      const { pid } = await state(made.id)
      return ['uid_map', 'gid_map'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8'))
    }
    const before = await maps()
    await checkpoint(made)
    await restore(made)
    expect(await maps()).toEqual(before)
    expect((await must(['exec', made.id, 'id', '-u'])).trim()).toBe('0')
    expect(statSync(`/proc/${(await state(made.id)).pid}`).uid).toBe(100000)
    await goesOn(made)
  })

  test("has the host's devices again, each in its place and as protected as before", async () => {
    const made = await mapped((config) => {
      // By the configuration, in the place of the default one.
      config.linux.devices = [{ path: '/dev/zero', type: 'c', major: 1, minor: 5 }]
    })
    const devices = async () => {
      const mounts = processMounts((await state(made.id)).pid)
      return DEVICES.map((name) => mountAt(mounts, `/dev/${name}`).options)
    }
    const look = `stat -c '%n %t:%T %a' ${DEVICES.map((name) => `/dev/${name}`).join(' ')}`
    const [before, numbers] = [await devices(), (await inside(made.id, look)).stdout]
    await checkpoint(made)
    await restore(made)
    expect(await devices()).toEqual(before)
    const { stdout } = await inside(made.id, `${look}; echo x >/dev/null; head -c 3 /dev/zero | wc -c`)
    expect(stdout).toBe(`${numbers}3\n`)
    await goesOn(made)
  })

  test('has its bind mounts and masked files, too', async () => {
    const folder = `${scratch()}/folder`
    mkdirSync(folder)
    writeFileSync(`${folder}/file`, 'content\n')
    const made = await mapped((config) => {
      config.mounts.push({ destination: '/data', source: folder, type: 'bind', options: ['bind', 'ro'] })
      config.linux.maskedPaths = ['/etc/passwd', '/proc/keys']
    })
    await checkpoint(made)
    await restore(made)
    const look = 'cat /data/file /etc/passwd /proc/keys; echo x >/data/file'
    expect(await inside(made.id, look)).toMatchObject({ code: 1, stdout: 'content\n' })
    expect(readFileSync(`${folder}/file`, 'utf8')).toBe('content\n')
    await goesOn(made)
  })
})
