/** Rules on linux.netDevices. */
import { pointer } from '../../base/pointer.ts'
import { isInterfaceName, isNameOrTemplate } from '../../kernel/interface_name.ts'
import { namespaceOf } from './namespaces.ts'
import type { Rule } from './rule.ts'

const netDevices: Rule = {
  name: 'network devices',
  clause: 'config-linux.md#network-devices',
  severity: 'problem',
  reads: ['/linux/netDevices', '/linux/namespaces'],
  check(spec, report) {
    if (spec.linux?.netDevices === undefined) return
    const devices = Object.entries(spec.linux.netDevices)
    if (devices.length === 0) return
    // runc's words.
    if (namespaceOf(spec, 'network') === undefined)
      report('/linux/netDevices', 'unable to move network devices without a NET namespace')
    const names = new Set<string>()
    for (const [device, { name: wanted }] of devices) {
      const place = pointer('linux', 'netDevices', device)
      const name = wanted === undefined || wanted === '' ? device : wanted
      if (!isInterfaceName(device)) report(place, `invalid network device name ${JSON.stringify(device)}`)
      else if (!isNameOrTemplate(name)) report(`${place}/name`, `invalid network device name ${JSON.stringify(name)}`)
      // KERNEL: every network namespace has a loopback interface, and it never leaves.
      if (device === 'lo') report(place, 'the loopback interface cannot be moved')
      else if (name === 'lo') report(`${place}/name`, 'the container has a loopback interface already')
      if (names.has(name)) report(place, `two network devices would be called ${JSON.stringify(name)}`)
      if (!name.includes('%')) names.add(name)
    }
  },
}

export const NET_DEVICE_RULES: readonly Rule[] = [netDevices]
