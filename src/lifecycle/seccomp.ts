/** linux.seccomp on its way to the plan. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import type { ProcessFacts } from '../plan/facts.ts'
import { LISTENER_PATH } from '../plan/seccomp/filter.ts'
import type { CompiledSeccomp, SeccompListener } from '../plan/seccomp/model.ts'
import { ANNOTATION, annotation, isOn } from '../spec/annotations.ts'
import type { Spec } from '../spec/types.gen.ts'
import { defaultRoot } from '../state/root.ts'
import type { Runtime } from './runtime.ts'

/**
 * linux.seccomp, or what an annotation has in its place, compiled; undefined when there is none, and nothing is loaded then. `real`: a process is to be filtered,
 * so the agent must be there, and what had to be compiled is kept for the next. Throws RuntimeError 'unsupported', or
 * 'create' without the agent.
 */
export async function compileSeccomp(
  { runtimeDir, user, log }: Pick<Runtime, 'runtimeDir' | 'user' | 'log'>,
  spec: Pick<Spec, 'linux' | 'annotations'>,
  { arch, euid, initialUserns }: Pick<ProcessFacts, 'arch' | 'euid' | 'initialUserns'>,
  real = true,
): Promise<CompiledSeccomp | undefined> {
  const profile = spec.linux?.seccomp
  const given = annotation(spec, ANNOTATION.seccompProgram)
  if (!profile && given === undefined) return undefined
  const { compileFilter, givenFilter } = await import('../host/seccomp/filter.ts')
  const receiver = annotation(spec, ANNOTATION.seccompReceiver)
  // Beside the state of containers, wherever --root points: /run/davit.cache, or of the user.
  const directory = `${defaultRoot({ euid, initialUserns, runtimeDir, user })}.cache`
  const wish = { arch, strict: isOn(spec, ANNOTATION.seccompStrict), receiver }
  const compiled =
    given !== undefined || !profile
      ? givenFilter(given ?? '', profile, receiver)
      : await compileFilter(profile, wish, { directory, write: real }, log)
  if (real && compiled.listener) await expectAgent(compiled.listener)
  return compiled
}

/** ORDER: before anything is made: whoever is to get the listener must be there. */
async function expectAgent({ path, source }: SeccompListener): Promise<void> {
  const { checkAgent } = await import('../host/seccomp/listener.ts')
  try {
    checkAgent(path)
  } catch (error) {
    const why = `seccomp agent "${path}", from ${source ?? LISTENER_PATH}: ${messageOf(error)}`
    throw new RuntimeError('create', why)
  }
}
