/** Gathers what the planners of a process need to know of the machine. */
import { readBytes, readTextIf } from '../ffi/file.ts'
import { ARCH, sys } from '../ffi/native.ts'
import type { ProcessFacts } from '../plan/facts.ts'
import type { Process } from '../spec/types.gen.ts'
import { loadedProfiles } from './apparmor.ts'
import { callerNofile } from './caller.ts'
import { selinuxEnabled, unknownLabels } from './selinux.ts'
import { inInitialUserns, setgroupsAllowed } from './userns.ts'

/** [major, minor]. */
export function kernelRelease(): readonly [number, number] {
  const buffer = Buffer.alloc(65 * 6) // struct new_utsname
  sys('uname', buffer)
  const release = buffer.toString('latin1', 65 * 2, 65 * 3)
  const [major = '0', minor = '0'] = release.split('.')
  return [Number.parseInt(major, 10), Number.parseInt(minor, 10)]
}

/** The value of a "Name:\tvalue" line of /proc/PID/status. */
function statusField(status: string, name: string): string {
  const at = status.indexOf(`${name}:\t`) + name.length + 2
  return status.slice(at, status.indexOf('\n', at))
}

/** One look at the machine, at some parts only if `process` and the mounts need them; nothing is changed or kept open. */
export function gatherProcessFacts(process?: Process, mountLabel?: string): ProcessFacts {
  const unasked = process !== undefined && !process.apparmorProfile
  const apparmor = !unasked && (readTextIf('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') ?? false)
  const profiles = apparmor && process?.apparmorProfile ? loadedProfiles() : undefined
  const selinux = selinuxEnabled()
  const unknown = selinux ? unknownLabels([process?.selinuxLabel, mountLabel]) : []
  const nofile = callerNofile()
  const status = readBytes('/proc/self/status').toString('latin1')
  const effectiveCaps = statusField(status, 'CapEff') || '0'
  const initialUserns = inInitialUserns()
  return {
    arch: ARCH,
    kernel: kernelRelease(),
    euid: sys('geteuid'),
    egid: sys('getegid'),
    initialUserns,
    setgroups: initialUserns || setgroupsAllowed(),
    lastCap: Number(readTextIf('/proc/sys/kernel/cap_last_cap') ?? 40),
    boundingCaps: statusField(status, 'CapBnd') || '0',
    effectiveCaps,
    ...(nofile ? { nofile } : {}),
    apparmor,
    selinux,
    ...(profiles ? { profiles } : {}),
    ...(unknown.length > 0 ? { unknownLabels: unknown } : {}),
  }
}
