/** Hundreds of mounts, with few files that may be open. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { processMounts } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { kernel, requires } from '../support/requires.ts'
import { state, stateRoot } from '../support/runtime.ts'

const COUNT = 500

const userns = ({ linux }: Config) => {
  linux.namespaces.push({ type: 'user' })
  linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }]
  linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }]
}

async function many(mount: (i: number) => object, change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle((config) => {
    config.root.readonly = false
    config.process.args = ['/bin/sleep', '1000']
    config.process.rlimits = []
    for (let i = 0; i < COUNT; i++) config.mounts.push({ destination: `/many/${i}`, ...mount(i) })
    change(config)
  })
  mkdirSync(`${made.path}/source`)
  writeFileSync(`${made.path}/source/file`, 'content')
  return made
}

/** Creates it with no more than 128 open files for any process of davit's; its mounts below /many. */
async function created(made: Bundle) {
  const line = `ulimit -n 128; exec "$@" >${made.path}/output 2>&1`
  const create = [RUNTIME, '--root', stateRoot(), 'create', '--bundle', made.path, made.id]
  const { code } = await exec('sh', ['-c', line, 'sh', ...create])
  expect([code, readFileSync(`${made.path}/output`, 'utf8')]).toEqual([0, ''])
  const { pid } = await state(made.id)
  expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/Max open files +128 +128 /)
  // The socket of start is all that is open beside the streams and what waits for exec.
  expect(readdirSync(`/proc/${pid}/fd`).length).toBeLessThan(16)
  return processMounts(pid).filter(({ path }) => path.startsWith('/many/'))
}

describe.runIf(requires('root', kernel('5.12')))(`${COUNT} mounts and 128 open files`, () => {
  const bind = { source: 'source', type: 'none', options: ['rbind', 'ro', 'rprivate'] }

  test.each([
    ['without a user namespace', () => {}],
    ['into a user namespace', userns],
  ])('are enough for bind mounts %s', async (_, change) => {
    const mounts = await created(await many(() => bind, change))
    expect(mounts).toHaveLength(COUNT)
    expect(mounts.every(({ options, root }) => options.includes('ro') && root.endsWith('/source'))).toBe(true)
  })

  test('are enough for idmapped ones of many kinds', async () => {
    const ids = (i: number) => [{ containerID: 0, hostID: 1000 + (i % 20), size: 1 }]
    const made = await many(
      (i) => ({
        ...(i % 2 ? { ...bind, options: ['bind', 'idmap'] } : { type: 'tmpfs', options: ['idmap', 'size=4k'] }),
        uidMappings: ids(i),
        gidMappings: ids(i),
      }),
      userns,
    )
    const mounts = await created(made)
    expect(mounts).toHaveLength(COUNT)
    expect(mounts.every(({ options }) => options.includes('idmapped'))).toBe(true)
  })

  test('are enough for file systems', async () => {
    const mounts = await created(await many(() => ({ type: 'tmpfs', source: 'tmpfs', options: ['size=4k', 'nosuid'] })))
    expect(mounts).toHaveLength(COUNT)
  })

  test('are enough for a thousand read-only tmpfs, and what lies in them and over them', async () => {
    const made = await many(
      () => ({ type: 'tmpfs', source: 'tmpfs', options: ['ro', 'size=4k'] }),
      (config) => {
        const add = (destination: string, ...options: string[]) =>
          config.mounts.push({ destination, type: 'tmpfs', source: 'tmpfs', options })
        for (let i = COUNT; i < 1000; i++) add(`/many/${i}`, 'ro')
        // In the first and the last of them, by the way of a link; the last but one is covered.
        add('/many/0/in')
        add('/last/in')
        add('/many/998')
        config.mounts.push({ destination: '/many/997/bound', source: 'source', type: 'none', options: ['bind'] })
      },
    )
    symlinkSync('many/999', `${made.rootfs}/last`)
    const mounts = await created(made)
    const at = (path: string) =>
      mounts.filter((mount) => mount.path === path).map(({ options }) => options.includes('ro'))
    expect(mounts).toHaveLength(1004)
    for (let i = 0; i < 1000; i++) expect([i, ...at(`/many/${i}`)]).toEqual(i === 998 ? [i, true, false] : [i, true])
    for (const path of ['/many/0/in', '/many/999/in', '/many/997/bound']) expect(at(path)).toEqual([false])
  })
})
