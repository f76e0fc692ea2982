/** Where the seccomp filter is loaded, and what that takes. */
import { type Problem, RuntimeError } from '../../base/errors.ts'
import { bitsOf, bitsOfHex } from '../../kernel/capability_bits.ts'
import { hasUserNamespace, type ProcessContext } from '../context.ts'
import { planAfterFilter } from '../identity.ts'
import type { ChildStep, Filter } from '../step.ts'

const SYS_ADMIN = bitsOf(['CAP_SYS_ADMIN'])

type Input = Pick<ProcessContext, 'spec' | 'facts' | 'seccomp'>

/** The filter for the step that loads it. */
export function filterOf({ seccomp }: Pick<Input, 'seccomp'>): Filter | undefined {
  return seccomp && { program: seccomp.program, flags: seccomp.flags }
}

/**
 * startContainer hooks come before exec, and as in runc they run under the filter: what they execute is the image's.
 * Then what starts them has to be allowed, too. Empty without such hooks: then exec loads it.
 */
export function planFilterForHooks(ctx: ProcessContext): ChildStep[] {
  const filter = filterOf(ctx)
  if (!filter || !ctx.spec.hooks?.startContainer?.length) return []
  const origin = { config: '/linux/seccomp', doing: 'load the seccomp filter' }
  // A hook that may trace others must not find more in init than it has itself.
  return [{ kind: 'filter', ...filter, origin }, ...planAfterFilter(ctx)]
}

/** A filter that was not compiled, or that could not be loaded, is refused before anything is created. */
export function refuseSeccomp({ spec, facts, seccomp }: Input): void {
  if (!spec.linux?.seccomp) return
  if (!seccomp) throw refusal('it has to be compiled first')
  if (seccomp.listener) throw refusal('SCMP_ACT_NOTIFY is not supported by this version of davit')
  if (spec.process?.noNewPrivileges || hasUserNamespace(spec)) return
  if (facts.euid !== 0 || !(bitsOfHex(facts.boundingCaps).low & SYS_ADMIN.low))
    throw refusal('without noNewPrivileges it takes CAP_SYS_ADMIN, which davit does not have')
}

function refusal(message: string): RuntimeError {
  const problems: Problem[] = [{ pointer: '/linux/seccomp', message }]
  return new RuntimeError('unsupported', `unsupported config.json: /linux/seccomp: ${message}`, problems)
}
