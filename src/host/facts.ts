/** Gathers what the planners need to know of the machine. */
import { readBytes, readLink, readTextIf, statIf } from '../ffi/file.ts'
import { ARCH, sys } from '../ffi/native.ts'
import type { Facts } from '../plan/facts.ts'
import { callerNofile } from './caller.ts'
import { gatherCgroupFacts } from './cgroup/facts.ts'

/** Inode of the initial user namespace (PROC_USER_INIT_INO, include/linux/proc_ns.h). */
const INITIAL_USERNS = 'user:[4026531837]'

function kernelRelease(): readonly [number, number] {
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

/** One look at the machine; nothing here is written or kept open. */
export function gatherFacts(): Facts {
  const nofile = callerNofile()
  return {
    arch: ARCH,
    kernel: kernelRelease(),
    euid: sys('geteuid'),
    egid: sys('getegid'),
    // KERNEL: by identity, not by the id map: systemd can make an identity map in a namespace of its own.
    initialUserns: readLink('/proc/self/ns/user') === INITIAL_USERNS,
    lastCap: Number(readTextIf('/proc/sys/kernel/cap_last_cap') ?? 40),
    boundingCaps: statusField(readBytes('/proc/self/status').toString('latin1'), 'CapBnd') || '0',
    cgroup: gatherCgroupFacts(),
    ...(nofile ? { nofile } : {}),
    apparmor: readTextIf('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') ?? false,
    selinux: statIf('/sys/fs/selinux/enforce') !== undefined,
  }
}
