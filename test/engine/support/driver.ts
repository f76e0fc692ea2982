/**
 * Who makes the cgroups of the engines' containers: the runtime, or systemd. On a machine that is the tests' own (ALONE)
 * and has systemd it is systemd, and the engines are on the machine itself, where systemd is; CGROUP_DRIVER says otherwise.
 */
import { existsSync } from 'node:fs'
import { ALONE } from '../../support/pace.ts'
import type { Need } from '../../support/requires.ts'

export type Driver = 'cgroupfs' | 'systemd'

function driver(): Driver {
  const { CGROUP_DRIVER: said } = process.env
  if (said === 'cgroupfs') return said
  const possible = ALONE && existsSync('/run/systemd/system')
  if (said !== undefined && (said !== 'systemd' || !possible))
    throw new Error(`CGROUP_DRIVER=${said}: cgroupfs, or systemd where that runs and the machine is the tests' own`)
  return possible ? 'systemd' : 'cgroupfs'
}

export const DRIVER: Driver = driver()

/** What only a virtual machine of test/vm has. */
export const SYSTEMD_DRIVER: Need = {
  name: "systemd on a machine of the tests' own",
  optional: true,
  met: () => DRIVER === 'systemd',
}
