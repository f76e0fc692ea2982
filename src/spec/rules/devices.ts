/** Rules on device nodes and the device access list. */
import type { Integer } from '../numbers.ts'
import type { Device, DeviceRule } from '../types.gen.ts'
import { each, type Report, type Rule } from './rule.ts'

/** KERNEL: dev_t has 12 bits of major and 20 of minor number. */
const MAX_MAJOR = 0xfff
const MAX_MINOR = 0xfffff

const devices: Rule = {
  name: 'devices',
  clause: 'config-linux.md#devices',
  severity: 'problem',
  reads: ['/linux/devices'],
  check({ linux }, report) {
    const seen = new Map<string, Device>()
    each(linux?.devices, (device, index) => {
      const place = `/linux/devices/${index}`
      if (!device.path.startsWith('/')) report(`${place}/path`, 'device path must be absolute')
      if (device.type !== 'p') {
        checkNumber(`${place}/major`, device.major, MAX_MAJOR, report)
        checkNumber(`${place}/minor`, device.minor, MAX_MINOR, report)
      }
      // Engines may name one device twice (--device given twice); two devices cannot share a path.
      const before = seen.get(device.path)
      if (before && !sameDevice(before, device)) report(`${place}/path`, `another device has the path ${device.path}`)
      seen.set(device.path, device)
    })
  },
}

function checkNumber(place: string, value: Integer | undefined, max: number, report: Report): void {
  if (value === undefined) report(place, 'required unless type is "p"')
  else if (value < 0 || value > max) report(place, `expected an integer from 0 to ${max}, got ${value}`)
}

function sameDevice(a: Device, b: Device): boolean {
  const kind = (device: Device) => (device.type === 'u' ? 'c' : device.type)
  return kind(a) === kind(b) && (kind(a) === 'p' || (a.major === b.major && a.minor === b.minor))
}

const deviceRules: Rule = {
  name: 'device access list',
  clause: 'config-linux.md#allowed-device-list',
  severity: 'problem',
  reads: ['/linux/resources/devices'],
  check({ linux }, report) {
    each(linux?.resources?.devices, (rule, index) => checkDeviceRule(rule, index, report))
  },
}

function checkDeviceRule(
  { type = '', access, major = -1, minor = -1 }: DeviceRule,
  index: number,
  report: Report,
): void {
  const place = `/linux/resources/devices/${index}`
  if (type !== '' && type !== 'a' && type !== 'b' && type !== 'c') {
    report(`${place}/type`, `invalid cgroup device type ${JSON.stringify(type)}`)
  }
  if (!access) report(`${place}/access`, `device access at ${index} field cannot be empty`)
  else if (!isAccess(access)) report(`${place}/access`, 'expected a composition of r, w and m')
  // -1 is how runc's own configurations write "all".
  if (!isNumber(major)) report(`${place}/major`, `expected a device number, got ${major}`)
  if (!isNumber(minor)) report(`${place}/minor`, `expected a device number, got ${minor}`)
}

/** KERNEL: 32 bits in rules, though no device has that many. */
function isNumber(number: Integer): boolean {
  return number >= -1 && number <= 0xffff_ffff
}

function isAccess(access: string): boolean {
  for (const char of access) if (char !== 'r' && char !== 'w' && char !== 'm') return false
  return true
}

export const DEVICE_RULES: readonly Rule[] = [devices, deviceRules]
