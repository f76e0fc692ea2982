/** The plan of an `exec` of which there is no form. */
import { buildExecPlan, type ExecInput } from '../plan/exec.ts'
import type { Plan } from '../plan/step.ts'
import type { Programs } from './launching.ts'
import { programsOf } from './programs.ts'
import type { Runtime } from './runtime.ts'
import { compileSeccomp } from './seccomp.ts'

/** Compiles the plan, and the container's filter for it. Nothing is started. */
export async function planExec(
  runtime: Runtime,
  input: ExecInput,
): Promise<{ readonly plan: Plan; readonly programs: Programs }> {
  const seccomp = await compileSeccomp(runtime, input.spec, input.facts)
  const plan = buildExecPlan({ ...input, ...(seccomp ? { seccomp } : {}) })
  return { plan, programs: programsOf(plan, input.facts.arch) }
}
