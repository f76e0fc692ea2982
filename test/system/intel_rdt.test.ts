/**
 * linux.intelRdt, on a directory that looks as resctrl does: no test machine has the hardware. What is made and set is
 * tested on the functions that do it, and the verbs on containers whose record names groups of such a directory.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { makeRdt, unmakeRdt } from '../../src/host/resctrl_group.ts'
import { readRdtStats } from '../../src/host/resctrl_stats.ts'
import { planIntelRdt } from '../../src/plan/intel_rdt.ts'
import type { RdtPlan, RdtRecord } from '../../src/plan/rdt_model.ts'
import type { Spec } from '../../src/spec/types.gen.ts'
import { bundle, type Config, createStart } from '../support/bundle.ts'
import { outputIn } from '../support/in_container.ts'
import { refused } from '../support/refusal.ts'
import { type Need, requires } from '../support/requires.ts'
import { type FakeResctrl, fakeResctrl } from '../support/resctrl.ts'
import { davit, must, stateRoot } from '../support/runtime.ts'
import { planContextOf } from '../unit/plan/base.ts'

const planOf = (root: string, intelRdt: NonNullable<Spec['linux']>['intelRdt']): RdtPlan => {
  const plan = planIntelRdt(
    planContextOf({ config: { linux: { intelRdt } }, facts: { resctrl: root }, request: { id: 'c' } }),
  )
  if (!plan) throw new Error('no plan')
  return plan
}

/** Makes the groups; the directories that were noted. */
function made(fake: FakeResctrl, plan: RdtPlan): string[] {
  const noted = new Set<string>()
  makeRdt(plan, noted, fake)
  return [...noted].map((path) => path.slice(fake.root.length))
}

