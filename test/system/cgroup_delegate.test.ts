/** crun's annotations for cgroups below the container's own: run.oci.delegate-cgroup and run.oci.systemd.subgroup. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, createStart, run } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { processCgroups } from '../support/kernel.ts'
import { requires } from '../support/requires.ts'
import { davit, must, untilStatus } from '../support/runtime.ts'

const UID = 100000
const DELEGATE = 'run.oci.delegate-cgroup'
const SUBGROUP = 'run.oci.systemd.subgroup'
const ROOT = '/sys/fs/cgroup'

/** Sleeps, with a limit and a cgroup file system that can be written to. */
async function sleeper(annotations: Record<string, string>, change: (config: Config) => void = () => {}) {
  const made = await bundle((config) => {
    config.annotations = annotations
    config.process.args = ['/bin/sleep', '1000']
    config.linux.resources.pids = { limit: 60 }
    const mount = config.mounts.find(({ type }) => type === 'cgroup')
    if (mount) mount.options = (mount.options ?? []).filter((option) => option !== 'ro')
    change(config)
  })
  await exec('chown', ['-R', '-h', `${UID}:${UID}`, made.rootfs])
  return made
}

const inUserns = ({ linux }: Config) => {
  linux.namespaces.push({ type: 'user' })
  linux.uidMappings = [{ containerID: 0, hostID: UID, size: 65536 }]
  linux.gidMappings = [{ containerID: 0, hostID: UID, size: 65536 }]
}

const text = (dir: string, file: string) => readFileSync(`${dir}/${file}`, 'utf8').trim()

/** The limits hold outside, the container rules inside; all verbs reach what it makes there. */
async function checkDelegated(made: Bundle, pid: number, global: readonly string[] = []): Promise<void> {
  const inner = `${ROOT}${processCgroups(pid)['']}`
  const outer = inner.replace(/\/own$/, '')
  expect(inner).toMatch(/\/own$/)
  expect([text(outer, 'pids.max'), text(inner, 'pids.max')]).toEqual(['60', 'max'])
  expect(text(outer, 'cgroup.procs')).toBe('')
  expect(text(inner, 'cgroup.controllers').split(' ')).toEqual(expect.arrayContaining(['memory', 'pids']))
  expect([statSync(outer).uid, statSync(inner).uid]).toEqual([0, UID])
  expect(await outputIn(made.id, ['cat', '/proc/self/cgroup'])).toBe('0::/\n')
  // The payload divides what it has, and cannot take more.
  const script =
    'cd /sys/fs/cgroup && mkdir a b && echo $$ >a/cgroup.procs && for p in $(cat cgroup.procs); do echo $p >a/cgroup.procs; done; echo +pids >cgroup.subtree_control && echo 5 >b/pids.max && cat b/pids.max'
  expect(await outputIn(made.id, script)).toBe('5\n')
  expect((await execIn(made.id, 'echo max >/sys/fs/cgroup/../pids.max')).code).not.toBe(0)
  expect(text(outer, 'pids.max')).toBe('60')
  // Where its first process has gone exec follows, as the cgroup it was put into takes none any more.
  expect(await outputIn(made.id, ['cat', '/proc/self/cgroup'])).toBe('0::/a\n')
  await must([...global, 'update', '--pids-limit', '70', made.id])
  expect([text(outer, 'pids.max'), text(inner, 'pids.max')]).toEqual(['70', 'max'])
  await must(['pause', made.id])
  expect(text(`${inner}/a`, 'cgroup.events')).toContain('frozen 1')
  await must(['resume', made.id])
  await must(['kill', '--all', made.id, 'KILL'])
  await untilStatus(made.id, 'stopped')
  await must(['delete', made.id])
  expect(existsSync(outer)).toBe(false)
}

describe.runIf(requires('root', 'cgroup2'))(DELEGATE, () => {
  test('puts the container below its limits, where all is its own', async () => {
    const made = await sleeper({ [DELEGATE]: 'own' }, inUserns)
    await checkDelegated(made, (await createStart(made)).pid)
  })

  test('without a cgroup namespace and a user namespace is where it was put, and what it sees', async () => {
    const made = await sleeper({ [DELEGATE]: 'own' }, ({ linux, process }) => {
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'cgroup')
      process.args = ['/bin/sh', '-c', 'cat /sys/fs/cgroup/cgroup.procs; cat /proc/self/cgroup']
    })
    const { stdout } = await run(made)
    expect(stdout).toMatch(/^1\n(\d+\n)*0::\/.*\/own\n$/)
  })
})

describe.runIf(requires('root', 'systemd', 'cgroup2'))('with systemd', () => {
  const SYSTEMD = { global: ['--systemd-cgroup'] }

  test('a subgroup of the scope has the limits and the process', async () => {
    const made = await sleeper({ [SUBGROUP]: 'container' })
    const { pid } = await createStart(made, SYSTEMD)
    const scope = `/system.slice/davit-${made.id}.scope`
    expect(processCgroups(pid)['']).toBe(`${scope}/container`)
    expect([text(`${ROOT}${scope}/container`, 'pids.max'), text(`${ROOT}${scope}`, 'cgroup.procs')]).toEqual(['60', ''])
    expect(await outputIn(made.id, ['cat', '/proc/self/cgroup'])).toBe('0::/\n')
    await must(['--systemd-cgroup', 'update', '--pids-limit', '70', made.id])
    expect(text(`${ROOT}${scope}/container`, 'pids.max')).toBe('70')
    await must(['delete', '--force', made.id])
    expect(existsSync(`${ROOT}${scope}`)).toBe(false)
  })

  test('both: the delegated one is below the subgroup', async () => {
    const made = await sleeper({ [SUBGROUP]: 'container', [DELEGATE]: 'own' }, inUserns)
    const { pid } = await createStart(made, SYSTEMD)
    expect(processCgroups(pid)['']).toBe(`/system.slice/davit-${made.id}.scope/container/own`)
    await checkDelegated(made, pid, SYSTEMD.global)
  })
})

describe.runIf(requires('root', 'cgroup1'))('where cgroup v1 is mounted', () => {
  test('no cgroup is delegated', async () => {
    const { code, stderr } = await run(await sleeper({ [DELEGATE]: 'own' }))
    expect([code, stderr]).toEqual([
      1,
      'davit: run failed: /annotations/run.oci.delegate-cgroup: a cgroup can be delegated with cgroup v2 alone, and v1 is mounted here\n',
    ])
  })

  test('a subgroup is for systemd, and no matter without', async () => {
    const made = await sleeper({ [SUBGROUP]: 'container' })
    const { pid } = await createStart(made)
    expect(Object.values(processCgroups(pid)).some((path) => path.endsWith('/container'))).toBe(false)
    await must(['delete', '--force', made.id])
  })

  test('a name that is none is told with its place', async () => {
    const made = await sleeper({ [DELEGATE]: '../x' })
    expect((await davit(['validate', '--bundle', made.path])).stdout).toContain(
      'expected the name of a cgroup, got "../x"',
    )
  })
})
