/** What is left of a container on the host, and how the rest of it is taken away where the runtime did not. */
import { existsSync, rmdirSync, writeFileSync } from 'node:fs'
import type { Bundle } from './bundle.ts'
import { scopesNamed } from './cgroup_driver.ts'
import { cgroupsNamed, isAlive, mountsBelow, processesIn, within } from './host.ts'

/** In words: processes, cgroups, units and mounts, with a moment for what is just going. Nothing if all is gone. */
export function whatIsLeft({ id, path, rootfs }: Pick<Bundle, 'id' | 'path' | 'rootfs'>, systemd: boolean): string[] {
  within(() => !processesIn(rootfs).some(isAlive), 1000)
  const scopes = () => (systemd ? scopesNamed(id) : [])
  // systemd forgets a unit some time after it was stopped.
  if (systemd) within(() => scopes().length === 0, 1000)
  return [
    ...processesIn(rootfs)
      .filter(isAlive)
      .map((pid) => `process ${pid}`),
    ...cgroupsNamed(id).map((path) => `cgroup ${path}`),
    ...scopes().map((unit) => `unit ${unit}`),
    ...mountsBelow(path).map((line) => `mount ${line}`),
  ]
}

/** What is written to which file of a cgroup so that it goes on: of v1 and of v2. */
const THAWED = { 'freezer.state': 'THAWED', 'cgroup.freeze': '0' }

/** Lets a cgroup that is frozen go on: nothing in one of v1 can end. */
function thaw(cgroup: string): void {
  for (const [name, text] of Object.entries(THAWED)) {
    const file = `${cgroup}/${name}`
    if (existsSync(file)) writeFileSync(file, text)
  }
}

/** Ends a process, which may have ended by itself. */
export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has.
  }
}

/** Ends processes and removes cgroups, once they have ended; the next case is to find nothing of them. */
export function takeAway({ id, rootfs }: Pick<Bundle, 'id' | 'rootfs'>): void {
  for (const pid of processesIn(rootfs)) endProcess(pid)
  for (const path of cgroupsNamed(id)) thaw(path)
  within(() => !processesIn(rootfs).some(isAlive), 1000)
  removeCgroups(id)
}

/** Removes the cgroups of this name, of which all processes have ended. */
export function removeCgroups(name: string): void {
  // A process is in its cgroup for a moment after it is nowhere else.
  within(() => cgroupsNamed(name).filter((path) => !removed(path)).length === 0, 1000)
}

/** Whether a cgroup could be removed: not if somebody else is in it, and the case has failed anyway. */
function removed(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch {
    return false
  }
}
