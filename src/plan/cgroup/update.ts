/** Plans `update`: new limits for the cgroups that a container has. Pure. */
import { RuntimeError } from '../../base/errors.ts'
import { isWithin } from '../../base/path.ts'
import type { DeviceRule, Resources } from '../../spec/types.gen.ts'
import type { CgroupFacts, Facts } from '../facts.ts'
import { kernelResourceProblems } from '../kernel_needs.ts'
import { refuseAll } from '../unsupported_process.ts'
import { planCpuset } from './cpu.ts'
import { deviceProgram } from './device_program.ts'
import { accessRules, allowsEverything } from './device_rules.ts'
import { planDeviceChangeV1 } from './device_v1.ts'
import { meant, mergeResources, touched } from './merge.ts'
import type { CgroupDir, CgroupRecord, CgroupStep, DeviceProgram, Draft } from './model.ts'
import { parentsIn } from './path.ts'
import { enableSteps, placeIn, planLimits } from './plan.ts'
import { unitResources } from './unit_resources.ts'
import { INFINITE, list, text, type UnitProperty } from './unit_value.ts'

export interface UpdateInput {
  readonly facts: CgroupFacts
  readonly kernel: Facts['kernel']
  /** The container's directories. */
  readonly cgroup: CgroupRecord
  /** linux.resources as last set. */
  readonly inForce: Resources
  /** What is asked for; zeros of memory, cpu and blockIO leave alone. */
  readonly request: Resources
}

/** The device list: of v1 to be rewritten, or of v2 to be replaced by a program (none: everything is allowed). */
export type DeviceChange =
  | { readonly kind: 'v1'; readonly steps: readonly CgroupStep[]; readonly back: readonly CgroupStep[] }
  | { readonly kind: 'v2'; readonly dir: string; readonly program?: DeviceProgram }

export interface UpdatePlan {
  readonly steps: readonly CgroupStep[]
  readonly devices?: DeviceChange
  /** Properties of the container's systemd unit, if it has one: those asked for, and what puts them back. */
  readonly unit: { readonly after: readonly UnitProperty[]; readonly before: readonly UnitProperty[] }
  /** What is in force once it is carried out. */
  readonly resources: Resources
  readonly warnings: readonly string[]
}

/**
 * Plans the writes; pointers in steps and errors are relative to the request.
 * @throws RuntimeError config-invalid or unsupported, with the pointer of what cannot be done.
 */
export function planUpdate(input: UpdateInput): UpdatePlan {
  const { facts, cgroup, inForce } = input
  const dirs = recordedDirs(facts, cgroup)
  const v2 = dirs.find(({ hierarchy }) => hierarchy === 'v2')
  const draft: Draft = { place: placeIn(facts, dirs), at: '', steps: [], late: [], warnings: [] }
  const request = meant(input.request)
  refuseAll(kernelResourceProblems(request, input), 'resources')
  // Of config.json a rule says so.
  if (request.memory?.kernel !== undefined || request.memory?.kernelTCP !== undefined)
    draft.warnings.push('kernel memory settings are ignored: the kernel has dropped them')
  const resources = mergeResources(inForce, request)
  const wanted = touched(request, resources)
  // On pure v2 everything was enabled when the container was made.
  if (v2 !== undefined && facts.mode !== 'unified') draft.steps.push(...enableSteps(facts, v2, wanted))
  if (wanted.cpu) planCpuset(draft, wanted.cpu)
  planLimits(draft, wanted, v2 && facts.v2?.controllers)
  const devices = planDeviceChange(draft, inForce.devices, request.devices, v2)
  const steps = [...draft.steps, ...draft.late]
  return {
    // ORDER: what may refuse the whole comes first.
    steps: [...steps.filter(({ kind }) => kind === 'check'), ...steps.filter(({ kind }) => kind !== 'check')],
    ...(devices ? { devices } : {}),
    unit: unitChange(wanted, inForce),
    resources,
    warnings: draft.warnings,
  }
}

function unitChange(wanted: Resources, former: Resources): UpdatePlan['unit'] {
  const after = unitResources(wanted, '')
  const known = unitResources(former, '')
  const unset = ({ name, value }: UnitProperty): UnitProperty => {
    // The only text is OOMPolicy.
    if (value.type === 's') return { name, value: text('continue'), optional: true }
    return { name, value: value.type === 'a' ? list('y', []) : INFINITE, optional: true }
  }
  return {
    after,
    before: after.map((property) => known.findLast(({ name }) => name === property.name) ?? unset(property)),
  }
}

/** The directories of a record, each with the hierarchy that it lies in. */
function recordedDirs(facts: CgroupFacts, cgroup: CgroupRecord): CgroupDir[] {
  const dirs: CgroupDir[] = []
  const add = (hierarchy: string, mount: string, path: string) =>
    dirs.push({ hierarchy, mount, path, parents: parentsIn(mount, path.slice(mount.length)) })
  for (const path of cgroup.v1) {
    const found = facts.v1.find(({ mount }) => isWithin(path, mount))
    if (found) add(found.controllers.join(','), found.mount, path)
  }
  if (cgroup.v2 !== undefined && facts.v2 && isWithin(cgroup.v2, facts.v2.mount)) add('v2', facts.v2.mount, cgroup.v2)
  if (dirs.length === 0) throw new RuntimeError('unsupported', 'cannot update: the container has no cgroups')
  return dirs
}

/**
 * Only a list that differs from the one in force is a request: engines send all that the container was made with, and
 * what others (drivers of GPUs) have added to the kernel's list since then must stay.
 */
function planDeviceChange(
  draft: Draft,
  before: readonly DeviceRule[] | undefined,
  after: readonly DeviceRule[] | undefined,
  v2: CgroupDir | undefined,
): DeviceChange | undefined {
  if (after === undefined || JSON.stringify(after) === JSON.stringify(before ?? [])) return undefined
  const [from, to] = [accessRules(draft, before), accessRules(draft, after)]
  const v1 = draft.place('devices')
  if (v1?.version === 1) {
    return { kind: 'v1', steps: planDeviceChangeV1(draft, v1, from, to), back: planDeviceChangeV1(draft, v1, to, from) }
  }
  if (v2 === undefined) {
    throw new RuntimeError('unsupported', '/devices: no cgroup of the container can restrict devices')
  }
  const program = allowsEverything(to) ? {} : { program: { dir: v2.path, instructions: deviceProgram(to) } }
  return { kind: 'v2', dir: v2.path, ...program }
}
