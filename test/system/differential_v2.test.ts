/** Cgroups of v2 alone under davit and runc, made by themselves and by systemd: differences are in docs/CONFORMANCE.md. */
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { hierarchies } from '../support/cgroups.ts'
import { bundleOf, contestants, differences, observe } from '../support/differential.ts'
import { CASES, RESOURCES, UNIFIED } from '../support/differential_cases.ts'
import { explanations } from '../support/differential_table.ts'
import { command, commandPath, type Need, requires } from '../support/requires.ts'

const PEER = 'runc v2'
const ROWS = explanations().filter(({ peers }) => peers.includes(PEER))

/** The release of Debian trixie, which test/vm has. */
const release: Need = {
  name: 'runc 1.1.15',
  optional: true,
  met: () => execFileSync(commandPath('runc') ?? 'false', ['--version'], { encoding: 'utf8' }).includes(' 1.1.15'),
}
const alone: Need = {
  name: 'cgroup v2 alone',
  optional: true,
  met: () => Object.keys(hierarchies()).join() === '',
}

const { default: plain = {}, 'no cgroup namespace': visible = {}, 'cgroups writable': writable = {} } = CASES
const cases = Object.entries({
  ...{ default: plain, 'no cgroup namespace': visible, 'cgroups writable': writable },
  ...RESOURCES,
  ...UNIFIED,
})

/** What else there is of a container is compared where v1 is, too. */
const ofCgroups = /^(start|exec refused|in cgroup|cgroup|(exec )?namespace cgroup|(mount|tree) \/sys\/fs\/cgroup)/

describe.runIf(requires('root', alone, command('runc')) && requires(release))('beside runc', () => {
  const needed = new Set<string>()
  let done = 0
  const drivers = ['cgroupfs', ...(requires('systemd') ? ['systemd'] : [])]

  for (const driver of drivers)
    test.each(cases)(`${driver}: %s`, async (name, one) => {
      const made = await bundleOf(one)
      const systemd = driver === 'systemd'
      if (systemd) made.config.linux.cgroupsPath = `system.slice:test:${made.id}`
      const [davit, other] = contestants('runc', systemd ? ['--systemd-cgroup'] : [])
      const found = differences(await observe(davit, one, made), await observe(other, one, made))
      const unexplained = found
        .filter(({ place }) => ofCgroups.test(place))
        .filter((difference) => {
          const why = ROWS.filter(({ explains }) => explains(`${driver}: ${name}`, difference))
          for (const { line } of why) needed.add(line)
          return why.length === 0
        })
      done++
      expect(unexplained).toEqual([])
    })

  test('every explanation is still needed', ({ skip }) => {
    skip(done < 2 * cases.length, 'not all bundles were compared')
    const always = ROWS.filter(({ race }) => !race)
    expect(always.map(({ line }) => line).filter((line) => !needed.has(line))).toEqual([])
  })
})
