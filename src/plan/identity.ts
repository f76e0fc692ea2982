/**
 * Who the process is: groups, ids, capabilities. The last privileged act; what needs privilege precedes it, and
 * src/plan/check.ts proves that.
 */
import {
  and,
  bitsOf,
  bitsOfHex,
  bitsUpTo,
  type CapabilityBits,
  namesOf,
  or,
  without,
} from '../kernel/capability_bits.ts'
import { PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, SIGKILL } from '../kernel/prctl.ts'
import { ANNOTATION, isOn } from '../spec/annotations.ts'
import { hasUserNamespace, namespace, type ProcessContext } from './context.ts'
import { dieWithParent, dumpable } from './protection.ts'
import type { ChildStep } from './step.ts'
import { setgroupsPolicy } from './user_namespace.ts'

const prctl = (name: string, option: number, args: readonly number[], doing: string): ChildStep => ({
  kind: 'prctl',
  name,
  option,
  args,
  origin: { doing },
})

const SYS_ADMIN = bitsOf(['CAP_SYS_ADMIN'])

type SetName = 'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient'

/**
 * The five sets. Absent sets are empty. What davit itself lacks cannot be given: as runc, it is left out with a
 * warning rather than failing. Inside a new user namespace everything can be given.
 */
export function capabilitySets(ctx: ProcessContext): Record<SetName | 'drop', CapabilityBits> {
  const asked = ctx.spec.process?.capabilities ?? {}
  const known = bitsUpTo(ctx.facts.lastCap)
  const own = hasUserNamespace(ctx.spec) ? known : and(known, bitsOfHex(ctx.facts.boundingCaps))
  let missing: CapabilityBits = { low: 0, high: 0 }
  const pick = (names: readonly string[] | undefined): CapabilityBits => {
    const bits = bitsOf(names)
    missing = or(missing, without(bits, own))
    return and(bits, own)
  }
  const bounding = pick(asked.bounding)
  const effective = pick(asked.effective)
  const permitted = pick(asked.permitted)
  const inheritable = pick(asked.inheritable)
  // The kernel raises nothing in the ambient set that is not permitted and inheritable. `runc spec` writes such
  // configurations since CVE-2022-29162 took the inheritable set out of it, and runc passes over them in silence.
  const ambient = and(pick(asked.ambient), and(permitted, inheritable))
  const warning = `ignoring unavailable capabilities: ${namesOf(missing).join(', ')}`
  if ((missing.low | missing.high) !== 0 && !ctx.warnings.includes(warning)) ctx.warnings.push(warning)
  return { bounding, effective, permitted, inheritable, ambient, drop: without(own, bounding) }
}

function capset({ effective, permitted, inheritable }: ReturnType<typeof capabilitySets>) {
  const origin = { config: '/process/capabilities', doing: 'set capabilities' }
  return { kind: 'capset', effective, permitted, inheritable, origin } as const
}

/**
 * KERNEL: without no_new_privs a seccomp filter takes CAP_SYS_ADMIN, which therefore stays until exec. That computes
 * effective and permitted set anew from the others, so the program starts with what it would have had anyway.
 */
function keptForFilter(ctx: ProcessContext): { keep?: CapabilityBits } {
  return needsAdmin(ctx) ? { keep: SYS_ADMIN } : {}
}

/** After a filter that is not loaded by exec: gives up what was kept for it. */
export function planAfterFilter(ctx: ProcessContext): ChildStep[] {
  return needsAdmin(ctx) ? [capset(capabilitySets(ctx))] : []
}

function needsAdmin({ spec, seccomp }: ProcessContext): boolean {
  return seccomp !== undefined && !spec.process?.noNewPrivileges
}

export function planIdentity(ctx: ProcessContext): ChildStep[] {
  const { user = {}, capabilities } = ctx.spec.process ?? {}
  const { uid = 0, gid = 0, additionalGids = [] } = user
  const sets = capabilitySets(ctx)
  const at = (config: string, doing: string) => ({ origin: { config, doing } })
  const steps: ChildStep[] = []
  if (sets.drop.low | sets.drop.high) {
    const doing = 'drop bounding capabilities'
    steps.push({ kind: 'boundingDrop', capabilities: sets.drop, ...at('/process/capabilities/bounding', doing) })
  }
  // ORDER: keep the permitted set through setuid, which otherwise clears it when leaving uid 0.
  steps.push(prctl('PR_SET_KEEPCAPS', PR_SET_KEEPCAPS, [1], 'keep capabilities over setuid'))
  if (isOn(ctx.spec, ANNOTATION.keepGroups)) {
    if (additionalGids.length > 0)
      ctx.warnings.push(`ignoring additionalGids: ${ANNOTATION.keepGroups} keeps the caller's`)
  }
  // Without the right to call setgroups (rootless) there are no groups to drop but the caller's own.
  else if (setgroupsPolicy(ctx) === 'allow') {
    // KERNEL: who made a user namespace that is joined may have given setgroups up for all in it, us included.
    const given = typeof namespace(ctx.spec, 'user') === 'object' && additionalGids.length === 0
    steps.push({
      kind: 'setgroups',
      gids: additionalGids,
      ...(given ? { tolerate: ['EPERM'], skip: 0 } : {}),
      ...at('/process/user/additionalGids', 'set additional groups'),
    })
  } else if (additionalGids.length > 0) {
    ctx.warnings.push('ignoring additionalGids: setgroups is not allowed in a rootless container')
  }
  steps.push(
    // CVE-2016-9962: each change of ids may have made the process dumpable, and lets it outlive the runtime.
    { kind: 'setgid', gid, ...at('/process/user/gid', `become group ${gid}`) },
    dumpable(false),
    { kind: 'setuid', uid, ...at('/process/user/uid', `become user ${uid}`) },
    dumpable(false),
    dieWithParent(SIGKILL),
    prctl('PR_SET_KEEPCAPS', PR_SET_KEEPCAPS, [0], 'keep capabilities over setuid'),
    { ...capset(sets), ...keptForFilter(ctx) },
  )
  if (capabilities)
    steps.push({
      kind: 'ambient',
      capabilities: sets.ambient,
      ...at('/process/capabilities/ambient', 'set ambient capabilities'),
    })
  return steps
}

/** SPEC: config.md#linux-process noNewPrivileges. */
export function planNoNewPrivileges(ctx: ProcessContext): ChildStep[] {
  if (!ctx.spec.process?.noNewPrivileges) return []
  const origin = { config: '/process/noNewPrivileges', doing: 'set no_new_privs' }
  return [{ kind: 'prctl', name: 'PR_SET_NO_NEW_PRIVS', option: PR_SET_NO_NEW_PRIVS, args: [1, 0, 0, 0], origin }]
}
