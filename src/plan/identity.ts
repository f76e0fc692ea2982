/**
 * Who the process is: groups, ids, capabilities. The last privileged act; what needs privilege precedes it, and
 * src/plan/check.ts proves that.
 */
import { CAPABILITY_NAMES, capabilityNumber } from '../kernel/capabilities.ts'
import { PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS } from '../kernel/prctl.ts'
import { hasUserNamespace, namespace, type PlanContext } from './context.ts'
import type { ChildStep } from './step.ts'
import { setgroupsPolicy } from './user_namespace.ts'

const prctl = (name: string, option: number, args: readonly number[], doing: string): ChildStep => ({
  kind: 'prctl',
  name,
  option,
  args,
  origin: { doing },
})

/** The capabilities this kernel has, in their order. */
function known(ctx: PlanContext): string[] {
  return CAPABILITY_NAMES.slice(0, ctx.facts.lastCap + 1)
}

function own(ctx: PlanContext): Set<string> {
  const bits = BigInt(`0x${ctx.facts.boundingCaps}`)
  return new Set(CAPABILITY_NAMES.filter((_, number) => (bits >> BigInt(number)) & 1n))
}

/**
 * The five sets. Absent sets are empty. What davit itself lacks cannot be given: as runc, it is left out with a
 * warning rather than failing. Inside a new user namespace everything can be given.
 */
export function capabilitySets(
  ctx: PlanContext,
): Record<'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient', string[]> {
  const asked = ctx.spec.process?.capabilities ?? {}
  const possible = hasUserNamespace(ctx.spec) ? new Set(known(ctx)) : own(ctx)
  const missing = new Set<string>()
  const pick = (names: readonly string[] = []): string[] => {
    for (const name of names) if (!possible.has(name)) missing.add(name)
    return known(ctx).filter((name) => names.includes(name) && possible.has(name))
  }
  const sets = {
    bounding: pick(asked.bounding),
    effective: pick(asked.effective),
    permitted: pick(asked.permitted),
    inheritable: pick(asked.inheritable),
    ambient: pick(asked.ambient),
  }
  // A name that is no capability at all has its warning already (src/spec/rules/capabilities.ts).
  const unavailable = [...missing].filter((name) => capabilityNumber(name) !== undefined)
  if (unavailable.length > 0) ctx.warnings.push(`ignoring unavailable capabilities: ${unavailable.join(', ')}`)
  // The kernel raises nothing in the ambient set that is not permitted and inheritable. `runc spec` writes such
  // configurations since CVE-2022-29162 took the inheritable set out of it, and runc passes over them.
  const raisable = sets.ambient.filter((name) => sets.permitted.includes(name) && sets.inheritable.includes(name))
  const ignored = sets.ambient.filter((name) => !raisable.includes(name))
  if (ignored.length > 0) {
    ctx.warnings.push(`ignoring ambient capabilities that are not permitted and inheritable: ${ignored.join(', ')}`)
  }
  return { ...sets, ambient: raisable }
}

export function planIdentity(ctx: PlanContext): ChildStep[] {
  const { user = {}, capabilities } = ctx.spec.process ?? {}
  const { uid = 0, gid = 0, additionalGids = [] } = user
  const sets = capabilitySets(ctx)
  const have = own(ctx)
  const drop = known(ctx).filter(
    (name) => !sets.bounding.includes(name) && (hasUserNamespace(ctx.spec) || have.has(name)),
  )
  const at = (config: string, doing: string) => ({ origin: { config, doing } })
  const steps: ChildStep[] = []
  if (drop.length > 0)
    steps.push({
      kind: 'boundingDrop',
      capabilities: drop,
      ...at('/process/capabilities/bounding', 'drop bounding capabilities'),
    })
  // ORDER: keep the permitted set through setuid, which otherwise clears it when leaving uid 0.
  steps.push(prctl('PR_SET_KEEPCAPS', PR_SET_KEEPCAPS, [1], 'keep capabilities over setuid'))
  // Without the right to call setgroups (rootless) there are no groups to drop but the caller's own.
  if (!hasUserNamespace(ctx.spec) || setgroupsPolicy(ctx) === 'allow') {
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
    { kind: 'setgid', gid, ...at('/process/user/gid', `become group ${gid}`) },
    { kind: 'setuid', uid, ...at('/process/user/uid', `become user ${uid}`) },
    prctl('PR_SET_KEEPCAPS', PR_SET_KEEPCAPS, [0], 'keep capabilities over setuid'),
    { kind: 'capset', ...sets, ...at('/process/capabilities', 'set capabilities') },
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
export function planNoNewPrivileges(ctx: PlanContext): ChildStep[] {
  if (!ctx.spec.process?.noNewPrivileges) return []
  const origin = { config: '/process/noNewPrivileges', doing: 'set no_new_privs' }
  return [{ kind: 'prctl', name: 'PR_SET_NO_NEW_PRIVS', option: PR_SET_NO_NEW_PRIVS, args: [1, 0, 0, 0], origin }]
}
