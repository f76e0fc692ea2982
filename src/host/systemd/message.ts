/** Appends values to a D-Bus message. */
import type { Message } from '../../ffi/libsystemd.ts'
import { signature, type UnitProperty, type UnitValue } from '../../plan/cgroup/unit_value.ts'
import { type Connection, check, type } from './bus.ts'

const SIZES = { y: 1, n: 2, q: 2, i: 4, u: 4, x: 8, t: 8 } as const

/** The bytes that sd_bus_message_append_basic wants a pointer to. */
function bytesOf(value: Exclude<UnitValue, { type: 's' | 'o' | 'a' }>): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  if (value.type === 'd') view.setFloat64(0, value.value, true)
  // A boolean is an int in C.
  else if (value.type === 'b') view.setInt32(0, value.value ? 1 : 0, true)
  else view.setBigUint64(0, BigInt.asUintN(64, value.value), true)
  return value.type === 'd' || value.type === 'b' ? bytes : bytes.subarray(0, SIZES[value.type])
}

/** Appends one value. */
export function append(connection: Connection, message: Message, value: UnitValue): void {
  const { lib } = connection
  if (value.type === 'a') {
    check('open', lib.openContainer(message, type('a'), value.of))
    for (const one of value.value) append(connection, message, one)
    check('close', lib.closeContainer(message))
  } else if (value.type === 's' || value.type === 'o') {
    check('append', lib.appendBasic(message, type(value.type), value.value))
  } else {
    check('append', lib.appendBasic(message, type(value.type), bytesOf(value)))
  }
}

/** Appends properties as an array of names with variants, a(sv). */
export function appendProperties(connection: Connection, message: Message, properties: readonly UnitProperty[]): void {
  const { lib } = connection
  check('open', lib.openContainer(message, type('a'), '(sv)'))
  for (const { name, value } of properties) {
    check('open', lib.openContainer(message, type('r'), 'sv'))
    check('append', lib.appendBasic(message, type('s'), name))
    check('open', lib.openContainer(message, type('v'), signature(value)))
    append(connection, message, value)
    check('close', lib.closeContainer(message))
    check('close', lib.closeContainer(message))
  }
  check('close', lib.closeContainer(message))
}
