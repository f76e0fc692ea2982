/** Rules on linux.sysctl: only parameters of a namespace that is not the runtime's own. */
import { pointer } from '../../base/pointer.ts'
import type { NamespaceType } from '../../kernel/namespaces.ts'
import { sysctlPath } from '../../kernel/sysctl.ts'
import { namespaceOf } from './namespaces.ts'
import type { Rule } from './rule.ts'

/** Parameters of the IPC namespace, ipc_namespaces(7), besides fs/mqueue. */
const IPC: readonly string[] = [
  'kernel/msgmax',
  'kernel/msgmnb',
  'kernel/msgmni',
  'kernel/sem',
  'kernel/shmall',
  'kernel/shmmax',
  'kernel/shmmni',
  'kernel/shm_rmid_forced',
]

const sysctl: Rule = {
  name: 'sysctl',
  clause: 'config-linux.md#sysctl',
  severity: 'problem',
  reads: ['/linux/sysctl', '/linux/namespaces'],
  check(spec, report) {
    const wanted = spec.linux?.sysctl
    if (wanted === undefined) return
    const has = (type: NamespaceType) => namespaceOf(spec, type) !== undefined
    for (const key of Object.keys(wanted)) {
      const message = refusal(key, has)
      if (message !== undefined) report(pointer('linux', 'sysctl', key), message)
    }
  },
}

function refusal(key: string, has: (type: NamespaceType) => boolean): string | undefined {
  const shown = `sysctl ${JSON.stringify(key)}`
  const path = sysctlPath(key)
  if (path === undefined) return `${shown} is not the name of a kernel parameter`
  if (IPC.includes(path) || path.startsWith('fs/mqueue/')) {
    return has('ipc') ? undefined : `${shown} is not allowed in the hosts ipc namespace`
  }
  if (path.startsWith('net/')) return has('network') ? undefined : `${shown} not allowed in host network namespace`
  // KERNEL(4.9): the limits under user/ are those of the user namespace.
  if (path.startsWith('user/') && has('user')) return undefined
  if (path === 'kernel/domainname' && has('uts')) return undefined
  if (path === 'kernel/hostname' && has('uts'))
    return `${shown} is not allowed as it conflicts with the OCI "hostname" field`
  return `${shown} is not in a separate kernel namespace`
}

export const SYSCTL_RULES: readonly Rule[] = [sysctl]
