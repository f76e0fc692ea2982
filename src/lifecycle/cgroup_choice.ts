/** Which cgroups a container gets: as config.json says, or none, as --cgroup-manager=disabled says. */
import { type Problem, RuntimeError } from '../base/errors.ts'
import type { CgroupPlan } from '../plan/cgroup/model.ts'
import { cgroupOwner } from '../plan/cgroup/owner.ts'
import { planCgroup } from '../plan/cgroup/plan.ts'
import { planUnit, type UnitPlan } from '../plan/cgroup/unit.ts'
import type { SystemdFacts } from '../plan/cgroup/unit_name.ts'
import type { Facts } from '../plan/facts.ts'
import { ANNOTATION, annotation } from '../spec/annotations.ts'
import type { Spec } from '../spec/types.gen.ts'
import { isRootless, type Runtime } from './runtime.ts'

/** Undefined: the container stays in the cgroups of whoever calls, and nothing of them is looked at or changed. */
export function chooseCgroup(
  runtime: Pick<Runtime, 'cgroups' | 'rootless'>,
  spec: Spec,
  facts: Facts,
  id: string,
  systemd?: SystemdFacts,
): CgroupPlan | undefined {
  const { cgroupsPath, resources } = spec.linux ?? {}
  if (runtime.cgroups === 'disabled') {
    refuseLimits(resources ?? {})
    return undefined
  }
  const cgroup = planCgroup({
    ...{ id, cgroupsPath, resources, facts: facts.cgroup },
    rootless: isRootless(runtime, facts),
    owner: cgroupOwner(spec, facts.cgroup),
    unit: systemd && unitOf(spec, facts, id, systemd),
    subgroup: annotation(spec, ANNOTATION.systemdSubgroup),
    delegate: annotation(spec, ANNOTATION.delegateCgroup),
  })
  return cgroup.dirs.length > 0 ? cgroup : undefined
}

/** runc can do more: v1 hierarchies of a machine with systemd. */
function unitOf(spec: Spec, { cgroup }: Facts, id: string, systemd: SystemdFacts): UnitPlan {
  if (cgroup.mode !== 'unified')
    throw new RuntimeError('unsupported', '--systemd-cgroup is supported with cgroup v2 alone, and v1 is mounted here')
  const { cgroupsPath, resources } = spec.linux ?? {}
  return planUnit({ id, cgroupsPath, resources, annotations: spec.annotations, systemd })
}

/** The device list does not count: every engine writes one. */
function refuseLimits(resources: object): void {
  const limits = Object.entries(resources).filter(
    ([name, value]) => name !== 'devices' && typeof value === 'object' && value && Object.keys(value).length > 0,
  )
  const problems = limits.map(([name]): Problem => ({ pointer: `/linux/resources/${name}`, message: 'needs a cgroup' }))
  if (problems.length === 0) return
  const words = problems.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ')
  throw new RuntimeError('unsupported', `unsupported config.json with --cgroup-manager=disabled: ${words}`, problems)
}