describe('a class of service', () => {
  test('of the container’s own is made, and its schemata written in order', () => {
    const fake = fakeResctrl()
    const writes: string[] = []
    const plan = planOf(fake.root, {
      memBwSchema: 'MB:0=20;1=70',
      l3CacheSchema: 'L3:0=7f0;1=1f',
      schemata: ['L2:0=f', 'L3:0=3'],
    })
    expect(plan.schemata).toEqual(['L3:0=7f0;1=1f', 'MB:0=20;1=70', 'L2:0=f', 'L3:0=3'])
    expect(made(fake, { ...plan, schemata: plan.schemata.slice(0, 1) })).toEqual(['/c'])
    writes.push(fake.text('c/schemata'))
    expect(made(fake, plan)).toEqual([])
    writes.push(fake.text('c/schemata'))
    // A plain file keeps the last write only.
    expect(writes).toEqual(['L3:0=7f0;1=1f\n', 'L3:0=3\n'])
    expect(fake.text('schemata')).toContain('L3:0=7ff')
  })

  test('by name must say what is asked for, if it is there', () => {
    const fake = fakeResctrl()
    fake.make(`${fake.root}/gold`)
    const wanted = (l3CacheSchema: string) => planOf(fake.root, { closID: 'gold', l3CacheSchema })
    expect(made(fake, wanted('L3:1=07FF'))).toEqual([])
    writeFileSync(`${fake.root}/gold/schemata`, '    L3:0=7ff;1=7ff\n')
    expect(() => made(fake, wanted('L3:0=ff'))).toThrow('it exists with schemata other than "L3:0=ff"')
    expect(() => made(fake, wanted('L3:2=7ff'))).toThrow('it exists with schemata other than')
    expect(fake.text('gold/schemata')).toBe('    L3:0=7ff;1=7ff\n')
  })

  test('by name is made with schemata, and must be there without', () => {
    const fake = fakeResctrl()
    expect(() => made(fake, planOf(fake.root, { closID: 'gold' }))).toThrow('it does not exist, and no schema says')
    expect(existsSync(`${fake.root}/gold`)).toBe(false)
    expect(made(fake, planOf(fake.root, { closID: 'gold', schemata: ['MB:0=50'] }))).toEqual(['/gold'])
    expect(made(fake, planOf(fake.root, { closID: 'gold' }))).toEqual([])
    expect(fake.text('gold/schemata')).toBe('MB:0=50\n')
  })

  test('"/" is the root, whose schemata nobody touches', () => {
    const fake = fakeResctrl()
    expect(made(fake, planOf(fake.root, { closID: '/', enableMonitoring: true }))).toEqual(['/mon_groups/c'])
    expect(fake.text('schemata')).toContain('L3:0=7ff;1=7ff')
  })

  test('with monitoring has a group of the container’s own, or is an error', () => {
    const fake = fakeResctrl()
    const plan = planOf(fake.root, { enableMonitoring: true })
    expect(made(fake, plan)).toEqual(['/c', '/c/mon_groups/c'])
    expect(() => made(fake, plan)).toThrow('there is a monitoring group')
  })

  test('tells what the kernel says of a failure', () => {
    const fake = fakeResctrl()
    writeFileSync(`${fake.root}/info/last_cmd_status`, 'Mask out of range\n')
    fake.make(`${fake.root}/c`)
    rmSync(`${fake.root}/c/schemata`)
    mkdirSync(`${fake.root}/c/schemata`)
    expect(() => made(fake, planOf(fake.root, { schemata: ['L3:0=fffff'] }))).toThrow(
      /^open ".*schemata": is a directory \(Mask out of range\)$/,
    )
  })

  test('is taken back with what was made, unless others are in it', () => {
    const fake = fakeResctrl()
    const undo = (plan: RdtPlan, paths: readonly string[]) =>
      unmakeRdt(
        plan,
        paths.map((path) => fake.root + path),
        fake,
      )
    const own = planOf(fake.root, { enableMonitoring: true })
    undo(own, made(fake, own))
    expect(existsSync(`${fake.root}/c`)).toBe(false)
    const named = planOf(fake.root, { closID: 'gold', schemata: ['L3:0=3'], enableMonitoring: true })
    const paths = made(fake, named)
    writeFileSync(`${fake.root}/gold/tasks`, '1\n')
    undo(named, paths)
    expect([existsSync(`${fake.root}/gold`), existsSync(`${fake.root}/gold/mon_groups/c`)]).toEqual([true, false])
    writeFileSync(`${fake.root}/gold/tasks`, '')
    undo(named, paths)
    expect(existsSync(`${fake.root}/gold`)).toBe(false)
  })

  test('that another has made meanwhile is not ours to take back', () => {
    const fake = fakeResctrl()
    const noted = new Set<string>()
    const plan = planOf(fake.root, {})
    expect(() => makeRdt(plan, noted, { ...fake, make: () => false })).toThrow('was made by somebody else meanwhile')
    expect([...noted]).toEqual([])
  })

  test('has numbers', () => {
    const fake = fakeResctrl()
    fake.make(`${fake.root}/c`)
    writeFileSync(`${fake.root}/c/schemata`, '    L3:0=f;1=f0\n')
    const use = { llc_occupancy: 4096n }
    const traffic = { mbm_total_bytes: 18446744073709551615n, mbm_local_bytes: undefined }
    expect(readRdtStats({ root: fake.root, group: `${fake.root}/c`, remove: [] })).toEqual({
      l3_cache_info: { cbm_mask: '7ff', min_cbm_bits: 1n, num_closids: 16n },
      l3_cache_schema_root: 'L3:0=7ff;1=7ff',
      l3_cache_schema: 'L3:0=f;1=f0',
      mem_bw_info: { bandwidth_gran: 10n, delay_linear: 1n, min_bandwidth: 10n, num_closids: 8n },
      mem_bw_schema_root: 'MB:0=100;1=100',
      mem_bw_schema: undefined,
      mbm_stats: [traffic, traffic],
      cmt_stats: [use, use],
    })
    const nothing = readRdtStats({ root: '/nowhere', group: '/nowhere/c', remove: [] })
    expect(Object.values(nothing).every((value) => value === undefined)).toBe(true)
  })
})

const noResctrl: Need = {
  name: 'a machine without resctrl',
  optional: true,
  met: () => !readFileSync('/proc/self/mountinfo', 'utf8').includes(' - resctrl '),
}

describe.runIf(requires('root', noResctrl))('a machine without resctrl', () => {
  test.each<Config['linux']['intelRdt']>([{}, { closID: 'gold' }, { enableMonitoring: true }])(
    'refuses %o',
    async (rdt) => {
      const made = await bundle((config) => {
        if (rdt) config.linux.intelRdt = rdt
      })
      expect(await refused(made)).toContain(
        '/linux/intelRdt: intelRdt is specified in config, but Intel RDT is not supported or enabled: no resctrl is mounted',
      )
    },
  )
})

