/** linux.seccomp on its way to the plan. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import type { ProcessFacts } from '../plan/facts.ts'
import type { CompiledSeccomp } from '../plan/seccomp/model.ts'
import type { Spec } from '../spec/types.gen.ts'
import { defaultRoot } from '../state/store.ts'
import type { Runtime } from './runtime.ts'

/**
 * linux.seccomp compiled; undefined when there is none, and nothing is loaded then. `real`: a process is to be filtered,
 * so the agent must be there, and what had to be compiled is kept for the next. Throws RuntimeError 'unsupported', or
 * 'create' without the agent.
 */
export async function compileSeccomp(
  { runtimeDir, user, log }: Pick<Runtime, 'runtimeDir' | 'user' | 'log'>,
  { linux }: Pick<Spec, 'linux'>,
  { arch, euid, initialUserns }: Pick<ProcessFacts, 'arch' | 'euid' | 'initialUserns'>,
  real = true,
): Promise<CompiledSeccomp | undefined> {
  if (!linux?.seccomp) return undefined
  const { compileFilter } = await import('../host/seccomp/filter.ts')
  // Beside the state of containers, wherever --root points: /run/davit.cache, or of the user.
  const directory = `${defaultRoot({ euid, initialUserns, runtimeDir, user })}.cache`
  const compiled = await compileFilter(linux.seccomp, arch, { directory, write: real }, log)
  if (real && compiled.listener) await expectAgent(compiled.listener.path)
  return compiled
}

/** ORDER: before anything is made: whoever is to get the listener must be there. */
async function expectAgent(path: string): Promise<void> {
  const { checkAgent } = await import('../host/seccomp/listener.ts')
  try {
    checkAgent(path)
  } catch (error) {
    const why = `seccomp agent "${path}", from /linux/seccomp/listenerPath: ${messageOf(error)}`
    throw new RuntimeError('create', why)
  }
}
