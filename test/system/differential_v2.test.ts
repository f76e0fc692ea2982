/** Cgroups of v2 alone under davit, runc and crun, made by them and by systemd: docs/CONFORMANCE.md has the differences. */
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { hierarchies } from '../support/cgroups.ts'
import { bundleOf, contestants, differences, observe } from '../support/differential.ts'
import { CASES, RESOURCES, UNIFIED } from '../support/differential_cases.ts'
import { explanations } from '../support/differential_table.ts'
import { command, commandPath, type Need, requires } from '../support/requires.ts'

/** Those of Debian trixie, which test/vm has. */
const PEERS = { runc: '1.1.15', crun: '1.21' } as const

const isThere = (peer: keyof typeof PEERS): Need => ({
  name: `${peer} ${PEERS[peer]}`,
  optional: true,
  met: () =>
    execFileSync(commandPath(peer) ?? 'false', ['--version'], { encoding: 'utf8' })
      .split('\n')[0]
      ?.includes(` ${PEERS[peer]}`) === true,
})
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

describe.each(['runc', 'crun'] as const)('beside %s', (peer) => {
  const rows = explanations().filter(({ peers }) => peers.includes(`${peer} v2`))
  const needed = new Set<string>()
  let done = 0
  const there = requires('root', alone, command(peer)) && requires(isThere(peer))
  const drivers = ['cgroupfs', ...(there && requires('systemd') ? ['systemd'] : [])]

  for (const driver of drivers)
    test.runIf(there).each(cases)(`${driver}: %s`, async (name, one) => {
      const made = await bundleOf(one)
      const systemd = driver === 'systemd'
      if (systemd) made.config.linux.cgroupsPath = `system.slice:test:${made.id}`
      const [davit, other] = contestants(peer, systemd ? ['--systemd-cgroup'] : [])
      const found = differences(await observe(davit, one, made), await observe(other, one, made))
      const unexplained = found
        .filter(({ place }) => ofCgroups.test(place))
        .filter((difference) => {
          const why = rows.filter(({ explains }) => explains(`${driver}: ${name}`, difference))
          for (const { line } of why) needed.add(line)
          return why.length === 0
        })
      done++
      expect(unexplained).toEqual([])
    })

  test('every explanation is still needed', ({ skip }) => {
    skip(done < 2 * cases.length, 'not all bundles were compared')
    const always = rows.filter(({ race }) => !race)
    expect(always.map(({ line }) => line).filter((line) => !needed.has(line))).toEqual([])
  })
})
