/** linux.seccomp on its way to the plan. */
import type { Log } from '../base/log.ts'
import type { ProcessFacts } from '../plan/facts.ts'
import type { CompiledSeccomp } from '../plan/seccomp/model.ts'
import type { Spec } from '../spec/types.gen.ts'

/** linux.seccomp compiled; undefined when there is none, and nothing is loaded then. Throws RuntimeError 'unsupported'. */
export async function compileSeccomp(
  { linux }: Pick<Spec, 'linux'>,
  { arch }: Pick<ProcessFacts, 'arch'>,
  log: Log,
): Promise<CompiledSeccomp | undefined> {
  if (!linux?.seccomp) return undefined
  return (await import('../host/seccomp/filter.ts')).compileFilter(linux.seccomp, arch, log)
}
