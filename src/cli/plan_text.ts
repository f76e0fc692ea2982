/** What `davit plan` prints: all that making a container does, and what its end brings. Pure. */
import type { CgroupPlan } from '../plan/cgroup/model.ts'
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

/** The same as JSON. A filter is 8 bytes an instruction; as text it is best handled in base64. */
export function planJson(whole: WholePlan): string {
  const plain = (_: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
  return `${JSON.stringify(whole, plain, 2)}\n`
}

function section(name: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${name}:\n${lines.map((line) => `  ${line}\n`).join('')}`
}

function cgroupLines({ dirs, steps, late, devices }: CgroupPlan): string[] {
  const program = devices
    ? [
        `attach a device program of ${devices.instructions.length} instructions to ${devices.dir}  # /linux/resources/devices`,
      ]
    : []
  return [...dirs.map(({ path }) => `mkdir ${path}`), ...[...steps, ...late].map(printCgroupStep), ...program]
}

function hookLine({ call, config }: Hooks[number]): string {
  return `run hook "${call.path}"  # ${config}`
}
