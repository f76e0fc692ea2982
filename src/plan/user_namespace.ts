/** Entering a user namespace: id maps, written by the parent, then becoming its root. */
import type { IdMapping } from '../spec/types.gen.ts'
import { hasUserNamespace, namespace, type ProcessContext } from './context.ts'
import type { ChildStep, HostStep } from './step.ts'

/** The text of uid_map or gid_map, written in one piece (user_namespaces(7)). */
export function idMapText(mappings: readonly IdMapping[]): string {
  return mappings.map((map) => `${map.containerID} ${map.hostID} ${map.size}\n`).join('')
}

/** Whether setgroups stays allowed: without privilege over the host ids it must be given up first. */
export function setgroupsPolicy(ctx: ProcessContext): 'allow' | 'deny' {
  return ctx.facts.euid === 0 ? 'allow' : 'deny'
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
      setgroups: setgroupsPolicy(ctx),
      origin: { config: '/linux/uidMappings', doing: 'write the id maps' },
    },
    { kind: 'answer', tag: 'idMaps' },
  ]
}
