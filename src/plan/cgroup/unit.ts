/** Plans the systemd unit of a container: a transient scope, or a slice. Pure; src/host/systemd speaks to systemd. */
import { RuntimeError } from '../../base/errors.ts'
import { pointer } from '../../base/pointer.ts'
import { ANNOTATION } from '../../spec/annotations.ts'
import type { Resources } from '../../spec/types.gen.ts'
import { type SystemdFacts, type UnitName, unitName } from './unit_name.ts'
import { unitResources } from './unit_resources.ts'
import { flag, list, parseUnitValue, text, type UnitProperty, type UnitValue } from './unit_value.ts'

export interface UnitPlan extends UnitName {
  readonly manager: 'system' | 'user'
  /** All but the process. */
  readonly properties: readonly UnitProperty[]
}

export interface UnitInput {
  readonly id: string
  readonly cgroupsPath?: string | undefined
  readonly resources?: Resources | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly systemd: SystemdFacts
}

/** Whether a unit is a slice: no process is handed to it, it is only a place. */
export function isSlice({ name }: Pick<UnitName, 'name'>): boolean {
  return name.endsWith('.slice')
}

/** @throws RuntimeError config-invalid. */
export function planUnit({ id, cgroupsPath, resources = {}, annotations = {}, systemd }: UnitInput): UnitPlan {
  const name = unitName(cgroupsPath, id, systemd)
  // A slice says where it is by its name, and is not delegated: its limits are systemd's.
  const place: UnitProperty[] = isSlice(name)
    ? [{ name: 'Wants', value: list('s', [text(name.slice)]) }]
    : [
        { name: 'Slice', value: text(name.slice) },
        { name: 'Delegate', value: flag(true) },
      ]
  return {
    ...name,
    manager: systemd.manager,
    properties: [
      { name: 'Description', value: text(`davit container ${id}`) },
      ...place,
      // Controllers that are turned on later would not count what the processes have by then.
      ...['MemoryAccounting', 'CPUAccounting', 'IOAccounting', 'TasksAccounting'].map((property) => {
        return { name: property, value: flag(true), optional: true as const }
      }),
      // Stopped when we say so, and not before basic.target is.
      { name: 'DefaultDependencies', value: flag(false) },
      // Nobody has to look at why a container ended before its name can be used again. systemd 236.
      { name: 'CollectMode', value: text('inactive-or-failed'), optional: true },
      ...unitResources(resources, '/linux/resources'),
      ...annotated(annotations),
    ],
  }
}

/** Annotations that ask for a property of the unit, as runc has them. */
function annotated(annotations: Readonly<Record<string, string>>): UnitProperty[] {
  return Object.entries(annotations).flatMap(([key, source]) => {
    if (!key.startsWith(ANNOTATION.systemdProperty)) return []
    const config = pointer('annotations', key)
    const refuse = (what: string) =>
      new RuntimeError('config-invalid', `${config}: ${what}`, [{ pointer: config, message: what }])
    const name = key.slice(ANNOTATION.systemdProperty.length)
    if (name.length < 3) throw refuse(`annotation ${key} name incorrect: too short`)
    if (!/^[A-Za-z]+$/.test(name)) throw refuse(`annotation ${key} name incorrect: contains non-alphabetic character`)
    try {
      return [{ ...microseconds(name, parseUnitValue(source)), config }]
    } catch (error) {
      throw refuse(`annotation ${key}=${source} value parse error: ${(error as Error).message}`)
    }
  })
}

/** TimeoutStopSec, as unit files have it, is TimeoutStopUSec on the bus: a number of seconds becomes one of microseconds. */
function microseconds(name: string, value: UnitValue): { readonly name: string; readonly value: UnitValue } {
  if (!/[a-z]Sec$/.test(name)) return { name, value }
  if (typeof value.value !== 'bigint' && typeof value.value !== 'number') throw new Error('not a number')
  const seconds = Number(value.value)
  if (seconds < 0) throw new Error('negative')
  // The last of 64 bits is infinity.
  if (seconds * 1e6 >= 2 ** 64) throw new Error('more microseconds than 64 bits hold')
  return { name: name.replace(/Sec$/, 'USec'), value: { type: 't', value: BigInt(Math.round(seconds * 1e6)) } }
}
