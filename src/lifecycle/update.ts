/** `update`: other limits for a container that lives. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { gatherCgroupFacts } from '../host/cgroup/facts.ts'
import { runSteps } from '../host/cgroup/steps.ts'
import { runUpdate } from '../host/cgroup/update.ts'
import { kernelRelease } from '../host/process_facts.ts'
import type { CgroupStep } from '../plan/cgroup/model.ts'
import { planUpdate, type UpdatePlan } from '../plan/cgroup/update.ts'
import type { Resources } from '../spec/types.gen.ts'
import { openContainer, releaseContainer } from '../state/claim.ts'
import type { Claim } from '../state/folder.ts'
import { readConfig } from '../state/kept_config.ts'
import type { ContainerRecord } from '../state/record.ts'
import { statusOf } from '../state/status.ts'
import { readRecord, writeRecord } from '../state/store.ts'
import type { Runtime } from './runtime.ts'
import { loadUnits, units } from './units.ts'
import type { RdtUpdate } from './update_rdt.ts'

/**
 * Sets what the request asks for, which has been validated: all of it or, after a failure, nothing. What is in force
 * then is kept in the record for the next update.
 */
export async function updateContainer(
  runtime: Runtime,
  id: string,
  request: Resources,
  rdt?: RdtUpdate,
): Promise<void> {
  const claim = openContainer(runtime.root, id, true) as Claim
  try {
    const record = readRecord(runtime.root, id)
    const status = record ? statusOf(claim.path, record) : 'creating'
    // runc's words.
    if (!record || status === 'stopped' || status === 'creating')
      throw new RuntimeError('bad-state', 'container not running')
    await loadUnits(record)
    rdt?.apply(record.intelRdt)
    try {
      if (!rdt || asksForSomething(request)) updateCgroups(runtime, claim, record, request)
    } catch (error) {
      const trouble = rdt?.restore()
      if (trouble !== undefined) runtime.log.warning(`put the former schemata back: ${trouble}`)
      throw error
    }
  } finally {
    releaseContainer(claim)
  }
}

/**
 * ORDER: systemd before the files: it writes them, too, and rounds; it does so before it answers the next question.
 * What is checked first of all comes before systemd: a limit below the usage kills as soon as it is set.
 */
function updateAll({ unit }: ContainerRecord, plan: UpdatePlan): void {
  if (!unit) return runUpdate(plan)
  const isCheck = ({ kind }: CgroupStep) => kind === 'check'
  runSteps(plan.steps.filter(isCheck))
  units().setUnit(unit, plan.unit.after)
  try {
    runUpdate({ ...plan, steps: plan.steps.filter((step) => !isCheck(step)) })
  } catch (error) {
    try {
      units().setUnit(unit, plan.unit.before)
    } catch (trouble) {
      throw new RuntimeError('cgroup', `${messageOf(error)}; put the former properties back: ${messageOf(trouble)}`)
    }
    throw error
  }
}

function asksForSomething(request: Resources): boolean {
  return Object.values(request).some((kind) => Object.keys(kind).length > 0)
}

function updateCgroups(runtime: Runtime, claim: Claim, record: ContainerRecord, request: Resources): void {
  if (!record.cgroup) throw new RuntimeError('unsupported', 'cannot update: the container has no cgroups')
  const plan = planUpdate({
    facts: gatherCgroupFacts(),
    kernel: kernelRelease(),
    cgroup: record.cgroup,
    inForce: resourcesInForce(runtime, record),
    request,
  })
  for (const warning of plan.warnings) runtime.log.warning(warning)
  // ORDER: what could not be remembered is not set at all.
  writeRecord(claim, { ...record, resources: plan.resources })
  try {
    updateAll(record, plan)
  } catch (error) {
    forget(runtime, claim, record)
    throw error
  }
}

/** Never throws: an error is already on its way. */
function forget({ log }: Runtime, claim: Claim, record: ContainerRecord): void {
  try {
    writeRecord(claim, record)
  } catch (error) {
    log.warning(`clean up after failure: ${messageOf(error)}`)
  }
}

/** As last updated, else as in the config.json that the container was made from. */
function resourcesInForce({ root }: Runtime, record: ContainerRecord): Resources {
  if (record.resources) return record.resources
  return readConfig(root, record).linux?.resources ?? {}
}
