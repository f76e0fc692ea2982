/** linux.seccomp as rules for libseccomp, the way runc gives them. Pure. */
import { errnoNumber } from '../../kernel/errno.ts'
import { ACTIONS, type ActionName, OPERATORS, SECCOMP_RET_ERRNO } from '../../kernel/seccomp.ts'
import type { Seccomp, SeccompArg, SeccompRule } from '../../spec/types.gen.ts'

/** A comparison of struct scmp_arg_cmp. With MASKED_EQ `a` is the mask and `b` what must be left. */
export interface Condition {
  readonly index: number
  /** enum scmp_compare. */
  readonly operator: number
  readonly a: bigint
  readonly b: bigint
}

/** What to do with a system call when all conditions hold; without conditions: always. */
export interface FilterRule {
  readonly name: string
  readonly action: number
  readonly conditions: readonly Condition[]
}

const EPERM = errnoNumber('EPERM')

/** An action as the kernel has it. SPEC: without an errno, EPERM; runc takes the same for TRACE. */
export function actionNumber(action: ActionName, errno: number | undefined): number {
  const withData = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE'
  return withData ? (ACTIONS[action] | (errno ?? EPERM)) >>> 0 : ACTIONS[action]
}

/** The action for everything that no rule names. */
export function defaultAction(profile: Seccomp): number {
  return actionNumber(profile.defaultAction, profile.defaultErrnoRet)
}

function condition({ index, op, value, valueTwo }: SeccompArg): Condition {
  return { index, operator: OPERATORS[op], a: BigInt(value), b: BigInt(valueTwo ?? 0) }
}

/**
 * The conditions of one entry by rule. On different arguments all must hold. The same argument twice cannot be put so
 * in libseccomp: then every condition is a rule of its own, as ever in runc.
 */
function alternatives({ args = [] }: SeccompRule): readonly (readonly Condition[])[] {
  const conditions = args.map(condition)
  const once = new Set(conditions.map(({ index }) => index)).size === conditions.length
  return once ? [conditions] : conditions.map((each) => [each])
}

/** All rules in order, without those that say what the default says anyway, which libseccomp would refuse. */
export function filterRules(profile: Seccomp): FilterRule[] {
  const byDefault = defaultAction(profile)
  return (profile.syscalls ?? []).flatMap((rule) => {
    const action = actionNumber(rule.action, rule.errnoRet)
    if (action === byDefault) return []
    const cases = alternatives(rule)
    return rule.names.flatMap((name) => cases.map((conditions) => ({ name, action, conditions })))
  })
}

/** Every name in the profile, once. */
export function namedCalls(profile: Seccomp): Set<string> {
  return new Set((profile.syscalls ?? []).flatMap(({ names }) => names))
}

/** Whether some rule hands calls to an agent. */
export function wantsListener(profile: Seccomp): boolean {
  return (profile.syscalls ?? []).some(({ action }) => action === 'SCMP_ACT_NOTIFY')
}

/**
 * Whether calls newer than the profile get ENOSYS instead of the default action. Not where they are let through: a
 * tracer, too, is to see them and answer by itself.
 */
export function wantsStub(profile: Seccomp): boolean {
  const permissive = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(profile.defaultAction)
  return !permissive && defaultAction(profile) !== (SECCOMP_RET_ERRNO | errnoNumber('ENOSYS'))
}
