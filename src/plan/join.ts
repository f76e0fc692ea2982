/** Entering the namespaces of a container that runs. */
import { NAMESPACES, type NamespaceType } from '../kernel/namespaces.ts'
import { SIGKILL } from '../kernel/prctl.ts'
import { hasUserNamespace, type ProcessContext } from './context.ts'
import { dieWithParent, dumpable } from './protection.ts'
import type { ChildStep } from './step.ts'
import { userNamespaceSteps } from './user_namespace.ts'

/**
 * KERNEL(5.8): one setns(2) by the pidfd of init joins all namespaces or none, and checks the privilege for each as it
 * was before, so that no order of joining has to be found.
 */
export function planJoin(ctx: ProcessContext, types: readonly NamespaceType[]): ChildStep[] {
  const steps: ChildStep[] = []
  if (types.length > 0) {
    const slot = ctx.slot()
    ctx.presets.push({ kind: 'pidfd', slot })
    const flags = types.reduce((all, type) => all | NAMESPACES[type].flag, 0) >>> 0
    const origin = { doing: `join the container's namespaces (${types.join(', ')})` }
    steps.push({ kind: 'joinProcess', slot, flags, names: types, origin }, { kind: 'close', slot })
  }
  // KERNEL: whoever changes credentials may be dumpable afterwards (fs.suid_dumpable), and outlives its parent again.
  if (hasUserNamespace(ctx.spec)) {
    steps.push(dumpable(false), ...userNamespaceSteps(ctx), dumpable(false), dieWithParent(SIGKILL))
  }
  return steps
}

/** To the planners the container's namespaces are those to be joined, wherever init has them from. */
export function joinedNamespaces(join: readonly NamespaceType[], pid: number) {
  return join.map((type) => ({ type, path: `/proc/${pid}/ns/${NAMESPACES[type].file}` }))
}
