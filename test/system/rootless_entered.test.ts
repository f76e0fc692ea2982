/**
 * davit as root of a user namespace that an ordinary user has entered: how rootless Podman and Buildah call it, and
 * people by unshare(1).
 */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bundle, type Config } from '../support/bundle.ts'
import { exec, type Result } from '../support/exec.ts'
import { mountAt, parseMountInfo } from '../support/kernel.ts'
import { type OrdinaryUser, ordinaryUser } from '../support/ordinary_user.ts'
import { command, requires } from '../support/requires.ts'
import { atEnd, scratch } from '../support/scratch.ts'

const shell = (script: string) => ['/bin/sh', '-c', script]

/** A bundle without a user namespace, as Podman writes them where it has entered one itself. */
async function entered(change: (config: Config, path: string) => void) {
  const made = await bundle((config) => {
    config.process.args = shell('id -u')
    config.linux.resources = {}
    for (const mount of config.mounts) mount.options = (mount.options ?? []).filter((option) => !/^gid=/.test(option))
  })
  made.configure((config) => change(config, made.path))
  const user = await ordinaryUser(scratch())
  atEnd(user.remove)
  await exec('chown', ['-R', '-h', `${user.uid}:${user.gid}`, made.rootfs])
  /** `unshare FLAGS davit ARGS` as the user; `outside` is run before, by root, in a mount namespace of its own. */
  const unshare = (flags: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, outside = ':') =>
    runUnshared(user, outside, [flags, user.runtime, ...args], env)
  const run = (flags = '-Urm', outside?: string) => unshare(flags, ['run', '--bundle', made.path, made.id], {}, outside)
  return { ...made, user, unshare, run }
}

function runUnshared(
  user: OrdinaryUser,
  outside: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Result> {
  const script = `${outside}; exec "$@"`
  const line = ['--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh', ...user.become, 'unshare', ...args]
  return exec('unshare', line, { cwd: user.home, env: { ...user.env, ...env } })
}

describe.runIf(requires('root', command('setpriv'), command('useradd'), command('unshare')))(
  'inside a user namespace that was entered',
  () => {
    it('runs a container where setgroups is denied, with and without a mount namespace of its own', async () => {
      const { run } = await entered((config) => {
        config.process.args = shell('id -u; cat /proc/self/setgroups; : >/dev/null; ls /dev/pts')
      })
      for (const flags of ['-Urm', '-Ur']) {
        expect(await run(flags)).toMatchObject({ code: 0, stderr: '', stdout: '0\ndeny\nptmx\n' })
      }
    })

    it('makes a user namespace within, with bind mounts', async () => {
      const { run } = await entered((config, path) => {
        mkdirSync(`${path}/data`)
        writeFileSync(`${path}/data/file`, 'inside')
        config.linux.namespaces.push({ type: 'user' })
        config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }]
        config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }]
        config.mounts.push({ destination: '/tmp', source: `${path}/data`, type: 'none', options: ['rbind', 'rw'] })
        config.process.args = shell('id -u; cat /tmp/file')
      })
      for (const flags of ['-Urm', '-Ur']) {
        expect(await run(flags), flags).toMatchObject({ code: 0, stderr: '', stdout: '0\ninside' })
      }
    })

    it('keeps its state below $XDG_RUNTIME_DIR, unless it is told that it is root', async () => {
      const { id, path, user, unshare } = await entered((config) => {
        config.process.args = ['/bin/sleep', '1000']
      })
      const output = `${path}/create.out`
      writeFileSync(output, '')
      const create = ['create', '--bundle', path, id]
      const line = ['-c', `exec "$@" >"$0" 2>&1`, output, ...user.become, 'unshare', '-Urm', user.runtime, ...create]
      expect((await exec('sh', line, { cwd: user.home, env: { ...user.env } })).code).toBe(0)
      expect(readdirSync(`${user.runtimeDir}/davit`)).toEqual([id])
      expect((await unshare('-Urm', ['list', '--quiet'])).stdout).toBe(`${id}\n`)
      expect((await unshare('-Urm', ['list', '--quiet'], { USER: 'root' })).stdout).toBe('')
      expect((await unshare('-Urm', ['delete', '--force', id])).code).toBe(0)
      expect(readdirSync(`${user.runtimeDir}/davit`)).toEqual([])
      const refused = await unshare('-Urm', ['run', '--bundle', path, id], { USER: 'root' })
      expect(refused.stderr).toMatch(/^davit: run failed: mkdir "\/run\/davit.*: permission denied\n$/)
      expect(existsSync(`/run/davit/${id}`)).toBe(false)
    })

    it('leaves a source read-only that is so, and does not lift other restrictions in silence', async () => {
      const source = `${scratch()}/locked`
      mkdirSync(source)
      const outside = `mount -t tmpfs -o ro,nosuid,nodev,noexec tmpfs ${source}`
      const { run, configure } = await entered((config) => {
        config.mounts.push({ destination: '/tmp', source, type: 'none', options: ['rbind', 'rw', 'nosuid', 'nodev'] })
        config.process.args = ['/bin/cat', '/proc/self/mountinfo']
      })
      const { stdout, stderr } = await run('-Urm', outside)
      expect(stderr).toBe('')
      const options = mountAt(parseMountInfo(stdout), '/tmp').options
      expect(options).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']))
      configure((config) => {
        config.mounts.at(-1)?.options?.push('exec')
      })
      expect((await run('-Urm', outside)).stderr).toMatch(/clear noexec: operation not permitted\n$/)
    })

    it('does not show the host’s processes in place of its own where procfs is refused', async () => {
      // KERNEL: a procfs with something mounted over it cannot be had without it by a user namespace.
      const outside = 'mount --bind /dev/null /proc/timer_list'
      const { run, configure } = await entered((config) => {
        config.process.args = shell('readlink /proc/self')
      })
      const refused = await run('-Urm', outside)
      expect([refused.code, refused.stdout]).toEqual([1, ''])
      expect(refused.stderr).toMatch(/mount "proc" on "\/proc", from \/mounts\/0: .*operation not permitted/)
      configure((config) => {
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      })
      const shown = await run('-Urm', outside)
      expect(shown.stderr).toBe('')
      expect(Number(shown.stdout)).toBeGreaterThan(1)
    })

    it('reads the rest of the bundle as the user', async () => {
      const { run, path, user } = await entered((config) => {
        config.process.args = ['/bin/true']
      })
      chmodSync(path, 0o700)
      const { stderr } = await run()
      expect(stderr).toMatch(/permission denied\n$/)
      chownSync(path, user.uid, user.gid)
      expect(await run()).toMatchObject({ code: 0, stderr: '' })
    })
  },
)
