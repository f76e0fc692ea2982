/** What `davit --systemd-cgroup plan` says of the unit. */
import { expect, test } from 'vitest'
import { planJson, planText } from '../../../src/cli/plan_text.ts'
import { planUnit } from '../../../src/plan/cgroup/unit.ts'
import { plan, UNIFIED } from '../plan/cgroup/helper.ts'

const unit = planUnit({
  id: 'c',
  resources: { memory: { limit: 2n ** 62n + 1n }, cpu: { cpus: '0,9', quota: -1 } },
  annotations: { 'org.systemd.property.TimeoutStopUSec': 'uint64 5' },
  systemd: { manager: 'system', version: 252, root: '' },
})
const cgroup = plan({}, UNIFIED, { unit, subgroup: 'sub' })
const whole = {
  plan: { parent: [], presets: [], stage: [], init: [], keepFds: 0, warnings: [] },
  ...{ cgroup, poststart: [], poststop: [] },
}

test('the unit, its properties with their places, and where its process goes on to', () => {
  const lines = planText(whole).split('\n')
  expect(
    lines.slice(
      0,
      lines.findIndex((line) => line.includes('enable')),
    ),
  ).toMatchInlineSnapshot(`
    [
      "cgroups:",
      "  start unit davit-c.scope by the machine's manager",
      "    property Description = "davit container c"",
      "    property Slice = "system.slice"",
      "    property Delegate = true",
      "    property MemoryAccounting = true, if it is known",
      "    property CPUAccounting = true, if it is known",
      "    property IOAccounting = true, if it is known",
      "    property TasksAccounting = true, if it is known",
      "    property DefaultDependencies = false",
      "    property CollectMode = "inactive-or-failed", if it is known",
      "    property MemoryMax = 4611686018427387905, if it is known  # /linux/resources/memory",
      "    property CPUQuotaPerSecUSec = infinity, if it is known  # /linux/resources/cpu",
      "    property AllowedCPUs = [1, 2], if it is known  # /linux/resources/cpu",
      "    property TimeoutStopUSec = 5  # /annotations/org.systemd.property.TimeoutStopUSec",
      "  mkdir /sys/fs/cgroup/system.slice/davit-c.scope/sub",
      "  move the process on to /sys/fs/cgroup/system.slice/davit-c.scope/sub",
    ]
  `)
})

test('as JSON, with all digits', () => {
  const { cgroup: shown } = JSON.parse(planJson(whole))
  expect(shown.unit).toMatchObject({ name: 'davit-c.scope', slice: 'system.slice', manager: 'system' })
  const value = (name: string) =>
    shown.unit.properties.find((each: { name: string }) => each.name === name)?.value.value
  expect([value('Delegate'), value('TimeoutStopUSec'), value('MemoryMax')]).toEqual([true, 5, '4611686018427387905'])
})
