/** Starts, changes and stops the units of containers. */
import { messageOf, RuntimeError } from '../../base/errors.ts'
import type { Message } from '../../ffi/libsystemd.ts'
import { isSlice, type UnitPlan } from '../../plan/cgroup/unit.ts'
import { list, type UnitProperty } from '../../plan/cgroup/unit_value.ts'
import { BusError, type Connection, call, check, connect, readText, type } from './bus.ts'
import { awaitJob, subscribe } from './job.ts'
import { append, appendProperties } from './message.ts'

/** What a container's record keeps of its unit. */
type UnitRecord = Pick<UnitPlan, 'name' | 'manager'>

const EXISTS = 'org.freedesktop.systemd1.UnitExists'
/** What systemd calls a property that it does not know, by version. */
const UNKNOWN = ['org.freedesktop.DBus.Error.PropertyReadOnly', 'org.freedesktop.DBus.Error.UnknownProperty']
const GONE = ['org.freedesktop.systemd1.NoSuchUnit', 'org.freedesktop.DBus.Error.UnknownObject']

/**
 * Starts the unit with the process in it, and waits until systemd has: then its cgroup is there, and the process in it.
 * `accepted` is called when the name is this unit's, though it may not come to run.
 * @throws RuntimeError 'cgroup'.
 */
export function startUnit(unit: UnitPlan, pid: number, accepted: () => void): void {
  withManager(unit, `start unit ${unit.name}`, (connection) => {
    subscribe(connection)
    const pids: UnitProperty[] = isSlice(unit)
      ? []
      : [{ name: 'PIDs', value: list('u', [{ type: 'u', value: BigInt(pid) }]) }]
    const start = () => {
      return withKnown([...unit.properties, ...pids], (properties) => startTransient(connection, unit.name, properties))
    }
    let job: string
    try {
      job = start()
    } catch (error) {
      if (!(error instanceof BusError) || error.busName !== EXISTS) throw error
      // One that has failed keeps its name until somebody has looked at it.
      resetFailed(connection, unit.name)
      job = start()
    }
    accepted()
    const result = awaitJob(connection, job, unit.name)
    if (result !== 'done') throw new Error(`its job ended with "${result}"`)
  })
}

/** Changes properties of a unit that runs, until it ends. @throws RuntimeError 'cgroup'. */
export function setUnit(unit: UnitRecord, all: readonly UnitProperty[]): void {
  if (all.length === 0) return
  withManager(unit, `set properties of unit ${unit.name}`, (connection) => {
    const set = (properties: readonly UnitProperty[]) => {
      const fill = (message: Message) => {
        const { lib } = connection
        check('append', lib.appendBasic(message, type('s'), unit.name))
        append(connection, message, { type: 'b', value: true })
        appendProperties(connection, message, properties)
      }
      call(connection, 'SetUnitProperties', fill, () => {})
    }
    withKnown(all, set)
    // systemd writes the cgroup's files between two requests.
    resetFailed(connection, unit.name)
  })
}

/**
 * Puts a process into the unit: the caller may not be allowed to, by the kernel, where its manager is; into the cgroup `below`
 * that of the unit, "/a/b". systemd 238.
 */
export function enterUnit(unit: UnitRecord, pid: number, below = ''): void {
  withManager(unit, `enter unit ${unit.name}`, (connection) => {
    const fill = (message: Message) => {
      names(connection, unit.name, below)(message)
      append(connection, message, list('u', [{ type: 'u', value: BigInt(pid) }]))
    }
    call(connection, 'AttachProcessesToUnit', fill, () => {})
  })
}

/** Stops the unit, waits until it is, and has its failure forgotten. One that is gone is no error. */
export function stopUnit(unit: UnitRecord): void {
  withManager(unit, `stop unit ${unit.name}`, (connection) => {
    subscribe(connection)
    try {
      const job = call(connection, 'StopUnit', names(connection, unit.name, 'replace'), (reply) => {
        return readText(connection, reply, 'o')
      })
      awaitJob(connection, job, unit.name)
    } catch (error) {
      if (!(error instanceof BusError) || !GONE.includes(error.busName)) throw error
    }
    resetFailed(connection, unit.name)
  })
}

/** Has a failure of the unit forgotten, so that its name is free. */
export function forgetUnit(unit: UnitRecord): void {
  withManager(unit, `forget unit ${unit.name}`, (connection) => resetFailed(connection, unit.name))
}

function resetFailed(connection: Connection, name: string): void {
  try {
    call(connection, 'ResetFailedUnit', names(connection, name), () => {})
  } catch (error) {
    if (!(error instanceof BusError) || !GONE.includes(error.busName)) throw error
  }
}

/** Tries without the properties that this systemd does not know, as long as they may be left out. */
function withKnown<T>(properties: readonly UnitProperty[], act: (properties: readonly UnitProperty[]) => T): T {
  try {
    return act(properties)
  } catch (error) {
    if (!(error instanceof BusError) || !UNKNOWN.includes(error.busName)) throw error
    const unknown = properties.find(({ name, optional }) => optional && new RegExp(`\\b${name}\\b`).test(error.message))
    if (!unknown) throw error
    return withKnown(
      properties.filter((property) => property !== unknown),
      act,
    )
  }
}

function startTransient(connection: Connection, name: string, properties: readonly UnitProperty[]): string {
  const { lib } = connection
  const fill = (message: Message) => {
    names(connection, name, 'replace')(message)
    appendProperties(connection, message, properties)
    // Auxiliary units: none.
    check('open', lib.openContainer(message, type('a'), '(sa(sv))'))
    check('close', lib.closeContainer(message))
  }
  return call(connection, 'StartTransientUnit', fill, (reply) => readText(connection, reply, 'o'))
}

function names(connection: Connection, ...texts: readonly string[]) {
  return (message: Message) => {
    for (const text of texts) append(connection, message, { type: 's', value: text })
  }
}

function withManager<T>({ manager }: UnitRecord, doing: string, act: (connection: Connection) => T): T {
  const connection = connect(manager)
  try {
    return act(connection)
  } catch (error) {
    if (error instanceof RuntimeError) throw error
    throw new RuntimeError('cgroup', `${doing}: ${messageOf(error)}`, [], { cause: error })
  } finally {
    connection.close()
  }
}
