/** A cgroup that is the container's to divide: its owner, what it can do there, and what it cannot. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, containerOutput, createStart, run } from '../support/bundle.ts'
import { directoryOf } from '../support/cgroups.ts'
import { exec } from '../support/exec.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { requires } from '../support/requires.ts'
import { must } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const UID = 100000

/** With a user namespace and a cgroup file system that can be written to. */
async function delegated(script: string, change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sh', '-c', script]
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: UID, size: 65536 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: UID, size: 65536 }]
    const mount = config.mounts.find(({ type }) => type === 'cgroup')
    if (mount) mount.options = (mount.options ?? []).filter((option) => option !== 'ro')
    change(config)
  })
  await exec('chown', ['-R', '-h', `${UID}:${UID}`, made.rootfs])
  return made
}

/** Names in the container's cgroup that the user owns. */
function owned(pid: number, uid: number): string[] {
  const dir = directoryOf(pid, '')
  return ['.', ...readdirSync(dir)].filter((name) => statSync(`${dir}/${name}`).uid === uid).sort()
}

describe.runIf(requires('root', 'cgroup2'))('a cgroup with an owner', () => {
  test('belongs to the container’s user, with what the kernel says is for delegation', async () => {
    const made = await delegated('sleep 1000')
    const { pid } = await createStart(made)
    const listed = readFileSync('/sys/kernel/cgroup/delegate', 'utf8').trim().split('\n')
    const there = readdirSync(directoryOf(pid, ''))
    expect(owned(pid, UID)).toEqual(['.', ...listed.filter((name) => there.includes(name))].sort())
    expect(owned(pid, UID)).toContain('cgroup.procs')
    expect(owned(pid, UID)).not.toContain('memory.max')
  })

  test('is that of a user who is not root, too', async () => {
    const made = await delegated('sleep 1000', (config) => {
      config.process.user = { uid: 7, gid: 7 }
    })
    expect(owned((await createStart(made)).pid, UID + 7)).toContain('cgroup.subtree_control')
  })

  test.each<[string, (config: Config) => void]>([
    [
      'with a read-only mount',
      (config) => {
        for (const mount of config.mounts) if (mount.type === 'cgroup') mount.options = ['ro', 'nosuid']
      },
    ],
    [
      'without a cgroup namespace',
      ({ linux }) => {
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'cgroup')
      },
    ],
  ])('stays root’s %s', async (_, change) => {
    const { pid } = await createStart(await delegated('sleep 1000', change))
    expect(owned(pid, UID)).toEqual([])
  })

  test('can be divided by the container, its limits cannot be lifted, and all of it goes with it', async () => {
    const script = [
      'cd /sys/fs/cgroup',
      'mkdir inner && echo 1 >inner/cgroup.procs && echo +pids +memory >cgroup.subtree_control',
      'mkdir nested nested/deeper && echo 10 >nested/pids.max && cat nested/pids.max',
      '(echo max >memory.max) 2>/dev/null || echo refused',
      'echo 1 >nested/cgroup.freeze',
      'echo done; exec sleep 1000',
    ].join('; ')
    const made = await delegated(script, (config) => {
      config.linux.resources = { memory: { limit: 64 << 20 } }
    })
    const { pid } = await createStart(made)
    await until('done', () => containerOutput(made).includes('done'))
    expect(containerOutput(made)).toBe('10\nrefused\ndone\n')
    // Its own directory takes no process any more: exec goes where init is.
    expect(await must(['exec', made.id, 'cat', '/proc/self/cgroup'])).toBe('0::/inner\n')
    expect(JSON.parse(await must(['ps', '--format', 'json', made.id]))).toEqual([pid])
    await must(['pause', made.id])
    await must(['resume', made.id])
    await must(['update', '--memory', `${32 << 20}`, made.id])
    expect(readFileSync(`${directoryOf(pid, '')}/../memory.max`, 'utf8')).toBe(`${32 << 20}\n`)
    await must(['delete', '--force', made.id])
    expect(cgroupsNamed(made.id)).toEqual([])
  })

  test('without a user namespace as well, for a user who is not root', async () => {
    const made = await bundle((config) => {
      config.process.user = { uid: 1234, gid: 1234 }
      config.process.args = ['/bin/sh', '-c', 'mkdir /sys/fs/cgroup/mine && echo made']
      const mount = config.mounts.find(({ type }) => type === 'cgroup')
      if (mount) mount.options = (mount.options ?? []).filter((option) => option !== 'ro')
    })
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'made\n' })
  })
})
