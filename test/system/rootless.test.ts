/** Containers of an ordinary user: a user namespace, no cgroups, no privilege anywhere. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { command, requires } from '../support/requires.ts'
import { userBundle, wholeMaps } from '../support/user_bundle.ts'

const shell = (script: string) => ['/bin/sh', '-c', script]
const words = (line: string | undefined) => line?.trim().split(/\s+/)

describe.runIf(requires('root', command('setpriv'), command('useradd')))('rootless', () => {
  it('runs what spec --rootless writes, as root of a user namespace of the one user', async () => {
    const { user, run, root } = await userBundle((config) => {
      config.process.args = shell('id -u; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; exit 7')
    })
    const result = await run()
    expect(result.stderr).toBe('')
    const [uid, uids, gids, setgroups] = result.stdout.trim().split('\n')
    expect(uid).toBe('0')
    expect(words(uids)).toEqual(['0', `${user.uid}`, '1'])
    expect(words(gids)).toEqual(['0', `${user.gid}`, '1'])
    expect(setgroups).toBe('deny')
    expect(result.code).toBe(7)
    expect(readdirSync(root)).toEqual([])
    // Sticky: what cleans up below $XDG_RUNTIME_DIR leaves it alone.
    expect(statSync(root).mode & 0o7777).toBe(0o1700)
  })

  it('creates, starts, tells of, kills and deletes; nothing of it can be traced before it runs', async () => {
    const { id, path, user, davit, root } = await userBundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
    })
    const create = ['create', '--bundle', path, '--pid-file', `${path}/pid`, id]
    expect((await davit(create, { output: `${path}/output` })).code).toBe(0)
    const pid = Number(readFileSync(`${path}/pid`, 'utf8'))
    // KERNEL: files of a process that is not dumpable belong to root; the user's own processes could trace it else.
    expect([statSync(`/proc/${pid}`).uid, statSync(`/proc/${pid}/environ`).uid]).toEqual([user.uid, 0])
    expect(await davit(['start', id])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(statSync(`/proc/${pid}/environ`).uid).toBe(user.uid)
    expect(JSON.parse((await davit(['state', id])).stdout)).toMatchObject({ status: 'running', pid })
    expect(JSON.parse((await davit(['list', '--format', 'json'])).stdout)).toMatchObject([{ id, owner: user.name }])
    expect((await davit(['kill', id, 'KILL'])).code).toBe(0)
    expect((await davit(['delete', '--force', id])).code).toBe(0)
    // Its parent, whoever that is now, may take a moment to reap it.
    if (existsSync(`/proc/${pid}`)) expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) [ZX] /)
    expect(readdirSync(root)).toEqual([])
  })

  it('sets the clocks of a time namespace', async () => {
    const { run } = await userBundle((config) => {
      config.linux.namespaces.push({ type: 'time' })
      config.linux.timeOffsets = { monotonic: { secs: 5, nanosecs: 6 }, boottime: { secs: 7 } }
      config.process.args = shell('cat /proc/self/timens_offsets')
    })
    const { stdout, stderr } = await run()
    expect(stderr).toBe('')
    expect(stdout.trim().split('\n').map(words)).toEqual([
      ['monotonic', '5', '6'],
      ['boottime', '7', '0'],
    ])
  })

  it('maps the ids that the user was granted, by newuidmap and newgidmap', async () => {
    const { user, run } = await userBundle((config, owner) => {
      wholeMaps(config, owner)
      config.process.user = { uid: 5, gid: 6, additionalGids: [7] }
      config.process.args = shell('id; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups')
    })
    const { stdout, stderr, code } = await run()
    expect([code, stderr]).toEqual([0, ''])
    const lines = stdout.trim().split('\n')
    expect(lines[0]).toBe('uid=5 gid=6 groups=7')
    expect(lines.slice(1, 5).map(words)).toEqual([
      ['0', `${user.uid}`, '1'],
      ['1', `${user.uids.start}`, `${user.uids.count}`],
      ['0', `${user.gid}`, '1'],
      ['1', `${user.gids.start}`, `${user.gids.count}`],
    ])
    expect(lines[5]).toBe('allow')
  })

  it('needs the helper only for the map that is not the user’s own', async () => {
    const { user, run } = await userBundle((config, owner) => {
      wholeMaps(config, owner)
      config.linux.uidMappings = [{ containerID: 0, hostID: owner.uid, size: 1 }]
      config.process.args = shell('cat /proc/self/uid_map /proc/self/gid_map')
    })
    const { stdout, stderr } = await run()
    expect(stderr).toBe('')
    const lines = stdout.trim().split('\n')
    expect(lines.map(words).map((fields) => fields?.[1])).toEqual([`${user.uid}`, `${user.gid}`, `${user.gids.start}`])
  })

  it('says what newuidmap has against ids that were not granted, and leaves nothing', async () => {
    const { run, root } = await userBundle((config, owner) => {
      wholeMaps(config, owner)
      config.linux.uidMappings = [{ containerID: 0, hostID: owner.uids.start + owner.uids.count - 1, size: 2 }]
      config.process.args = ['/bin/true']
    })
    const { code, stderr } = await run()
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^davit: run failed: write uid_map, from \/linux\/uidMappings: newuidmap: exit status 1, output: newuidmap: .*not allowed\n$/,
    )
    expect(readdirSync(root)).toEqual([])
  })

  it('gives a new time namespace its offsets', async () => {
    const { run } = await userBundle((config) => {
      config.linux.namespaces.push({ type: 'time' })
      config.linux.timeOffsets = { monotonic: { secs: 5000 } }
      config.process.args = ['/bin/cat', '/proc/self/timens_offsets']
    })
    const { stdout, stderr } = await run()
    expect(stderr).toBe('')
    expect(words(stdout.split('\n')[0])).toEqual(['monotonic', '5000', '0'])
  })

  it('refuses limits that it cannot set, and leaves nothing', async () => {
    const { run, root } = await userBundle((config) => {
      config.linux.resources = { pids: { limit: 10 } }
      config.process.args = ['/bin/true']
    })
    const result = await run()
    expect(result.code).toBe(1)
    expect(result.stderr).toMatch(/cgroup/)
    expect(result.stderr.trim().split('\n')).toHaveLength(1)
    expect(readdirSync(root)).toEqual([])
  })
})
