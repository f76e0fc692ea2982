/** Gathers what the cgroup planners need to know of the machine. */
import { readText, readTextIf } from '../../ffi/file.ts'
import type { CgroupFacts } from '../../plan/facts.ts'
import { cgroupFacts, parseCgroupMounts, parseOwnCgroups } from './parse.ts'

/** Reads /proc/self/mountinfo and /proc/self/cgroup; a kernel without cgroups has the mode "none". */
export function gatherCgroupFacts(): CgroupFacts {
  const mounts = parseCgroupMounts(readText('/proc/self/mountinfo'))
  if (mounts.length === 0) return { mode: 'none', v1: [] }
  const own = parseOwnCgroups(readTextIf('/proc/self/cgroup') ?? '')
  return cgroupFacts(mounts, own, (mount) => {
    const text = readTextIf(`${mount}/cgroup.controllers`)?.trim()
    return text === '' ? [] : text?.split(' ')
  })
}
