/** What the suite tells each of its workers of the runtime under test. */
import type { CgroupDriver } from './cgroup_driver.ts'

/** A runtime, and what it is judged with. */
export interface Setting {
  /** Where its executable is. */
  readonly runtime: string
  /** Who makes the cgroups. */
  readonly driver: CgroupDriver
  /** A folder for bundles and its state. */
  readonly folder: string
  /** The static program that containers are made of. */
  readonly busybox: string
  /** How often a race is run. */
  readonly turns: number
  /** How many containers come and go in the case about that. */
  readonly lifecycles: number
}
