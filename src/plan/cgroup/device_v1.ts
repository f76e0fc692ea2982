/**
 * The device list of cgroup v1 (cgroup-v1/devices.rst): a default behaviour and exceptions from it.
 *
 * The kernel removes exceptions only where type and numbers are the same, and silently ignores a rule that would punch
 * a hole into a wildcard exception. So the rules are applied here first, to a model that refuses what the kernel would
 * ignore, and what is written is the model's final state: at most one write to reset, one for each exception.
 */

import { type AccessRule, accessLetters, covers, deviceKey, isDefault, overlaps } from './device_rules.ts'
import { refused } from './draft.ts'
import type { CgroupStep, CgroupWrite, Draft, Place } from './model.ts'

/** The model's state: rules of the opposite sense of the default, none about type 'a'. */
interface DeviceModel {
  allowByDefault: boolean
  /** By {@link deviceKey}, in the order in which they came. */
  exceptions: Map<string, AccessRule>
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
  for (const rule of exceptions.values()) draft.steps.push(step(!allowByDefault, ruleText(rule), rule.config))
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
  const steps = (allow: boolean, rules: Iterable<AccessRule>) =>
    Array.from(rules, (rule) => deviceStep(place, allow, ruleText(rule), rule.config))
  const { allowByDefault } = after
  if (before.allowByDefault !== allowByDefault) {
    return [deviceStep(place, allowByDefault, 'a', ''), ...steps(!allowByDefault, after.exceptions.values())]
  }
  // ORDER: what is allowed comes before what is denied.
  const added = steps(!allowByDefault, difference(after.exceptions, before.exceptions))
  const gone = difference(before.exceptions, after.exceptions)
  const removed = gone.map((rule) => deviceStep(place, allowByDefault, ruleText(rule), ''))
  return allowByDefault ? [...removed, ...added] : [...added, ...removed]
}

/** The rules of `of`, each without the accesses that `other` has for the same type and numbers. */
function difference(of: DeviceModel['exceptions'], other: DeviceModel['exceptions']): AccessRule[] {
  return [...of].flatMap(([key, rule]) => {
    const access = rule.access & ~(other.get(key)?.access ?? 0)
    return access === 0 ? [] : [{ ...rule, access }]
  })
}

function modelOf(draft: Draft, rules: readonly AccessRule[]): DeviceModel {
  const model: DeviceModel = { allowByDefault: false, exceptions: new Map() }
  for (const rule of rules) applyRule(draft, model, rule)
  return model
}

function deviceStep(place: Place, allow: boolean, value: string, config: string): CgroupWrite {
  return { kind: 'write', path: `${place.dir}/devices.${allow ? 'allow' : 'deny'}`, value, config }
}

function ruleText(rule: AccessRule): string {
  return `${deviceKey(rule)} ${accessLetters(rule.access)}`
}

function applyRule(draft: Draft, model: DeviceModel, rule: AccessRule): void {
  if (isDefault(rule)) {
    model.allowByDefault = rule.allow
    model.exceptions = new Map()
  } else if (rule.type === 'a') {
    // KERNEL: "a" with numbers or less than rwm would be taken as everything; it is written as one rule a type.
    applyRule(draft, model, { ...rule, type: 'b' })
    applyRule(draft, model, { ...rule, type: 'c' })
  } else if (rule.allow !== model.allowByDefault) addException(model, rule)
  else takeBack(draft, model, rule)
}

function addException({ exceptions }: DeviceModel, rule: AccessRule): void {
  const key = deviceKey(rule)
  const known = exceptions.get(key)
  exceptions.set(key, known === undefined ? rule : { ...known, access: known.access | rule.access })
}

/** A rule in the sense of the default: what it covers is no exception any more. */
function takeBack(draft: Draft, model: DeviceModel, rule: AccessRule): void {
  for (const [key, exception] of affected(model, rule)) {
    const covered = covers(rule, exception)
    if (!covered && (exception.access & rule.access) !== 0 && overlaps(rule, exception)) {
      const index = Number(rule.config.split('/').pop())
      const message = 'cgroup v1 cannot punch a hole into the wildcard of an earlier device rule'
      throw refused(draft, 'unsupported', ['devices', index], message)
    }
    if (!covered) continue
    const access = exception.access & ~rule.access
    if (access === 0) model.exceptions.delete(key)
    else model.exceptions.set(key, { ...exception, access })
  }
}

/** The exceptions that can overlap with a rule. Of one about a single device there are four, however many others. */
function affected({ exceptions }: DeviceModel, rule: AccessRule): (readonly [key: string, AccessRule])[] {
  const { type, major, minor } = rule
  if (major === undefined || minor === undefined) return [...exceptions]
  return [undefined, major].flatMap((one) =>
    [undefined, minor].flatMap((other) => {
      const key = deviceKey({ type, major: one, minor: other })
      const found = exceptions.get(key)
      return found ? [[key, found] as const] : []
    }),
  )
}
