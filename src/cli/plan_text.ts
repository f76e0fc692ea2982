/** What `davit plan` prints: all that making a container does, and what its end brings. Pure. */
import type { CgroupPlan } from '../plan/cgroup/model.ts'
import type { UnitPlan } from '../plan/cgroup/unit.ts'
import { printUnitValue } from '../plan/cgroup/unit_value.ts'
import type { hooksOf } from '../plan/hooks.ts'
import { printCgroupStep, printPlan } from '../plan/print.ts'
import type { Plan } from '../plan/step.ts'

type Hooks = ReturnType<typeof hooksOf>

/** A plan with what belongs to it and is done by others than its steps. */
export interface WholePlan {
  readonly plan: Plan
  readonly cgroup: CgroupPlan | undefined
  /** Hooks that are kept for `start` and for `delete`. */
  readonly poststart: Hooks
  readonly poststop: Hooks
}

/** A section for the cgroups, the plan, and the hooks that run later; each line with its place in config.json. */
export function planText({ plan, cgroup, poststart, poststop }: WholePlan): string {
  const sections = [
    section('cgroups', cgroup ? cgroupLines(cgroup) : []),
    printPlan(plan),
    section('after start', poststart.map(hookLine)),
    section('after delete', poststop.map(hookLine)),
  ]
  return sections.join('')
}

/**
 * The same as JSON. A filter is 8 bytes an instruction; as text it is best handled in base64. Numbers that a double
 * cannot hold, as properties of units have them, are text.
 */
export function planJson(whole: WholePlan): string {
  const plain = (_: string, value: unknown) => {
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
  }
  return `${JSON.stringify(whole, plain, 2)}\n`
}

function section(name: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${name}:\n${lines.map((line) => `  ${line}\n`).join('')}`
}

function cgroupLines({ dirs, inner, onward, unit, steps, late, devices }: CgroupPlan): string[] {
  const program = devices
    ? [
        `attach a device program of ${devices.instructions.length} instructions to ${devices.dir}  # /linux/resources/devices`,
      ]
    : []
  const made = [...dirs.map(({ path }) => path), ...(inner === undefined ? [] : [inner])]
  const moved = onward === undefined ? [] : [`move the process on to ${onward}`]
  return [
    ...(unit ? unitLines(unit) : []),
    ...made.map((path) => `mkdir ${path}`),
    ...moved,
    ...[...steps, ...late].map(printCgroupStep),
    ...program,
  ]
}

/** What systemd is asked for, once the first process is there; that is a property, too. */
function unitLines({ name, manager, properties }: UnitPlan): string[] {
  const whose = manager === 'user' ? "the user's manager" : "the machine's manager"
  const lines = properties.map(({ name: property, value, config, optional }) => {
    const ask = `property ${property} = ${printUnitValue(value)}${optional ? ', if it is known' : ''}`
    return `  ${ask}${config === undefined ? '' : `  # ${config}`}`
  })
  return [`start unit ${name} by ${whose}`, ...lines]
}

function hookLine({ call, config }: Hooks[number]): string {
  return `run hook "${call.path}"  # ${config}`
}
