/** update on a machine with the controllers on cgroup v2. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Resources } from '../../src/spec/types.gen.ts'
import { type Bundle, bundle, createStart } from '../support/bundle.ts'
import { value } from '../support/cgroups.ts'
import { requires } from '../support/requires.ts'
import { davit, must } from '../support/runtime.ts'

const MB = 1 << 20

async function started(resources: Resources = {}): Promise<[Bundle, number]> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    Object.assign(config.linux.resources, resources)
  })
  return [made, (await createStart(made)).pid]
}

const send = (id: string, request: Resources) =>
  davit(['update', '--resources', '-', id], { stdin: JSON.stringify(request) })

/** The values of files, in order. */
const values = (pid: number, ...files: string[]) => files.map((file) => value(pid, '', file))

describe.runIf(requires('root', 'cgroup2'))('update on v2', () => {
  test('converts what flags and engines say', async () => {
    const [made, pid] = await started({ cpu: { shares: 512 } })
    await must([
      'update',
      '--memory',
      '64m',
      '--memory-swap',
      '96m',
      '--cpu-quota',
      '50000',
      '--pids-limit',
      '30',
      made.id,
    ])
    const files = ['memory.max', 'memory.swap.max', 'cpu.max', 'cpu.weight', 'pids.max']
    expect(values(pid, ...files)).toEqual([`${64 * MB}`, `${32 * MB}`, '50000 100000', '59', '30'])
    await must(['update', '--memory', '80m', '--cpu-period', '20000', made.id])
    expect(values(pid, ...files)).toEqual([`${80 * MB}`, `${16 * MB}`, '50000 20000', '59', '30'])
    await must(['update', '--cpu-idle', '1', made.id])
    expect(values(pid, 'cpu.idle', 'cpu.weight')).toEqual(['1', '1'])
    await must(['update', '--cpu-idle', '0', made.id])
    expect(values(pid, 'cpu.idle', 'cpu.weight')).toEqual(['0', '59'])
    const request = {
      memory: { limit: 134217728, reservation: 0, swap: 134217728, kernel: 0 },
      cpu: { shares: 0, quota: 100000, period: 100000, cpus: '0' },
      pids: { limit: 60 },
      blockIO: { weight: 0 },
    }
    expect(await send(made.id, request)).toMatchObject({ code: 0, stderr: '' })
    expect(values(pid, ...files)).toEqual(['134217728', '0', '100000 100000', '59', '60'])
    await must(['update', '--memory=-1', '--cpu-quota=-1', '--pids-limit=-1', made.id])
    expect(values(pid, ...files)).toEqual(['max', 'max', 'max 100000', '59', 'max'])
  })

  test('puts everything back when one value is refused', async () => {
    const [made, pid] = await started({ memory: { limit: 64 * MB }, cpu: { quota: 50000 }, pids: { limit: 40 } })
    const disk = readdirSync('/sys/block')
      .map((name) => readFileSync(`/sys/block/${name}/dev`, 'utf8').trim())
      .find((device) => !/^(7|1):/.test(device))
    const [major = 0, minor = 0] = (disk ?? '').split(':').map(Number)
    const files = ['memory.max', 'memory.swap.max', 'cpu.max', 'cpu.weight', 'pids.max', 'cpuset.cpus', 'io.max']
    const before = values(pid, ...files)
    const { code, stderr } = await send(made.id, {
      memory: { limit: 80 * MB, swap: 90 * MB },
      cpu: { quota: 7000, shares: 100, cpus: '0' },
      pids: { limit: 9 },
      blockIO: {
        throttleReadBpsDevice: [
          { major, minor, rate: 1_000_000 },
          { major: 4000, minor: 1, rate: 1 },
        ],
      },
    })
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/set io.max to 4000:1 rbps=1 in [^;]*: no such device\n$/),
    ])
    // A list of CPUs cannot be emptied again: the parent's means the same.
    const cpus = before[5] || value(pid, '', '../cpuset.cpus.effective')
    expect(values(pid, ...files)).toEqual(before.with(5, cpus))
  })

  test('refuses a limit below the usage only if asked to look, and writes files as the user names them', async () => {
    const [made, pid] = await started()
    const { code, stderr } = await send(made.id, {
      memory: { limit: 4096, checkBeforeUpdate: true },
      pids: { limit: 5 },
    })
    expect([code, stderr]).toEqual([1, expect.stringMatching(/rejecting memory limit 4096 <= usage \d+/)])
    expect(values(pid, 'memory.max', 'pids.max')).toEqual(['max', 'max'])
    expect(await send(made.id, { unified: { 'memory.high': `${50 * MB}` } })).toMatchObject({ code: 0 })
    expect(value(pid, '', 'memory.high')).toBe(`${50 * MB}`)
    const unknown = await send(made.id, { unified: { 'nope.high': '1' } })
    expect(unknown.stderr).toMatch(/\/unified\/nope.high: .*controller "nope" not available/)
  })
})
