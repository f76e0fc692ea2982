/** Entering a user namespace: id maps, written by the parent, then becoming its root. */
import { bitsOfHex, hasCapability } from '../kernel/capability_bits.ts'
import type { IdMapping } from '../spec/types.gen.ts'
import { hasUserNamespace, namespace, type ProcessContext } from './context.ts'
import type { ChildStep, HostStep } from './step.ts'

/** The text of uid_map or gid_map, written in one piece (user_namespaces(7)). */
export function idMapText(mappings: readonly IdMapping[]): string {
  return mappings.map((map) => `${map.containerID} ${map.hostID} ${map.size}\n`).join('')
}

/**
 * Who may write an id map. KERNEL: with the capability, the runtime itself; without it, only a map of the one id that is
 * its own; newuidmap(1) and newgidmap(1) write what the administrator has granted to the user.
 */
function mapWriter({ spec, facts }: ProcessContext, kind: 'uid' | 'gid'): 'runtime' | 'helper' {
  const [maps = [], own, capability] =
    kind === 'uid'
      ? ([spec.linux?.uidMappings, facts.euid, 'CAP_SETUID'] as const)
      : ([spec.linux?.gidMappings, facts.egid, 'CAP_SETGID'] as const)
  const self = maps.length === 1 && maps[0]?.size === 1 && maps[0].hostID === own
  return self || hasCapability(bitsOfHex(facts.effectiveCaps), capability) ? 'runtime' : 'helper'
}

/**
 * Whether setgroups(2) is allowed in the container: without privilege over the host's groups, granted by the
 * administrator or not, it must be given up before the map is written. What is denied stays so in every namespace below.
 */
export function setgroupsPolicy(ctx: ProcessContext): 'allow' | 'deny' {
  const { facts, spec } = ctx
  if (!facts.setgroups) return 'deny'
  if (namespace(spec, 'user') !== 'new') return 'allow'
  const privileged = hasCapability(bitsOfHex(facts.effectiveCaps), 'CAP_SETGID')
  return privileged || mapWriter(ctx, 'gid') === 'helper' ? 'allow' : 'deny'
}

/**
 * KERNEL: the /proc files of a process that is not dumpable belong to root: a parent that is not root, or has it only
 * from its own user namespace, could not write the id maps.
 */
export function mapsNeedDumpable({ facts, spec }: ProcessContext): boolean {
  return facts.euid !== 0 && namespace(spec, 'user') === 'new'
}

/**
 * ORDER: after the namespace is there and mapped, before anything is done in it: become its root, or mounts and
 * sockets belong to the overflow user.
 */
export function userNamespaceSteps(ctx: ProcessContext): ChildStep[] {
  if (!hasUserNamespace(ctx.spec)) return []
  const steps: ChildStep[] = []
  const doing = 'become root of the user namespace'
  if (namespace(ctx.spec, 'user') === 'new') {
    steps.push({ kind: 'sync', tag: 'idMaps', wait: true, origin: { doing: 'wait for the id maps' } })
  }
  steps.push({ kind: 'setgid', gid: 0, origin: { doing } }, { kind: 'setuid', uid: 0, origin: { doing } })
  return steps
}

/** The parent's side of {@link userNamespaceSteps}. */
export function idMapHostSteps(ctx: ProcessContext): HostStep[] {
  if (namespace(ctx.spec, 'user') !== 'new') return []
  const { uidMappings = [], gidMappings = [] } = ctx.spec.linux ?? {}
  return [
    { kind: 'await', tag: 'idMaps' },
    {
      kind: 'idMaps',
      uidMap: idMapText(uidMappings),
      gidMap: idMapText(gidMappings),
      uidWriter: mapWriter(ctx, 'uid'),
      gidWriter: mapWriter(ctx, 'gid'),
      setgroups: setgroupsPolicy(ctx),
      origin: { config: '/linux/uidMappings', doing: 'write the id maps' },
    },
    { kind: 'answer', tag: 'idMaps' },
  ]
}