/** A running container whose record has groups of a directory that looks as resctrl does. */
async function running(change: (record: RdtRecord) => Partial<RdtRecord> = () => ({})) {
  const fake = fakeResctrl()
  const made = await bundle(['/bin/sleep', '100'])
  await createStart(made)
  fake.make(`${fake.root}/c`)
  const file = `${stateRoot()}/${made.id}/state.json`
  const intelRdt = { root: fake.root, group: `${fake.root}/c`, remove: [] }
  writeFileSync(
    file,
    JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), intelRdt: { ...intelRdt, ...change(intelRdt) } }),
  )
  return { fake, id: made.id }
}

describe.runIf(requires('root'))('a container with a class of service', () => {
  test('update writes the schemata, and needs no cgroups for that', async () => {
    const { fake, id } = await running()
    expect(await must(['update', '--l3-cache-schema', 'L3:0=f;1=f0', id])).toBe('')
    expect(fake.text('c/schemata')).toBe('L3:0=f;1=f0\n')
    await must(['update', '--mem-bw-schema', 'MB:0=20', '--pids-limit', '50', id])
    expect(fake.text('c/schemata')).toBe('MB:0=20\n')
  })

  test('update puts the schemata back when something else is refused', async () => {
    const { fake, id } = await running()
    const refusal = await davit(['update', '--l3-cache-schema', 'L3:0=f', '--cpuset-cpus', '9999', id])
    expect(refusal.code).toBe(1)
    expect(fake.text('c/schemata')).toBe('L3:0=7ff;1=7ff\n')
  })

  test.each([
    ['--l3-cache-schema', 'MB:0=1', 'expected a line that starts with "L3:"'],
    ['--mem-bw-schema', '0=1', 'expected a line that starts with "MB:"'],
    ['--l3-cache-schema', 'L3:0=1\nMB:0=1', 'expected a line'],
  ])('update %s=%j is refused', async (flag, value, message) => {
    const { fake, id } = await running()
    expect(await davit(['update', flag, value, id])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(message),
    })
    expect(fake.text('c/schemata')).toContain('7ff')
  })

  test('update of a container without one is refused', async () => {
    const made = await bundle(['/bin/sleep', '100'])
    await createStart(made)
    expect(await davit(['update', '--l3-cache-schema', 'L3:0=f', made.id])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot update: the container was created without linux.intelRdt'),
    })
  })

  test('exec joins its class and its monitoring group', async () => {
    const { fake, id } = await running(({ group }) => ({ monitor: `${group}/mon_groups/c` }))
    fake.make(`${fake.root}/c/mon_groups/c`)
    const pid = await outputIn(id, 'cat /proc/self/status | grep NSpid')
    expect(pid).toContain('NSpid')
    const written = fake.text('c/tasks')
    expect(Number(written)).toBeGreaterThan(1)
    expect(fake.text('c/mon_groups/c/tasks')).toBe(written)
  })

  test('exec does without a group that was removed', async () => {
    const { fake, id } = await running()
    fake.remove(`${fake.root}/c`)
    expect(await outputIn(id, 'echo in')).toBe('in\n')
  })

  test('events tell its numbers', async () => {
    const { id } = await running()
    const { data } = JSON.parse(await must(['events', '--stats', id]))
    expect(data.intel_rdt).toMatchObject({
      l3_cache_info: { cbm_mask: '7ff', min_cbm_bits: 1 },
      l3_cache_schema: 'L3:0=7ff;1=7ff',
      cmt_stats: [{ llc_occupancy: 4096 }, { llc_occupancy: 4096 }],
    })
  })

  test('delete removes what is the container’s own, and no more', async () => {
    const { fake, id } = await running(({ root }) => ({ remove: [`${root}/own`, `${root}/gone`] }))
    mkdirSync(`${fake.root}/own`)
    await must(['delete', '--force', id])
    expect([existsSync(`${fake.root}/own`), existsSync(`${fake.root}/c`)]).toEqual([false, true])
  })
})

test('features say so', async () => {
  const { linux } = JSON.parse(await must(['features']))
  expect(linux.intelRdt).toEqual({ enabled: true, schemata: true, monitoring: true })
})
