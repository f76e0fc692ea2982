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
  readonly allowByDefault: boolean
  readonly exceptions: readonly AccessRule[]
}

/** Plans the writes; `optional` tolerates that we may not (rootless). */
export function planDevicesV1(draft: Draft, place: Place, rules: readonly AccessRule[], optional: boolean): void {
  const model = rules.reduce<DeviceModel>((state, rule) => applyRule(draft, state, rule), {
    allowByDefault: false,
    exceptions: [],
  })
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

function applyRule(draft: Draft, state: DeviceModel, rule: AccessRule): DeviceModel {
  if (isDefault(rule)) return { allowByDefault: rule.allow, exceptions: [] }
  if (rule.type === 'a') {
    // KERNEL: "a" with numbers or less than rwm would be taken as everything; it is written as one rule a type.
    const half = applyRule(draft, state, { ...rule, type: 'b' })
    return applyRule(draft, half, { ...rule, type: 'c' })
  }
  if (rule.allow !== state.allowByDefault) return addException(state, rule)
  const exceptions: AccessRule[] = []
  for (const exception of state.exceptions) {
    const shared = exception.access & rule.access
    if (shared !== 0 && overlaps(rule, exception) && !covers(rule, exception)) {
      const index = Number(rule.config.split('/').pop())
      const message = 'cgroup v1 cannot punch a hole into the wildcard of an earlier device rule'
      throw refused(draft, 'unsupported', ['devices', index], message)
    }
    const left = covers(rule, exception) ? exception.access & ~rule.access : exception.access
    if (left !== 0) exceptions.push({ ...exception, access: left })
  }
  return { ...state, exceptions }
}

function addException(state: DeviceModel, rule: AccessRule): DeviceModel {
  const same = state.exceptions.findIndex((exception) => covers(rule, exception) && covers(exception, rule))
  if (same < 0) return { ...state, exceptions: [...state.exceptions, rule] }
  const merged = state.exceptions.map((exception, index) => {
    return index === same ? { ...exception, access: exception.access | rule.access } : exception
  })
  return { ...state, exceptions: merged }
}
