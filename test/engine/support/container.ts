/** The kernel's own view of a container: of its first process, by the number that this has on the engine's host. */
import { existsSync, readFileSync } from 'node:fs'
import { type MountInfo, parseMountInfo, parseStatus } from '../../support/kernel.ts'
import type { Host } from './host.ts'

/** The fields of its status. */
export const statusOf = (host: Host, pid: number): Record<string, string> =>
  parseStatus(host.read(`/proc/${pid}/status`))

/** Its mounts. */
export const mountsOf = (host: Host, pid: number): MountInfo[] => parseMountInfo(host.read(`/proc/${pid}/mountinfo`))

/** Its directory in the hierarchy of a v1 controller, or in v2 where that has it, as this process sees it; '': in v2. */
export function cgroupOf(host: Host, pid: number, controller: string): string {
  const groups = host.read(`/proc/${pid}/cgroup`).trim().split('\n')
  const of = (name: string) =>
    groups.map((line) => line.split(':')).find((parts) => parts[1]?.split(',').includes(name))
  const v1 = controller === '' ? undefined : of(controller)
  return v1 ? `/sys/fs/cgroup/${controller}${v1[2]}` : `/sys/fs/cgroup${of('')?.[2]}`
}

/** The text of the first of these files that its cgroup has: v1 and v2 name and write things differently. */
export function limitOf(host: Host, pid: number, controller: string, ...files: readonly string[]): string {
  const directory = cgroupOf(host, pid, controller)
  const found = files.map((file) => `${directory}/${file}`).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`${directory} has none of ${files.join(', ')}`)
  return readFileSync(found, 'utf8').trim()
}

/** Whether it is frozen, by the freezer of v1 or by that of v2: a runtime has the choice where there are both. */
export function isFrozen(host: Host, pid: number): boolean {
  const paths = host.read(`/proc/${pid}/cgroup`).trim().split('\n')
  const path = (name: string) => paths.map((line) => line.split(':')).find((parts) => parts[1] === name)?.[2]
  return [
    `/sys/fs/cgroup/freezer${path('freezer')}/freezer.state`,
    ...['', '/unified'].map((mount) => `/sys/fs/cgroup${mount}${path('')}/cgroup.freeze`),
  ].some((file) => existsSync(file) && /^(FROZEN|1)$/.test(readFileSync(file, 'utf8').trim()))
}
