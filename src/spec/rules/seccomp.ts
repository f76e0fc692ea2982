/** Rules on linux.seccomp. */
import type { Seccomp } from '../types.gen.ts'
import type { Report, Rule } from './rule.ts'

/** Actions that carry an errno, with the highest number the kernel passes on (seccomp(2): SECCOMP_RET_DATA). */
const ERRNO_ACTIONS: Readonly<Record<string, number>> = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 65535 }

/** SPEC: an errno with an action that has none is an error. */
function checkErrno(action: string, errno: number | undefined, place: string, report: Report): void {
  if (errno === undefined) return
  const max = ERRNO_ACTIONS[action]
  if (max === undefined) report(place, `${action} does not support an errno`)
  else if (errno > max) report(place, `expected an integer from 0 to ${max}, got ${errno}`)
}

const actions: Rule = {
  name: 'seccomp actions',
  clause: 'config-linux.md#seccomp',
  severity: 'problem',
  reads: ['/linux/seccomp'],
  check({ linux }, report) {
    const seccomp = linux?.seccomp
    if (seccomp === undefined) return
    checkErrno(seccomp.defaultAction, seccomp.defaultErrnoRet, '/linux/seccomp/defaultErrnoRet', report)
    const { syscalls = [] } = seccomp
    for (let index = 0; index < syscalls.length; index++) {
      const rule = syscalls[index]
      if (rule === undefined) continue
      const place = `/linux/seccomp/syscalls/${index}`
      if (rule.errnoRet !== undefined) checkErrno(rule.action, rule.errnoRet, `${place}/errnoRet`, report)
      if (rule.names.includes('')) report(`${place}/names`, 'the name of a system call must not be empty')
      for (const [number, arg] of (rule.args ?? []).entries()) {
        // KERNEL: struct seccomp_data has six arguments.
        if (arg.index > 5) report(`${place}/args/${number}/index`, `expected an integer from 0 to 5, got ${arg.index}`)
        for (const key of ['value', 'valueTwo'] as const) {
          const value = arg[key]
          if (typeof value === 'string' && BigInt(value) >= 2n ** 64n) {
            report(`${place}/args/${number}/${key}`, `expected an integer from 0 to 2^64-1, got ${value}`)
          }
        }
      }
    }
  },
}

const listener: Rule = {
  name: 'seccomp listener',
  clause: 'config-linux.md#seccomp',
  severity: 'problem',
  reads: ['/linux/seccomp'],
  check({ linux }, report) {
    const seccomp = linux?.seccomp
    if (seccomp === undefined) return
    if (seccomp.listenerMetadata && !seccomp.listenerPath) {
      report('/linux/seccomp/listenerMetadata', 'must not be set without listenerPath')
    }
    if (seccomp.listenerPath && !seccomp.listenerPath.startsWith('/')) {
      report('/linux/seccomp/listenerPath', 'listener path must be absolute')
    }
    checkNotify(seccomp, report)
  },
}

function checkNotify(seccomp: Seccomp, report: Report): void {
  if (seccomp.defaultAction === 'SCMP_ACT_NOTIFY') {
    // The init itself could not report its listener's fd any more.
    report('/linux/seccomp/defaultAction', 'SCMP_ACT_NOTIFY cannot be used as default action')
  }
  const notifying = (seccomp.syscalls ?? []).findIndex((rule) => rule.action === 'SCMP_ACT_NOTIFY')
  if (notifying < 0) return
  if (!seccomp.listenerPath) {
    report(`/linux/seccomp/syscalls/${notifying}/action`, 'SCMP_ACT_NOTIFY needs /linux/seccomp/listenerPath')
  }
  for (const [index, rule] of (seccomp.syscalls ?? []).entries()) {
    if (rule.action === 'SCMP_ACT_NOTIFY' && rule.names.includes('write')) {
      report(`/linux/seccomp/syscalls/${index}/names`, 'SCMP_ACT_NOTIFY cannot be used for the write syscall')
    }
  }
}

export const SECCOMP_RULES: readonly Rule[] = [actions, listener]
