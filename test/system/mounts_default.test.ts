/** The mounts of the default configuration, as the container itself sees them; runc's are the measure. */
import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, outputOf, run } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { type MountInfo, mountAt, parseMountInfo } from '../support/kernel.ts'
import { command, commandPath, requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'

const mountsOf = async (change?: (config: Config) => void) =>
  parseMountInfo(await outputOf('cat /proc/self/mountinfo', change))

/** What of a mount is the same in every container; a bind of a cgroup directory names the container. */
function comparable(mount: MountInfo, id: string): string {
  const { path, type, options, propagation } = mount
  const root = mount.root.replaceAll(id, 'ID')
  // How big, and with which inode limits, depends on the kernel; whether 64-bit inodes were chosen, on nothing.
  // runc's read-only sysfs is so in its superblock too; davit's in the mount alone, which is what a container meets.
  const data = type === 'sysfs' ? mount.data.filter((option) => option !== 'ro' && option !== 'rw') : mount.data
  const kept = data.filter((option) => !/^(size|nr_inodes|inode64)/.test(option))
  return `${path} ${root} ${type} ${options.join(',')} [${propagation.join(' ')}] ${kept.join(',')}`
}

/**
 * runc 1.1 and davit differ on purpose in the mounts that hide paths: davit covers masked directories by one shared
 * tmpfs that holds nothing, nosuid, nodev and noexec, where runc mounts a new one for each.
 */
const isMask = ({ path, type, source }: MountInfo) =>
  /^\/(proc|sys)\/./.test(path) && ((type === 'tmpfs' && source !== 'cgroup') || type === 'devtmpfs')

/** On a hybrid host davit shows the container its cgroup in the unified hierarchy too. */
const isUnified = ({ type }: MountInfo) => type === 'cgroup2'

describe.runIf(requires('root'))('the default mounts', () => {
  test('are there, each of its type and with its flags', async () => {
    const mounts = await mountsOf()
    const show = (path: string) => {
      const { type, options } = mountAt(mounts, path)
      return `${type} ${options.join(',')}`
    }
    expect(show('/proc')).toBe('proc relatime,rw')
    expect(show('/dev')).toBe('tmpfs nosuid,rw')
    expect(show('/dev/pts')).toBe('devpts noexec,nosuid,relatime,rw')
    expect(show('/dev/shm')).toBe('tmpfs nodev,noexec,nosuid,relatime,rw')
    expect(show('/dev/mqueue')).toBe('mqueue nodev,noexec,nosuid,relatime,rw')
    expect(show('/sys')).toBe('sysfs nodev,noexec,nosuid,relatime,ro')
    expect(show('/proc/sys')).toBe('proc relatime,ro')
    expect(mountAt(mounts, '/').options).toContain('ro')
    expect(mountAt(mounts, '/dev').data).toContain('size=65536k')
    expect(mountAt(mounts, '/dev/pts').data).toEqual(
      expect.arrayContaining(['gid=5', 'mode=620', 'ptmxmode=666', 'rw']),
    )
  })

  test('of kinds that are global are the container’s own', async () => {
    const script = 'ls /dev/pts /dev/shm /dev/mqueue; ls /proc | grep -c "^[0-9]"; ls /sys/class/net'
    expect(await outputOf(script)).toMatch(/^\/dev\/mqueue:\n\n\/dev\/pts:\nptmx\n\n\/dev\/shm:\n[1-4]\nlo\n$/)
  })

  test.runIf(requires('cgroup1'))('of cgroup v1 are one per hierarchy, read-only', async () => {
    const mounts = await mountsOf()
    const cgroups = mounts.filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
    expect(mountAt(mounts, '/sys/fs/cgroup')).toMatchObject({ type: 'tmpfs' })
    for (const { path, options } of [mountAt(mounts, '/sys/fs/cgroup'), ...cgroups]) {
      expect(options, path).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec', 'relatime']))
    }
    expect(cgroups.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/sys/fs/cgroup/memory', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/devices']),
    )
    // Each shows the container's own cgroup, not the host's.
    const made = await outputOf(
      'cat /sys/fs/cgroup/pids/cgroup.procs | wc -l; mkdir /sys/fs/cgroup/pids/x 2>&1 || true',
    )
    expect(made).toMatch(/^[1-3]\nmkdir: .*Read-only file system\n$/)
  })

  test.runIf(requires('cgroup2'))('of cgroup v2 is one, read-only', async () => {
    const mount = mountAt(await mountsOf(), '/sys/fs/cgroup')
    expect(mount.type).toBe('cgroup2')
    expect(mount.options).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec', 'relatime']))
  })

  test.runIf(requires(command('runc')))('are runc’s, but for the known differences', async () => {
    const made = await bundle((config) => {
      // Debian's runc is older than some of the spec; what it does not know would only be ignored.
      config.ociVersion = '1.0.2'
      config.process.args = ['/bin/cat', '/proc/self/mountinfo']
    })
    const ours = await run(made)
    const root = `${stateRoot()}-runc`
    const theirs = await exec(commandPath('runc') as string, ['--root', root, 'run', '--bundle', made.path, made.id])
    expect(theirs).toMatchObject({ code: 0, stderr: '' })
    const list = (text: string) =>
      parseMountInfo(text)
        .filter((mount) => !isMask(mount) && !isUnified(mount))
        .map((mount) => comparable(mount, made.id))
        .sort()
    expect(list(ours.stdout)).toEqual(list(theirs.stdout))
    const masked = (text: string) =>
      [
        ...new Set(
          parseMountInfo(text)
            .filter(isMask)
            .map(({ path }) => path),
        ),
      ].sort()
    expect(masked(ours.stdout)).toEqual(masked(theirs.stdout))
  })

  test('stay when the image has files in their place', async () => {
    const made = await bundle('ls /dev/shm; ls /dev')
    writeFileSync(`${made.rootfs}/dev/null`, 'not a device')
    const { code, stdout } = await run(made)
    expect(code).toBe(0)
    expect(stdout.split('\n')).toContain('null')
  })
})
