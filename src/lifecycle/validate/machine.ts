/** What this davit on this machine would say to a configuration that is right in itself. */
import { messageOf, RuntimeError, SysError } from '../../base/errors.ts'
import { loadLibSeccomp } from '../../ffi/libseccomp.ts'
import { gatherFacts } from '../../host/facts.ts'
import type { Finding } from '../../spec/review/finding.ts'
import { sectionOf } from '../../spec/review/sections.ts'
import type { Seccomp } from '../../spec/types.gen.ts'
import { planContainer } from '../create.ts'
import type { Bundle } from '../load.ts'
import type { Runtime } from '../runtime.ts'
import { compileSeccomp } from '../seccomp.ts'

/** As `davit plan` makes it, which needs no privilege and does nothing. */
const REQUEST = {
  id: 'validate',
  verb: 'create',
  detach: true,
  noPivot: false,
  noNewKeyring: false,
  preserveFds: 0,
} as const

/** Plans the container and tells what the planners refuse or warn of: warnings, since another machine may differ. */
export async function planned(runtime: Runtime, bundle: Bundle): Promise<Finding[]> {
  try {
    const facts = gatherFacts(bundle.spec)
    const seccomp = await compileSeccomp(runtime, bundle.spec, facts, false)
    const { plan, cgroup } = planContainer(runtime, bundle, facts, { ...REQUEST, bundle: bundle.path }, seccomp)
    return [...plan.warnings, ...(cgroup?.warnings ?? [])].map((message) => said('', message))
  } catch (error) {
    if (!(error instanceof RuntimeError || error instanceof SysError)) throw error
    const problems = error instanceof RuntimeError ? error.problems : []
    if (problems.length > 0) return problems.map(({ pointer, message }) => said(pointer, `refused here: ${message}`))
    return [said('', `refused here: ${messageOf(error)}`)]
  }
}

function said(pointer: string, message: string): Finding {
  const hint = 'see what davit features says, and what this kernel and this user can do'
  const clause = pointer === '' ? {} : { clause: sectionOf(pointer) }
  return { severity: 'warning', pointer, message, rule: 'machine', ...clause, hint }
}

/** The negative number of what libseccomp does not know by any architecture. */
const UNKNOWN = -1

/** Names of system calls that no library or kernel of this machine has: their rules have no effect. */
export function unknownCalls(seccomp: Seccomp | undefined): Finding[] {
  if (!seccomp?.syscalls) return []
  let resolve: (token: number, name: string) => number
  try {
    resolve = loadLibSeccomp().resolve
  } catch (error) {
    // What compiles the filter tells it.
    if (error instanceof RuntimeError) return []
    throw error
  }
  return seccomp.syscalls.flatMap(({ names }, rule) =>
    names.flatMap((name, index): Finding[] => {
      if (resolve(0, name) !== UNKNOWN) return []
      return [
        {
          severity: 'warning',
          pointer: `/linux/seccomp/syscalls/${rule}/names/${index}`,
          message: `system call "${name}" is not known to libseccomp, the rule has no effect on it`,
          rule: 'system call names',
          clause: 'config-linux.md#seccomp',
          hint: 'see that it is spelled right; libseccomp may be older than the system call',
        },
      ]
    }),
  )
}
