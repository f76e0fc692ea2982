/** Plans the cgroups of a container: which directories, which values in which order, which device filter. Pure. */

import { RuntimeError } from '../../base/errors.ts'
import { parentPath } from '../../base/path.ts'
import { pointer } from '../../base/pointer.ts'
import { ANNOTATION } from '../../spec/annotations.ts'
import type { Resources } from '../../spec/types.gen.ts'
import type { CgroupFacts } from '../facts.ts'
import { planBlockIo } from './block_io.ts'
import { planCpu, planCpuset } from './cpu.ts'
import { deviceProgram } from './device_program.ts'
import { accessRules, allowsEverything } from './device_rules.ts'
import { planDevicesV1 } from './device_v1.ts'
import { refused } from './draft.ts'
import { planHugepages, planNetwork, planPids, planRdma, planUnified } from './limits.ts'
import { planMemory } from './memory.ts'
import type { CgroupDir, CgroupPlan, CgroupStep, DeviceProgram, Draft, Place } from './model.ts'
import { cgroupDirs, innerPath } from './path.ts'
import type { UnitPlan } from './unit.ts'

export interface CgroupInput {
  readonly id: string
  /** linux.cgroupsPath. */
  readonly cgroupsPath?: string | undefined
  /** linux.resources. */
  readonly resources?: Resources | undefined
  readonly facts: CgroupFacts
  /** The runtime is not the machine's root: cgroups may not be ours to make. */
  readonly rootless: boolean
  /** The host's uid that is to own the cgroup, see owner.ts. */
  readonly owner?: number | undefined
  /** The systemd unit that is to be its cgroup; only where v2 is all there is. */
  readonly unit?: UnitPlan | undefined
  /** Names of the annotations run.oci.systemd.subgroup, which is for units only, and run.oci.delegate-cgroup. */
  readonly subgroup?: string | undefined
  readonly delegate?: string | undefined
}

/** JSON pointer of the resources in config.json. */
const RESOURCES = '/linux/resources'

/** @throws RuntimeError config-invalid or unsupported, with the pointer of what cannot be done. */
export function planCgroup(input: CgroupInput): CgroupPlan {
  const { facts, resources = {}, rootless, unit } = input
  const subgroup = unit && input.subgroup ? `/${input.subgroup}` : ''
  const place = unit ? { relative: false, path: unit.cgroup + subgroup } : innerPath(input.cgroupsPath, input.id)
  const dirs = cgroupDirs(facts, place, rootless && !unit && !input.cgroupsPath)
  const draft: Draft = { place: placeIn(facts, dirs), at: RESOURCES, steps: [], late: [], warnings: [] }

  const v2 = dirs.find(({ hierarchy }) => hierarchy === 'v2')
  if (v2 !== undefined) draft.steps.push(...enableSteps(facts, v2, resources))
  // ORDER: limits before any process is there. A v1 cpuset takes only what its parent has, and no task while it is
  // empty: fill the parents, set what is asked for, then inherit what is not.
  const cpuset = dirs.find(({ hierarchy }) => hierarchy.split(',').includes('cpuset'))
  if (cpuset !== undefined) draft.steps.push(...inheritSteps([cpuset.mount, ...cpuset.parents]))
  if (resources.cpu) planCpuset(draft, resources.cpu)
  if (cpuset !== undefined) draft.steps.push(...inheritSteps([parentPath(cpuset.path), cpuset.path]))
  const devices = planDevices(draft, input, v2)
  refuseFrozen(draft, resources)
  planLimits(draft, resources, facts.v2?.controllers)
  const inner = delegated(input, v2)
  // What the container turns on for cgroups of its own has to be there.
  if (v2 && inner !== undefined)
    draft.steps.push({ kind: 'enable', dir: v2.path, controllers: facts.v2?.controllers ?? [] })
  // ORDER: when it is the container's, all that it must not change is there.
  if (v2 !== undefined && input.owner) draft.steps.push(give(inner ?? v2.path, input.owner, rootless))
  const onward = unit && v2 && (inner ?? (subgroup === '' ? undefined : v2.path))
  return {
    dirs,
    steps: draft.steps,
    late: draft.late,
    tasks: dirs.filter((dir) => dir !== v2).map(({ path }) => `${path}/tasks`),
    ...(v2 === undefined || unit ? {} : { into: inner ?? v2.path }),
    ...(inner === undefined ? {} : { inner }),
    ...(onward === undefined ? {} : { onward }),
    ...(unit ? { unit } : {}),
    ...(devices === undefined ? {} : { devices }),
    warnings: draft.warnings,
  }
}

/** Init would be frozen as it is born, and whoever made it would wait for it for ever. */
function refuseFrozen(draft: Draft, { unified }: Resources): void {
  const freeze = unified?.['cgroup.freeze']?.trim()
  if (freeze === undefined || freeze === '0') return
  throw refused(draft, 'unsupported', ['unified', 'cgroup.freeze'], 'a container cannot be made in a frozen cgroup')
}

