/** Containers in a user namespace of their own. */
import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, createStart, run } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { mountAt, parseMountInfo } from '../support/kernel.ts'
import { requires } from '../support/requires.ts'

/** Adds a user namespace whose root is 100000 outside, and gives it the rootfs. */
async function mapped(change: (config: Config, path: string) => void): Promise<Bundle> {
  const made = await bundle()
  made.configure((config) => {
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: 200000, size: 65536 }]
    change(config, made.path)
  })
  await exec('chown', ['-R', '-h', '100000:200000', made.rootfs])
  return made
}

const shell = (script: string) => ['/bin/sh', '-c', script]

describe.runIf(requires('root'))('a container in a user namespace', () => {
  test('sees the ids that the maps say, and makes files with those outside', async () => {
    const made = await mapped((config) => {
      config.root.readonly = false
      config.process.user = { uid: 7, gid: 8, additionalGids: [9] }
      config.process.args = shell('id -u; id -g; id -G; touch /tmp/made; stat -c %u:%g / /tmp/made')
    })
    statSync(made.rootfs)
    await exec('chmod', ['1777', `${made.rootfs}/tmp`])
    const { stdout, stderr } = await run(made)
    expect(stderr).toBe('')
    expect(stdout).toBe('7\n8\n8 9\n0:0\n7:8\n')
    const file = statSync(`${made.rootfs}/tmp/made`)
    expect([file.uid, file.gid]).toEqual([100007, 200008])
  })

  test('can begin a tmpfs with files whose owner it does not know', async () => {
    const made = await mapped((config, path) => {
      mkdirSync(`${path}/rootfs/data`)
      for (const name of ['known', 'unknown']) writeFileSync(`${path}/rootfs/data/${name}`, name)
      config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 100 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 200000, size: 100 }]
      config.mounts.push({ destination: '/data', source: 'tmpfs', type: 'tmpfs', options: ['tmpcopyup'] })
      config.process.args = shell('cd /data && cat known unknown && stat -c %u:%g known unknown')
    })
    chownSync(`${made.rootfs}/data/known`, 100007, 200008)
    chownSync(`${made.rootfs}/data/unknown`, 7, 8)
    expect(await run(made)).toMatchObject({ code: 0, stderr: '', stdout: 'knownunknown7:8\n0:0\n' })
  })

  test('has maps of several ranges, in one piece', async () => {
    const made = await mapped((config) => {
      config.linux.uidMappings = [
        { containerID: 0, hostID: 100000, size: 10 },
        { containerID: 10, hostID: 150000, size: 5 },
        { containerID: 100, hostID: 160000, size: 1 },
      ]
      config.process.args = ['/bin/sleep', '1000']
    })
    const { pid } = await createStart(made)
    const lines = readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split('\n')
    expect(lines.map((line) => line.trim().split(/\s+/).map(Number))).toEqual([
      [0, 100000, 10],
      [10, 150000, 5],
      [100, 160000, 1],
    ])
    expect(readFileSync(`/proc/${pid}/gid_map`, 'utf8').trim().split(/\s+/)).toEqual(['0', '200000', '65536'])
    expect(statSync(`/proc/${pid}`).uid).toBe(100000)
  })

  test('has all the default mounts and bound devices, with the flags asked for', async () => {
    const made = await mapped((config) => {
      config.process.args = shell(
        'cat /proc/self/mountinfo; echo x >/dev/null; head -c1 /dev/zero | wc -c; ls /dev/pts',
      )
    })
    const { code, stdout, stderr } = await run(made)
    expect([code, stderr]).toEqual([0, ''])
    const mounts = parseMountInfo(stdout)
    expect(stdout).toMatch(/\n1\nptmx\n$/)
    expect(mountAt(mounts, '/proc').type).toBe('proc')
    expect(mountAt(mounts, '/sys')).toMatchObject({ type: 'sysfs' })
    expect(mountAt(mounts, '/sys').options).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']))
    expect(mountAt(mounts, '/dev/mqueue').type).toBe('mqueue')
    for (const name of ['null', 'zero', 'full', 'random', 'urandom', 'tty']) {
      const device = mountAt(mounts, `/dev/${name}`)
      expect(device.root, name).toBe(`/${name}`)
      expect(device.options, name).toEqual(expect.arrayContaining(['nosuid', 'noexec']))
    }
  })

  test('binds a directory that its root could not reach', async () => {
    const made = await mapped((config, path) => {
      mkdirSync(`${path}/secret/data`, { recursive: true, mode: 0o700 })
      writeFileSync(`${path}/secret/data/file`, 'inside')
      chownSync(`${path}/secret/data`, 100000, 200000)
      config.mounts.push({ destination: '/mnt', source: `${path}/secret/data`, type: 'none', options: ['bind', 'ro'] })
      config.process.args = shell('cat /mnt/file')
      config.root.readonly = false
    })
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'inside' })
  })

  test('can have every capability inside, and none outside', async () => {
    const made = await mapped((config) => {
      const all = ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_CHOWN']
      config.process.capabilities = { bounding: all, effective: all, permitted: all }
      config.process.args = shell(
        'grep -E "^Cap(Eff|Bnd)" /proc/self/status; mount -t tmpfs x /tmp && echo mounted; echo 1 >/proc/sys/vm/drop_caches',
      )
      config.linux.readonlyPaths = []
    })
    const { stdout, stderr } = await run(made)
    expect(stdout).toBe('CapEff:\t0000000000201001\nCapBnd:\t0000000000201001\nmounted\n')
    expect(stderr).toMatch(/drop_caches: Permission denied/)
  })

  test('is in a cgroup of its own', async () => {
    const made = await mapped((config) => {
      config.linux.resources = { ...config.linux.resources, pids: { limit: 17 } }
      config.process.args = ['/bin/sleep', '1000']
    })
    const { pid } = await createStart(made)
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(`/${made.id}\n`)
  })
})
