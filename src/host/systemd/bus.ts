/** Calls methods of a service manager over D-Bus. */
import { RuntimeError } from '../../base/errors.ts'
import { type Bus, ERROR_SIZE, type LibSystemd, loadLibSystemd, type Message } from '../../ffi/libsystemd.ts'
import { sysError } from '../../ffi/native.ts'
import { withoutSignals } from '../signals.ts'

const DESTINATION = 'org.freedesktop.systemd1'
const PATH = '/org/freedesktop/systemd1'
export const MANAGER = 'org.freedesktop.systemd1.Manager'

/** As long as runc waits. */
const PATIENCE = 30_000_000n

/** An error that the manager answered with. */
export class BusError extends Error {
  /** "org.freedesktop.systemd1.UnitExists", say. */
  readonly busName: string

  constructor(busName: string, message: string) {
    super(message)
    this.busName = busName
  }
}

export interface Connection {
  readonly lib: LibSystemd
  readonly bus: Bus
  close(): void
}

/** Letters of D-Bus types as C passes them. */
export const type = (letter: string) => letter.charCodeAt(0)

/** Connects to the machine's manager or to the caller's own. Throws RuntimeError 'unsupported'. */
export function connect(manager: 'system' | 'user'): Connection {
  const lib = loadLibSystemd()
  const out = new BigUint64Array(1)
  let result = withoutSignals(() => (manager === 'system' ? lib.openSystem(out) : lib.openUser(out)))
  // Without a bus of its own the manager listens itself, to root alone.
  if (result < 0 && manager === 'system') result = direct(lib, out)
  if (result < 0) {
    const what =
      manager === 'system' ? 'the system bus' : "the user's bus ($DBUS_SESSION_BUS_ADDRESS, $XDG_RUNTIME_DIR)"
    throw new RuntimeError(
      'unsupported',
      `connect to systemd by ${what}: ${sysError('', -result).message.replace(/^: /, '')}`,
    )
  }
  const bus = out[0] as bigint
  return { lib, bus, close: () => lib.flushClose(bus) }
}

function direct(lib: LibSystemd, out: BigUint64Array): number {
  const created = lib.create(out)
  if (created < 0) return created
  const bus = out[0] as bigint
  const address = lib.setAddress(bus, 'unix:path=/run/systemd/private')
  const result = address < 0 ? address : lib.start(bus)
  if (result < 0) lib.flushClose(bus)
  return result
}

/** Where a call goes; the manager itself unless said otherwise. */
export interface Target {
  readonly destination?: string
  readonly path?: string
  readonly interface?: string
}

/**
 * Calls a method: `fill` appends the arguments, `read` takes the answer. Throws BusError for the manager's own errors,
 * SysError for those of the connection.
 */
export function call<T>(
  { lib, bus }: Connection,
  member: string,
  fill: (message: Message) => void,
  read: (reply: Message) => T,
  { destination = DESTINATION, path = PATH, interface: of = MANAGER }: Target = {},
): T {
  const out = new BigUint64Array(1)
  check(member, lib.methodCall(bus, out, destination, path, of, member))
  const message = out[0] as bigint
  const error = new Uint8Array(ERROR_SIZE)
  try {
    fill(message)
    // A message that was sent must not be sent again: it has done what it asks for.
    const result = withoutSignals(() => lib.call(bus, message, PATIENCE, error, out))
    if (result < 0) throw failure(lib, member, error, result)
    const reply = out[0] as bigint
    try {
      return read(reply)
    } finally {
      lib.unref(reply)
    }
  } finally {
    lib.freeError(error)
    lib.unref(message)
  }
}

function failure(lib: LibSystemd, member: string, error: Uint8Array, result: number): Error {
  const view = new DataView(error.buffer)
  const [name, message] = [view.getBigUint64(0, true), view.getBigUint64(8, true)]
  if (name === 0n) return sysError(`call ${member} of systemd`, -result)
  return new BusError(lib.text(name), message === 0n ? lib.text(name) : lib.text(message))
}

/** Throws SysError for a negative result. */
export function check(what: string, result: number): number {
  if (result < 0) throw sysError(`message ${what} to systemd`, -result)
  return result
}

/** Reads a string or an object path. */
export function readText({ lib }: Connection, message: Message, letter = 's'): string {
  const out = new BigUint64Array(1)
  check('read', lib.readBasic(message, type(letter), out))
  return lib.text(out[0] as bigint)
}
