/** What the planners need to know of a service manager. */
import { messageOf, RuntimeError } from '../../base/errors.ts'
import { statIf } from '../../ffi/file.ts'
import type { SystemdFacts } from '../../plan/cgroup/unit_name.ts'
import { type Connection, call, check, connect, MANAGER, readText, type } from './bus.ts'
import { append } from './message.ts'

/**
 * Asks the manager: the machine's for its root, the user's own for others.
 * @throws RuntimeError 'unsupported', in runc's words where there is no systemd.
 */
export function gatherSystemdFacts(rootless: boolean): SystemdFacts {
  // sd_booted(3).
  if (statIf('/run/systemd/system') === undefined) {
    const words = 'systemd cgroup flag passed, but systemd support for managing cgroups is not available'
    throw new RuntimeError('unsupported', words)
  }
  const manager = rootless ? 'user' : 'system'
  const connection = connect(manager)
  try {
    const version = Number(/\d+/.exec(property(connection, 'Version'))?.[0] ?? 0)
    const root = property(connection, 'ControlGroup').replace(/\/+$/, '')
    // The manager of the machine is itself in a cgroup of its own; its units are not below that.
    return { manager, version, root: rootless ? root : '' }
  } catch (error) {
    throw new RuntimeError('cgroup', `ask systemd: ${messageOf(error)}`, [], { cause: error })
  } finally {
    connection.close()
  }
}

/** A property of the manager that is a string. */
function property(connection: Connection, name: string): string {
  return call(
    connection,
    'Get',
    (message) => {
      append(connection, message, { type: 's', value: MANAGER })
      append(connection, message, { type: 's', value: name })
    },
    (reply) => {
      check('read', connection.lib.enterContainer(reply, type('v'), 's'))
      return readText(connection, reply)
    },
    { interface: 'org.freedesktop.DBus.Properties' },
  )
}
