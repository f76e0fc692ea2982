/** Advisories on devices, Intel RDT and seccomp. */
import { each } from '../rules/rule.ts'
import type { Advisory } from './advisory.ts'

const deviceTwice: Advisory = {
  name: 'device twice',
  clause: 'config-linux.md#devices',
  requirement: 'SHOULD NOT',
  hint: 'name each device once',
  reads: ['/linux/devices'],
  check({ linux }, report) {
    const seen = new Map<string, number>()
    each(linux?.devices, ({ type, major, minor }, index) => {
      const device = `${type === 'u' ? 'c' : type} ${major}:${minor}`
      const first = seen.get(device)
      if (type !== 'p' && first !== undefined)
        report(`/linux/devices/${index}`, `the same device as /linux/devices/${first}`)
      else seen.set(device, index)
    })
  },
}

const l3Schema: Advisory = {
  name: 'l3 cache schema',
  clause: 'config-linux.md#intelrdt',
  requirement: 'SHOULD',
  hint: 'write the resource before the masks: L3:0=7f0;1=1f',
  reads: ['/linux/intelRdt'],
  check({ linux }, report) {
    const schema = linux?.intelRdt?.l3CacheSchema
    if (schema && !schema.startsWith('L3:')) report('/linux/intelRdt/l3CacheSchema', 'does not start with "L3:"')
  },
}

const unusedListener: Advisory = {
  name: 'unused listener',
  clause: 'config-linux.md#seccomp',
  hint: 'remove listenerPath, or use SCMP_ACT_NOTIFY for a system call',
  reads: ['/linux/seccomp'],
  check({ linux }, report) {
    const seccomp = linux?.seccomp
    if (!seccomp?.listenerPath) return
    const asked = [seccomp.defaultAction, ...(seccomp.syscalls ?? []).map(({ action }) => action)]
    if (!asked.includes('SCMP_ACT_NOTIFY')) report('/linux/seccomp/listenerPath', 'ignored without SCMP_ACT_NOTIFY')
  },
}

export const LINUX_ADVISORIES: readonly Advisory[] = [deviceTwice, l3Schema, unusedListener]
