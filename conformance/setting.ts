/** What the suite tells each of its workers of the runtime under test. */
import { join } from 'node:path'
import { type CgroupDriver, SYSTEMD_CGROUP } from './cgroup_driver.ts'

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

/** Where the runtime keeps its state. */
export const rootOf = ({ folder }: Pick<Setting, 'folder'>) => join(folder, 'state')

/** Global flags of every command: where its state is, and who makes the cgroups. */
export const globalsOf = (setting: Pick<Setting, 'folder' | 'driver'>): readonly string[] => [
  '--root',
  rootOf(setting),
  ...(setting.driver === 'systemd' ? [SYSTEMD_CGROUP] : []),
]
