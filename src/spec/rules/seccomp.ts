/** Rules on linux.seccomp. */
import { ANNOTATION, annotation } from '../annotations.ts'
import type { Seccomp, SeccompArg } from '../types.gen.ts'
import { each, type Report, type Rule } from './rule.ts'

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
    each(seccomp.syscalls, (rule, index) => {
      const place = `/linux/seccomp/syscalls/${index}`
      if (rule.errnoRet !== undefined) checkErrno(rule.action, rule.errnoRet, `${place}/errnoRet`, report)
      if (rule.names.includes('')) report(`${place}/names`, 'the name of a system call must not be empty')
      each(rule.args, (arg, number) => checkArg(arg, `${place}/args/${number}`, report))
    })
  },
}

function checkArg({ index }: SeccompArg, place: string, report: Report): void {
  // KERNEL: struct seccomp_data has six arguments.
  if (index > 5) report(`${place}/index`, `expected an integer from 0 to 5, got ${index}`)
}

const listener: Rule = {
  name: 'seccomp listener',
  clause: 'config-linux.md#seccomp',
  severity: 'problem',
  reads: ['/linux/seccomp', '/annotations'],
  check(spec, report) {
    const seccomp = spec.linux?.seccomp
    if (seccomp === undefined) return
    if (seccomp.listenerMetadata && !seccomp.listenerPath) {
      report('/linux/seccomp/listenerMetadata', 'must not be set without listenerPath')
    }
    if (seccomp.listenerPath && !seccomp.listenerPath.startsWith('/')) {
      report('/linux/seccomp/listenerPath', 'listener path must be absolute')
    }
    const hasAgent = Boolean(seccomp.listenerPath || annotation(spec, ANNOTATION.seccompReceiver))
    checkNotify(seccomp, hasAgent, report)
  },
}

function checkNotify(seccomp: Seccomp, hasAgent: boolean, report: Report): void {
  if (seccomp.defaultAction === 'SCMP_ACT_NOTIFY') {
    // The init itself could not report its listener's fd any more.
    report('/linux/seccomp/defaultAction', 'SCMP_ACT_NOTIFY cannot be used as default action')
  }
  each(seccomp.syscalls, ({ action, names }, index) => {
    if (action !== 'SCMP_ACT_NOTIFY') return
    const place = `/linux/seccomp/syscalls/${index}`
    if (!hasAgent) report(`${place}/action`, 'SCMP_ACT_NOTIFY needs /linux/seccomp/listenerPath')
    // The init still has to write the listener's fd number to the runtime.
    if (names.includes('write')) report(`${place}/names`, 'SCMP_ACT_NOTIFY cannot be used for the write syscall')
  })
}

export const SECCOMP_RULES: readonly Rule[] = [actions, listener]
