/**
 * The device access list: what config.json says plus davit's defaults, normalised.
 * SPEC: rules apply in the listed order, so for each kind of access the last rule that matches decides.
 */

import type { Integer } from '../../spec/numbers.ts'
import type { DeviceRule } from '../../spec/types.gen.ts'
import { refused } from './draft.ts'
import type { Draft } from './model.ts'

export interface AccessRule {
  readonly allow: boolean
  readonly type: 'a' | 'b' | 'c'
  /** undefined is every number. */
  readonly major: number | undefined
  readonly minor: number | undefined
  /** Bits of {@link ACCESS}. */
  readonly access: number
  /** JSON pointer to the rule, '' for davit's own. */
  readonly config: string
}

/** Bits as in struct bpf_cgroup_dev_ctx (linux/bpf.h), the kernel's DEVCG_ACC_*. */
export const ACCESS = { m: 1, r: 2, w: 4 } as const
export const ALL_ACCESS = 7

const DENY_ALL: AccessRule = {
  allow: false,
  type: 'a',
  major: undefined,
  minor: undefined,
  access: ALL_ACCESS,
  config: '',
}

/**
 * What every container may use, after the rules of config.json, as with runc (AllowedDevices in its specconv) and crun:
 * users cannot take these away. mknod of anything: harmless, the node cannot be opened without a rule of its own.
 */
const DEFAULT_ALLOWED: readonly (readonly ['b' | 'c', number | undefined, number | undefined, number])[] = [
  ['c', undefined, undefined, ACCESS.m],
  ['b', undefined, undefined, ACCESS.m],
  ['c', 1, 3, ALL_ACCESS], // null
  ['c', 1, 8, ALL_ACCESS], // random
  ['c', 1, 7, ALL_ACCESS], // full
  ['c', 5, 0, ALL_ACCESS], // tty
  ['c', 1, 5, ALL_ACCESS], // zero
  ['c', 1, 9, ALL_ACCESS], // urandom
  ['c', 136, undefined, ALL_ACCESS], // pts/*
  ['c', 5, 2, ALL_ACCESS], // ptmx
  // net/tun: not in the specification; both peers took it out, broke VPN containers and put it back (runc 1.2.4).
  ['c', 10, 200, ALL_ACCESS],
]

/** The complete list in order: deny all, config.json's rules, the defaults. */
export function accessRules(draft: Draft, rules: readonly DeviceRule[] | undefined): AccessRule[] {
  const asked = (rules ?? []).map((rule, index) => normalise(draft, rule, index))
  const defaults = DEFAULT_ALLOWED.map(([type, major, minor, access]) => {
    return { allow: true, type, major, minor, access, config: '' }
  })
  return [DENY_ALL, ...asked, ...defaults]
}

function normalise(draft: Draft, rule: DeviceRule, index: number): AccessRule {
  const at = ['devices', index]
  const type = rule.type || 'a'
  if (type !== 'a' && type !== 'b' && type !== 'c') {
    throw refused(draft, 'config-invalid', [...at, 'type'], `invalid cgroup device type "${type}"`)
  }
  if (!rule.access) throw refused(draft, 'config-invalid', [...at, 'access'], 'device access cannot be empty')
  let access = 0
  for (const letter of rule.access) {
    const bit = ACCESS[letter as keyof typeof ACCESS]
    if (bit === undefined) {
      throw refused(draft, 'config-invalid', [...at, 'access'], `invalid device access "${rule.access}"`)
    }
    access |= bit
  }
  const config = `${draft.at}/devices/${index}`
  return { allow: rule.allow, type, major: wildcard(rule.major), minor: wildcard(rule.minor), access, config }
}

/** Engines write -1 for "all" too. */
function wildcard(number: Integer | undefined): number | undefined {
  return number === undefined || number < 0 ? undefined : Number(number)
}

/** Whether every device that `inner` is about is one that `outer` is about. */
export function covers(outer: AccessRule, inner: AccessRule): boolean {
  return (
    (outer.type === 'a' || outer.type === inner.type) &&
    (outer.major === undefined || outer.major === inner.major) &&
    (outer.minor === undefined || outer.minor === inner.minor)
  )
}

/** Whether there can be a device that both rules are about. */
export function overlaps(one: AccessRule, other: AccessRule): boolean {
  const meet = <T>(a: T, b: T, any: T) => a === b || a === any || b === any
  return (
    meet<string>(one.type, other.type, 'a') &&
    meet(one.major, other.major, undefined) &&
    meet(one.minor, other.minor, undefined)
  )
}

/** Whether a rule is about every access to every device, so that no earlier rule counts. */
export function isDefault(rule: AccessRule): boolean {
  return rule.type === 'a' && rule.major === undefined && rule.minor === undefined && rule.access === ALL_ACCESS
}

/** Whether the list forbids nothing: no rule denies after one that allows everything. */
export function allowsEverything(rules: readonly AccessRule[]): boolean {
  const last = rules.findLastIndex((rule) => !rule.allow || isDefault(rule))
  return rules[last]?.allow === true
}

/** What a rule is about: two with the same key are about the same devices. */
export function deviceKey({ type, major, minor }: Pick<AccessRule, 'type' | 'major' | 'minor'>): string {
  return `${type} ${major ?? '*'}:${minor ?? '*'}`
}

/** The keys of all rules that would cover this one: at most eight, so that nobody has to look through a list of rules. */
function coveringKeys({ type, major, minor }: AccessRule): string[] {
  const types = type === 'a' ? (['a'] as const) : (['a', type] as const)
  const [majors, minors] = [major, minor].map((number) => (number === undefined ? [number] : [undefined, number]))
  return types.flatMap((one) =>
    (majors ?? []).flatMap((first) =>
      (minors ?? []).map((second) => deviceKey({ type: one, major: first, minor: second })),
    ),
  )
}

/** The list without rules of which a later one is about all devices and all accesses. */
export function effectiveRules(rules: readonly AccessRule[]): AccessRule[] {
  // By key: the accesses of later rules, a bit for each set of bits.
  const later = new Map<string, number>()
  const kept: AccessRule[] = []
  for (const rule of rules.toReversed()) {
    const pointless = coveringKeys(rule).some((key) => ((later.get(key) ?? 0) & supersets(rule.access)) !== 0)
    const key = deviceKey(rule)
    later.set(key, (later.get(key) ?? 0) | (1 << rule.access))
    if (!pointless) kept.push(rule)
  }
  return kept.reverse()
}

/** A bit for each set of accesses that has all of these. */
function supersets(access: number): number {
  let bits = 0
  for (let set = 0; set <= ALL_ACCESS; set++) if ((access & ~set) === 0) bits |= 1 << set
  return bits
}

/** The access bits as the kernel's devices.allow writes them. */
export function accessLetters(access: number): string {
  return `${access & ACCESS.r ? 'r' : ''}${access & ACCESS.w ? 'w' : ''}${access & ACCESS.m ? 'm' : ''}`
}
