/** Who makes the cgroups of containers: the runtime, or systemd for it, which it is told by --systemd-cgroup. */
import { spawnSync } from 'node:child_process'
import { HostCannot } from './suite.ts'

export type CgroupDriver = 'cgroupfs' | 'systemd'

/** The global flag of runtimes. */
export const SYSTEMD_CGROUP = '--systemd-cgroup'

/** A cgroupsPath in the form of the driver; the cgroup is called `name`, or `conf-NAME.scope`. */
export function cgroupsPath(driver: CgroupDriver, name: string): string {
  return driver === 'systemd' ? `system.slice:conf:${name}` : `/${name}`
}

/** Nothing is said of the runtime where a case is about cgroups that are named by their path. */
export function needPaths(driver: CgroupDriver): void {
  if (driver === 'systemd') throw new HostCannot('systemd names cgroups by their unit, not by a path')
}

/** Scopes of this name that systemd has, whatever their prefix and their state. */
export function scopesNamed(name: string): string[] {
  const argv = ['list-units', '--all', '--plain', '--no-legend', `*-${name}.scope`]
  const { status, stdout, stderr } = spawnSync('systemctl', argv, { encoding: 'utf8' })
  if (status !== 0) throw new HostCannot(`systemctl ${argv.join(' ')}: ${stderr.trim()}`)
  return stdout.split('\n').flatMap((line) => /^\S+\.scope/.exec(line) ?? [])
}
