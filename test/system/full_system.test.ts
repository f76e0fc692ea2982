/** An operating system as a container: systemd as process 1, from its first service to its last. */
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, startRun } from '../support/bundle.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { processCgroups } from '../support/kernel.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'
import { mountSystem } from '../support/system_rootfs.ts'
import { until } from '../support/wait.ts'

/** What LXC's containers have, but the right to switch the machine off: without it systemd ends with its own status. */
const CAPABILITIES = `AUDIT_WRITE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE
  LINUX_IMMUTABLE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_ADMIN
  SYS_CHROOT SYS_NICE SYS_PTRACE SYS_RESOURCE SYS_TTY_CONFIG`
  .split(/\s+/)
  .map((name) => `CAP_${name}`)

const OWNER = 100_000

/** Its first process is the system's own, told that it is in a container, with a cgroup of which it can make more. */
function asSystem(config: Config): void {
  const tmpfs = (destination: string, mode: string) => {
    config.mounts.push({ destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', `mode=${mode}`] })
  }
  config.process.args = ['/sbin/init']
  config.process.env.push('container=oci')
  config.process.noNewPrivileges = false
  config.process.capabilities = { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES }
  delete config.process.rlimits
  config.root.readonly = false
  tmpfs('/run', '755')
  tmpfs('/tmp', '1777')
  for (const mount of config.mounts)
    if (mount.type === 'cgroup') mount.options = mount.options?.filter((option) => option !== 'ro') ?? []
}

function inUserNamespace({ linux }: Config): void {
  linux.namespaces.push({ type: 'user' })
  linux.uidMappings = [{ containerID: 0, hostID: OWNER, size: 65536 }]
  linux.gidMappings = [{ containerID: 0, hostID: OWNER, size: 65536 }]
}

const cases: readonly (readonly [string, readonly string[], boolean])[] = [
  ['the cgroupfs driver', [], false],
  ['a user namespace and the systemd driver', ['--systemd-cgroup'], true],
]

describe.runIf(requires('root', 'systemd', 'cgroup2'))('systemd as process 1 of a container', () => {
  test.each(cases)(
    'with %s: all units come, none fails, all go',
    { timeout: patience(120_000) },
    async (_, global, user) => {
      const made = await bundle(
        (config) => {
          asSystem(config)
          if (user) inUserNamespace(config)
        },
        { bare: true },
      )
      await mountSystem(made.rootfs, user ? OWNER : 0)
      const running = startRun(made, { global, timeout: 120_000 })
      atEnd(async () => {
        await davit(['delete', '--force', made.id])
        await running.done
      })
      const systemctl = async (...args: readonly string[]) =>
        (await execIn(made.id, ['systemctl', ...args])).stdout.trim()
      const limit = 60_000
      await until(
        'its default target',
        async () => (await systemctl('is-active', 'default.target')) === 'active',
        limit,
      )
      await until('the end of all jobs', async () => (await systemctl('list-jobs', '--no-legend')) === '', limit)
      expect(await systemctl('--failed', '--no-legend', '--plain')).toBe('')
      expect(await systemctl('is-system-running')).toBe('running')
      expect(await systemctl('show', '--property=Virtualization', '--value')).toBe('container-other')
      await works(made)
      await must(['kill', made.id, 'RTMIN+3'])
      expect(await running.done).toMatchObject({ code: 0 })
      expect(cgroupsNamed(made.id)).toEqual([])
    },
  )
})

/** Services are started, limited and stopped by it, in cgroups below the container's own. */
async function works({ id }: Bundle): Promise<void> {
  const { pid } = await state(id)
  expect(processCgroups(pid)['']).toMatch(new RegExp(`${id}(\\.scope)?/init\\.scope$`))
  const service = ['--unit=inner', '--property=MemoryMax=64M', '--property=Delegate=yes', 'sleep', '1000']
  expect(await execIn(id, ['systemd-run', ...service])).toMatchObject({ code: 0 })
  const place = '/sys/fs/cgroup/system.slice/inner.service'
  expect(await outputIn(id, `cat ${place}/memory.max`)).toBe(`${64 << 20}\n`)
  expect(await execIn(id, ['systemctl', 'stop', 'inner'])).toMatchObject({ code: 0, stderr: '' })
  expect(await outputIn(id, `ls -d ${place} 2>/dev/null || echo gone`)).toBe('gone\n')
}
