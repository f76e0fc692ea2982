/** The option "remount": no new mount, other options for the one that is there. */
import { mkdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, run, tryCreate } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { type MountInfo, mountAt, parseMountInfo } from '../support/kernel.ts'
import { kernel, requires } from '../support/requires.ts'
import { atEnd } from '../support/scratch.ts'

type Mount = Config['mounts'][number]

/** The container's mounts with these after the default ones; `source` in the bundle has a tmpfs in it. */
async function mountsWith(...added: Mount[]): Promise<MountInfo[]> {
  const made = await bundle((config) => {
    config.root.readonly = false
    config.mounts.push(...added)
    config.process.args = ['/bin/cat', '/proc/self/mountinfo']
  })
  mkdirSync(`${made.path}/source/sub`, { recursive: true })
  await output('mount', ['-t', 'tmpfs', 'tmpfs', `${made.path}/source/sub`])
  atEnd(async () => void (await output('umount', ['-l', `${made.path}/source/sub`])))
  const { code, stdout, stderr } = await run(made)
  expect([code, stderr]).toEqual([0, ''])
  return parseMountInfo(stdout)
}

const tmpfs: Mount = { destination: '/m', type: 'tmpfs', source: 'tmpfs', options: ['size=1m', 'nodev'] }
const bound: Mount = { destination: '/m', source: 'source', options: ['rbind', 'nodev'] }
const again = (options: string[], destination = '/m'): Mount => ({ destination, options: ['remount', ...options] })

describe.runIf(requires('root', kernel('5.12')))('remount', () => {
  test('changes a mount and its file system, and what nobody mentions stays', async () => {
    const mounts = await mountsWith(tmpfs, again(['ro', 'nosuid', 'size=2m']), again(['rw', 'noatime']))
    expect(mounts.filter(({ path }) => path === '/m')).toHaveLength(1)
    const { options, data } = mountAt(mounts, '/m')
    expect(options).toEqual(['noatime', 'nodev', 'nosuid', 'rw'])
    expect(data).toEqual(expect.arrayContaining(['rw', 'size=2048k']))
  })

  test('with bind changes the mount alone, and of a tree only the uppermost', async () => {
    const mounts = await mountsWith(bound, again(['bind', 'ro', 'noexec', 'dev']))
    expect(mounts.filter(({ path }) => path === '/m')).toHaveLength(1)
    expect(mountAt(mounts, '/m').root).toMatch(/\/source$/)
    expect(mountAt(mounts, '/m').options).toEqual(['noexec', 'relatime', 'ro'])
    expect(mountAt(mounts, '/m').data).not.toContain('ro')
    expect(mountAt(mounts, '/m/sub').options).toEqual(['relatime', 'rw'])
  })

  test('has recursive options and propagation', async () => {
    const mounts = await mountsWith(bound, again(['bind', 'rro', 'rnosuid', 'rshared']))
    expect(mountAt(mounts, '/m').options).toEqual(['nodev', 'nosuid', 'relatime', 'ro'])
    expect(mountAt(mounts, '/m/sub').options).toEqual(['nosuid', 'relatime', 'ro'])
    for (const path of ['/m', '/m/sub']) expect(mountAt(mounts, path).propagation[0]).toMatch(/^shared:/)
  })

  test('changes the root, a procfs, and a /dev that devices are made in', async () => {
    const mounts = await mountsWith(
      again(['bind', 'nosuid', 'nodiratime'], '/'),
      again(['hidepid=2', 'noexec'], '/proc'),
      again(['ro', 'noexec'], '/dev'),
    )
    expect(mountAt(mounts, '/').options).toEqual(expect.arrayContaining(['nosuid', 'nodiratime', 'rw']))
    expect(mountAt(mounts, '/proc').options).toContain('noexec')
    expect(mountAt(mounts, '/proc').data.join()).toMatch(/hidepid=(2|invisible)/)
    expect(mountAt(mounts, '/dev').options).toEqual(['noexec', 'nosuid', 'ro'])
  })

  test('needs a mount, and nothing that only a new one can have', async () => {
    const refused = async (mount: Mount) =>
      (await tryCreate(await bundle((config) => config.mounts.push(mount)))).stderr
    expect(await refused(again(['ro'], '/etc'))).toMatch(/on \\*"\/etc\\*" .*from \/mounts\/7: it is not a mount point/)
    expect(await refused(again(['ro'], '/none'))).toMatch(/from \/mounts\/7: .*no such file or directory/)
    expect(await refused({ ...again(['tmpcopyup']), type: 'tmpfs' })).toMatch(
      /\/mounts\/7\/options: option \\*"remount\\*" does not go with \\*"tmpcopyup/,
    )
    expect(await refused(again(['bind', 'size=1m']))).toMatch(/bind mounts cannot have any filesystem-specific options/)
  })
})
