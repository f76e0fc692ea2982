/** linux.seccomp on its way to the plan. */
import type { ProcessFacts } from '../plan/facts.ts'
import type { CompiledSeccomp } from '../plan/seccomp/model.ts'
import type { Spec } from '../spec/types.gen.ts'
import { defaultRoot } from '../state/store.ts'
import type { Runtime } from './runtime.ts'

/**
 * linux.seccomp compiled; undefined when there is none, and nothing is loaded then. `keep`: whether what had to be
 * compiled may be written to the cache. Throws RuntimeError 'unsupported'.
 */
export async function compileSeccomp(
  { runtimeDir, user, log }: Pick<Runtime, 'runtimeDir' | 'user' | 'log'>,
  { linux }: Pick<Spec, 'linux'>,
  { arch, euid, initialUserns }: Pick<ProcessFacts, 'arch' | 'euid' | 'initialUserns'>,
  keep = true,
): Promise<CompiledSeccomp | undefined> {
  if (!linux?.seccomp) return undefined
  const { compileFilter } = await import('../host/seccomp/filter.ts')
  // Beside the state of containers, wherever --root points: /run/davit.cache, or of the user.
  const directory = `${defaultRoot({ euid, initialUserns, runtimeDir, user })}.cache`
  return compileFilter(linux.seccomp, arch, { directory, write: keep }, log)
}
