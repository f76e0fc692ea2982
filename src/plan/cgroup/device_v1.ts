/**
 * The device list of cgroup v1 (cgroup-v1/devices.rst): a default behaviour and exceptions from it.
 *
 * The kernel removes exceptions only where type and numbers are the same, and silently ignores a rule that would punch
 * a hole into a wildcard exception. So the rules are applied here first, to a model that refuses what the kernel would
 * ignore, and what is written is the model's final state: at most one write to reset, one for each exception.
 */

import { type AccessRule, accessLetters, covers, isDefault, overlaps } from './device_rules.ts'
import { refused } from './draft.ts'
import type { CgroupStep, CgroupWrite, Draft, Place } from './model.ts'

/** The model's state: rules of the opposite sense of the default, none about type 'a'. */
interface DeviceModel {
  allowByDefault: boolean
  exceptions: AccessRule[]
}

/** Plans the writes; `optional` tolerates that we may not (rootless). */
export function planDevicesV1(draft: Draft, place: Place, rules: readonly AccessRule[], optional: boolean): void {
  const { allowByDefault, exceptions } = modelOf(draft, rules)
  const tolerate = optional ? { tolerate: ['EPERM', 'EACCES'] } : {}
  const step = (allow: boolean, value: string, config: string) => ({
    ...deviceStep(place, allow, value, config),
    ...tolerate,
  })
  draft.steps.push(step(allowByDefault, 'a', ''))
  for (const rule of exceptions) draft.steps.push(step(!allowByDefault, ruleText(rule), rule.config))
}

/**
 * Plans the way from one list to another of a container that lives: only what differs is written, so that it never
 * loses, not even for a moment, a device that both lists allow. Only where the default itself changes the kernel starts
 * anew.
 */
export function planDeviceChangeV1(
  draft: Draft,
  place: Place,
  from: readonly AccessRule[],
  to: readonly AccessRule[],
): CgroupStep[] {
  const before = modelOf(draft, from)
  const after = modelOf(draft, to)
  const steps = (allow: boolean, rules: readonly AccessRule[]) =>
    rules.map((rule) => deviceStep(place, allow, ruleText(rule), rule.config))
  const { allowByDefault } = after
  if (before.allowByDefault !== allowByDefault) {
    return [deviceStep(place, allowByDefault, 'a', ''), ...steps(!allowByDefault, after.exceptions)]
  }
  // ORDER: what is allowed comes before what is denied.
  const added = steps(!allowByDefault, difference(after.exceptions, before.exceptions))
  const gone = difference(before.exceptions, after.exceptions)
  const removed = gone.map((rule) => deviceStep(place, allowByDefault, ruleText(rule), ''))
  return allowByDefault ? [...removed, ...added] : [...added, ...removed]
}

/** The rules of `of`, each without the accesses that `other` has for the same type and numbers. */
function difference(of: readonly AccessRule[], other: readonly AccessRule[]): AccessRule[] {
  return of.flatMap((rule) => {
    const access = rule.access & ~(other.find((one) => isSame(one, rule))?.access ?? 0)
    return access === 0 ? [] : [{ ...rule, access }]
  })
}

function isSame(one: AccessRule, other: AccessRule): boolean {
  return one.type === other.type && one.major === other.major && one.minor === other.minor
}

function modelOf(draft: Draft, rules: readonly AccessRule[]): DeviceModel {
  const model: DeviceModel = { allowByDefault: false, exceptions: [] }
  for (const rule of rules) applyRule(draft, model, rule)
  return model
}

function deviceStep(place: Place, allow: boolean, value: string, config: string): CgroupWrite {
  return { kind: 'write', path: `${place.dir}/devices.${allow ? 'allow' : 'deny'}`, value, config }
}

function ruleText({ type, major, minor, access }: AccessRule): string {
  return `${type} ${major ?? '*'}:${minor ?? '*'} ${accessLetters(access)}`
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
  const same = exceptions.findIndex((one) => isSame(one, rule))
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
