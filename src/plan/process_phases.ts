/**
 * How a process that is in place becomes the program it is to be. `create` and `exec` share this list, so that neither
 * forgets what the other does.
 */
import type { ProcessContext } from './context.ts'
import { planIdentity, planNoNewPrivileges } from './identity.ts'
import { planExecLabels } from './labels.ts'
import {
  planCloseHost,
  planEnterCwdAsRoot,
  planEnterCwdAsUser,
  planExec,
  planFindExecutable,
  planRlimits,
  planStdioOwner,
  planUmask,
} from './process.ts'
import { planMemoryPolicy, planPersonality, planScheduling } from './scheduling.ts'
import type { ChildStep } from './step.ts'

/** A named part of the order. */
export interface Phase {
  readonly name: string
  readonly steps: readonly ChildStep[]
}

/** The last phases of a process, in order; `ready` is what happens between all being set up and exec. */
export function processPhases(ctx: ProcessContext, ready: readonly Phase[]): Phase[] {
  const filtered = ready.some(({ steps }) => steps.some(({ kind }) => kind === 'filter'))
  const umask = ctx.spec.process?.user?.umask
  return [
    { name: 'umask', steps: [planUmask(umask ?? 0o022, umask !== undefined)] },
    { name: 'limits', steps: planRlimits(ctx) },
    { name: 'security labels', steps: planExecLabels(ctx.spec.process) },
    // ORDER: after the last step that needs them, before the first that looks up a name in the container.
    { name: 'close', steps: planCloseHost(ctx) },
    // ORDER: streams and the working directory while we are root, then the identity, then what the user may do.
    { name: 'streams', steps: planStdioOwner(ctx) },
    { name: 'enter working directory as root', steps: planEnterCwdAsRoot(ctx) },
    { name: 'personality', steps: planPersonality(ctx.spec.linux) },
    { name: 'memory policy', steps: planMemoryPolicy(ctx.spec.linux) },
    { name: 'scheduling', steps: planScheduling(ctx.spec.process) },
    { name: 'identity', steps: planIdentity(ctx) },
    { name: 'no new privileges', steps: planNoNewPrivileges(ctx) },
    { name: 'enter working directory as user', steps: planEnterCwdAsUser(ctx) },
    // ORDER: with the final identity and directory, so that "not found" is what exec would say.
    { name: 'executable', steps: planFindExecutable(ctx) },
    ...ready,
    { name: 'exec', steps: planExec(ctx, !filtered) },
  ]
}