/** The delegated cgroup. On v1 what is below a cgroup can take what that has, so there it is refused, as by crun. */
function delegated({ delegate, facts }: CgroupInput, v2: CgroupDir | undefined): string | undefined {
  if (!delegate) return undefined
  if (v2 && facts.mode === 'unified') return `${v2.path}/${delegate}`
  const at = pointer('annotations', ANNOTATION.delegateCgroup)
  const message = 'a cgroup can be delegated with cgroup v2 alone, and v1 is mounted here'
  throw new RuntimeError('unsupported', `${at}: ${message}`, [{ pointer: at, message }])
}

function give(dir: string, uid: number, rootless: boolean): CgroupStep {
  return { kind: 'give', dir, uid, ...(rootless ? { optional: true } : {}) }
}

/** Everything of `resources` but cpuset and devices; `controllers` are those of v2, undefined without v2. */
export function planLimits(draft: Draft, resources: Resources, controllers: readonly string[] | undefined): void {
  const { memory, cpu, pids, blockIO, hugepageLimits, network, rdma, unified } = resources
  if (memory) planMemory(draft, memory)
  if (cpu) planCpu(draft, cpu)
  if (pids) planPids(draft, pids)
  if (blockIO) planBlockIo(draft, blockIO)
  if (hugepageLimits) planHugepages(draft, hugepageLimits)
  if (network) planNetwork(draft, network)
  if (rdma) planRdma(draft, rdma)
  // ORDER: last: what the user says in v2's own words wins over what was converted.
  if (unified) planUnified(draft, unified, controllers)
}

/** A controller is configured where it is mounted: v1 if it is there, v2 otherwise ('' is v2 itself). */
export function placeIn(facts: CgroupFacts, dirs: readonly CgroupDir[]): Draft['place'] {
  const places = new Map<string, Place>()
  for (const { hierarchy, path } of dirs) {
    if (hierarchy !== 'v2') for (const name of hierarchy.split(',')) places.set(name, { version: 1, dir: path })
    else
      for (const name of ['', ...(facts.v2?.controllers ?? [])])
        if (!places.has(name)) places.set(name, { version: 2, dir: path })
  }
  return (controller) => places.get(controller)
}

/**
 * On pure v2 all controllers are enabled on the way to the container, limits or not: engines read usage from them.
 * On a hybrid machine v2 holds leftovers, and only what is asked for is enabled.
 */
export function enableSteps(facts: CgroupFacts, v2: CgroupDir, resources: Resources): CgroupStep[] {
  const have = facts.v2?.controllers ?? []
  const controllers = facts.mode === 'unified' ? have : have.filter((controller) => asksFor(resources, controller))
  if (controllers.length === 0) return []
  return [v2.mount, ...v2.parents].map((dir) => ({ kind: 'enable', dir, controllers }))
}

function asksFor(resources: Resources, controller: string): boolean {
  const key = ({ io: 'blockIO', cpuset: 'cpu', hugetlb: 'hugepageLimits' } as Record<string, string>)[controller]
  const asked = resources[(key ?? controller) as keyof Resources]
  const inUnified = Object.keys(resources.unified ?? {}).some((file) => file.startsWith(`${controller}.`))
  return inUnified || (asked !== undefined && Object.keys(asked).length > 0)
}

/** KERNEL: a new v1 cpuset is empty. Each directory of the chain but the first inherits from the one before it. */
function inheritSteps(chain: readonly string[]): CgroupStep[] {
  return chain.slice(1).flatMap((dir) => {
    return ['cpus', 'mems'].map((name): CgroupStep => {
      return { kind: 'inherit', dir, parent: parentPath(dir), files: [`cpuset.${name}`, name] }
    })
  })
}

/** The filter is there always: without rules the default list is all that a container may use. */
function planDevices(draft: Draft, input: CgroupInput, v2: CgroupDir | undefined): DeviceProgram | undefined {
  const { facts, rootless, resources } = input
  const rules = accessRules(draft, resources?.devices)
  const v1 = facts.v1.length > 0 ? draft.place('devices') : undefined
  if (v1?.version === 1) {
    planDevicesV1(draft, v1, rules, rootless)
    return undefined
  }
  if (v2 !== undefined) {
    // No program at all allows everything: nothing to load for a privileged container.
    if (allowsEverything(rules)) return undefined
    return { dir: v2.path, instructions: deviceProgram(rules), ...(rootless ? { optional: true } : {}) }
  }
  if (resources?.devices?.some(({ allow }) => !allow) && !rootless) {
    throw refused(draft, 'unsupported', ['devices'], 'no mounted cgroup hierarchy can restrict devices')
  }
  draft.warnings.push('no mounted cgroup hierarchy can restrict devices: the container is not kept from any')
  return undefined
}
