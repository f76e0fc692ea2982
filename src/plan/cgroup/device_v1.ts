/**
 * The device list of cgroup v1 (cgroup-v1/devices.rst): a default behaviour and exceptions from it.
 *
 * The kernel removes exceptions only where type and numbers are the same, and silently ignores a rule that would punch
 * a hole into a wildcard exception. So the rules are applied here first, to a model that refuses what the kernel would
 * ignore, and what is written is the model's final state: at most one write to reset, one for each exception.
 */

import { type AccessRule, accessLetters, covers, isDefault, overlaps } from './device_rules.ts'
import { refused } from './draft.ts'
import type { CgroupStep, Draft, Place } from './model.ts'

/** The model's state: rules of the opposite sense of the default, none about type 'a'. */
interface DeviceModel {
  allowByDefault: boolean
  exceptions: AccessRule[]
}

/** Plans the writes; `optional` tolerates that we may not (rootless). */
export function planDevicesV1(draft: Draft, place: Place, rules: readonly AccessRule[], optional: boolean): void {
  const model: DeviceModel = { allowByDefault: false, exceptions: [] }
  for (const rule of rules) applyRule(draft, model, rule)
  const tolerate = optional ? { tolerate: ['EPERM', 'EACCES'] } : {}
  const step = (allow: boolean, value: string, config: string): CgroupStep => {
    const path = `${place.dir}/devices.${allow ? 'allow' : 'deny'}`
    return { kind: 'write', path, value, config, ...tolerate }
  }
  draft.steps.push(step(model.allowByDefault, 'a', ''))
  for (const rule of model.exceptions) {
    const number = (value: number | undefined) => (value === undefined ? '*' : String(value))
    const value = `${rule.type} ${number(rule.major)}:${number(rule.minor)} ${accessLetters(rule.access)}`
    draft.steps.push(step(!model.allowByDefault, value, rule.config))
  }
}

function applyRule(draft: Draft, model: DeviceModel, rule: AccessRule): void {
  if (isDefault(rule)) {
    model.allowByDefault = rule.allow
    model.exceptions = []
  } else if (rule.type === 'a') {
    // KERNEL: "a" with numbers or less than rwm would be taken as everything; it is written as one rule a type.
    applyRule(draft, model, { ...rule, type: 'b' })
    applyRule(draft, model, { ...rule, type: 'c' })
  } else if (rule.allow !== model.allowByDefault) addException(model, rule)
  else takeBack(draft, model, rule)
}

function addException({ exceptions }: DeviceModel, rule: AccessRule): void {
  const { type, major, minor } = rule
  const same = exceptions.findIndex((one) => one.type === type && one.major === major && one.minor === minor)
  const known = exceptions[same]
  if (known === undefined) exceptions.push(rule)
  else exceptions[same] = { ...known, access: known.access | rule.access }
}

/** A rule in the sense of the default: what it covers is no exception any more. */
function takeBack(draft: Draft, model: DeviceModel, rule: AccessRule): void {
  const kept: AccessRule[] = []
  for (const exception of model.exceptions) {
    const covered = covers(rule, exception)
    if (!covered && (exception.access & rule.access) !== 0 && overlaps(rule, exception)) {
      const index = Number(rule.config.split('/').pop())
      const message = 'cgroup v1 cannot punch a hole into the wildcard of an earlier device rule'
      throw refused(draft, 'unsupported', ['devices', index], message)
    }
    const access = covered ? exception.access & ~rule.access : exception.access
    if (access !== 0) kept.push({ ...exception, access })
  }
  model.exceptions = kept
}
