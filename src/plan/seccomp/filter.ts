/** Where the seccomp filter is loaded, and what that takes. */
import { type Problem, RuntimeError } from '../../base/errors.ts'
import { bitsOfHex, hasCapability } from '../../kernel/capability_bits.ts'
import { PR_SET_NAME } from '../../kernel/prctl.ts'
import { ANNOTATION, annotation } from '../../spec/annotations.ts'
import { hasUserNamespace, type ProcessContext } from '../context.ts'
import { planAfterFilter } from '../identity.ts'
import { dumpable } from '../protection.ts'
import type { ChildStep, Filter, HostStep } from '../step.ts'
import type { CompiledSeccomp } from './model.ts'

/** Pointer of the agent's path where the profile has it. */
export const LISTENER_PATH = '/linux/seccomp/listenerPath'

type Input = Pick<ProcessContext, 'spec' | 'facts' | 'seccomp'>

/** The filter for the step that loads it. */
export function filterOf({ seccomp }: Pick<Input, 'seccomp'>): Filter | undefined {
  if (!seccomp) return undefined
  const { program, flags, listener, source } = seccomp
  return { program, flags, ...(listener ? { agent: listener.path } : {}), ...(source ? { source } : {}) }
}

/**
 * KERNEL: a process is known by its name until it is reaped, and exec gives it another: who finds it dead sees by that
 * whether it has executed anything. Under a filter it may not be able to say so.
 */
export function planMark({ seccomp, request }: Pick<ProcessContext, 'seccomp' | 'request'>): ChildStep[] {
  if (!seccomp) return []
  const origin = { doing: 'take a name until exec' }
  return [{ kind: 'call', name: 'prctl', args: [PR_SET_NAME, request.mark ?? 'davit-init'], origin }]
}

/**
 * startContainer hooks come before exec, and as in runc they run under the filter: what they execute is the image's.
 * Then what starts them has to be allowed, too. Empty without such hooks: then exec loads it.
 */
export function planFilterForHooks(ctx: ProcessContext): ChildStep[] {
  const filter = filterOf(ctx)
  if (!filter || !ctx.spec.hooks?.startContainer?.length) return []
  const origin = { config: filter.source ?? '/linux/seccomp', doing: 'load the seccomp filter' }
  // A hook that may trace others must not find more in init than it has itself.
  const after = planAfterFilter(ctx)
  const mark = planMark(ctx)
  if (!filter.agent) return [...mark, { kind: 'filter', ...filter, origin }, ...after]
  // Only the agent has the listener then, and the kernel tells callers when it is gone.
  const out = ctx.slot()
  return [
    ...mark,
    ...planTaking(ctx),
    { kind: 'filter', ...filter, out, origin },
    { kind: 'close', slot: out },
    ...after,
  ]
}

/**
 * KERNEL: taking an fd out of a process is tracing it (pidfd_getfd(2)). A davit without CAP_SYS_PTRACE may do that with
 * its own container's process unless that is not dumpable. Nothing of the host is open there any more.
 */
export function planTaking({ seccomp, facts }: Pick<Input, 'seccomp' | 'facts'>): ChildStep[] {
  if (!seccomp?.listener) return []
  return hasCapability(bitsOfHex(facts.effectiveCaps), 'CAP_SYS_PTRACE') ? [] : [dumpable(true)]
}

/** What the parent does as the filter is loaded: nothing, without a listener. */
export function listenerSteps({ seccomp }: { readonly seccomp?: CompiledSeccomp | undefined }): HostStep[] {
  if (!seccomp?.listener) return []
  const { listener } = seccomp
  const config = listener.source ?? LISTENER_PATH
  const origin = { config, doing: `hand the seccomp listener to "${listener.path}"` }
  return [{ kind: 'listener', listener, origin }]
}

/** A filter that was not compiled, or that could not be loaded, is refused before anything is created. */
export function refuseSeccomp({ spec, facts, seccomp }: Input): void {
  const given = annotation(spec, ANNOTATION.seccompProgram) !== undefined
  if (!seccomp && !spec.linux?.seccomp && !given) return
  const place = seccomp?.source ?? (given ? `/annotations/${ANNOTATION.seccompProgram}` : '/linux/seccomp')
  if (!seccomp) throw refusal(place, 'it has to be compiled first')
  if (spec.process?.noNewPrivileges || hasUserNamespace(spec)) return
  if (!hasCapability(bitsOfHex(facts.effectiveCaps), 'CAP_SYS_ADMIN'))
    throw refusal(place, 'without noNewPrivileges it takes CAP_SYS_ADMIN, which davit does not have')
}

function refusal(pointer: string, message: string): RuntimeError {
  const problems: Problem[] = [{ pointer, message }]
  return new RuntimeError('unsupported', `unsupported config.json: ${pointer}: ${message}`, problems)
}
