/**
 * What a test needs of the machine. `describe.runIf(requires('root', kernel('5.12')))` skips with its reason printed;
 * with MUST_RUN=1 in the environment the skip is a failure, so that CI cannot quietly stop testing something.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'

/** A need with a name of its own. `optional`: not a failure under MUST_RUN, as no machine can have everything. */
export interface Need {
  readonly name: string
  readonly met: () => boolean
  readonly optional?: boolean
}

/** The kernel is at least this version. */
export function kernel(version: string): Need {
  const number = (text: string) => {
    const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(text) ?? []
    return Number(major) * 1000 + Number(minor)
  }
  return { name: `Linux ${version}`, met: () => number(release()) >= number(version) }
}

/** Absolute path of a program in PATH or in the folders of the administrator's programs. */
export function commandPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => `${folder}/${name}`)
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** The program is installed. */
export function command(name: string): Need {
  return { name: `the program ${name}`, met: () => commandPath(name) !== undefined }
}

const controllers = () => (existsSync('/proc/self/cgroup') ? readFileSync('/proc/self/cgroup', 'utf8') : '')

const starts = (path: string, text: string) => existsSync(path) && readFileSync(path, 'utf8').startsWith(text)

/** Whether the kernel's security modules are in force. */
export const LSM = {
  apparmor: () => starts('/sys/module/apparmor/parameters/enabled', 'Y'),
  selinux: () => existsSync('/sys/fs/selinux/enforce'),
} as const

const NEEDS: Readonly<Record<'root' | 'cgroup1' | 'cgroup2' | 'systemd' | 'apparmor' | 'selinux', Need>> = {
  root: { name: 'root', met: () => process.geteuid?.() === 0 },
  // A machine has the controllers on v1 or on v2, so neither can be demanded of every machine.
  cgroup1: { name: 'cgroup v1 controllers', optional: true, met: () => /^\d+:[^:]*memory[^:]*:/m.test(controllers()) },
  cgroup2: {
    name: 'cgroup v2 controllers',
    optional: true,
    met: () => existsSync('/sys/fs/cgroup/cgroup.controllers'),
  },
  // A virtual machine of test/vm has it.
  systemd: { name: 'systemd', optional: true, met: () => existsSync('/run/systemd/system') },
  // A kernel has the one or the other, or neither.
  apparmor: { name: 'AppArmor', optional: true, met: LSM.apparmor },
  selinux: { name: 'SELinux', optional: true, met: LSM.selinux },
}

/** A need, or the name of one of these. */
export type AnyNeed = keyof typeof NEEDS | Need

/** Whether all needs are met. */
export function requires(...needs: readonly AnyNeed[]): boolean {
  const missing = needs.map((need) => (typeof need === 'string' ? NEEDS[need] : need)).filter((need) => !need.met())
  if (missing.length === 0) return true
  const reason = `needs ${missing.map((need) => need.name).join(', ')}`
  if (process.env.MUST_RUN === '1' && missing.some((need) => !need.optional))
    throw new Error(`MUST_RUN=1, but ${reason}`)
  console.warn(`skipped: ${reason}`)
  return false
}
