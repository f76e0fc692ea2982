/** The whole way from the text of a process.json, as `exec --process` has it, to a Process. */
import { type Problem, RuntimeError } from '../base/errors.ts'
import { parseConfig } from './parse.ts'
import { checkPart } from './part.ts'
import type { Process, Spec } from './types.gen.ts'

/** A usable process and what to warn about; pointers are the process's own. */
export interface CheckedProcess {
  readonly process: Process
  readonly warnings: readonly Problem[]
}

/**
 * Parses a process and checks it in the place of the container's own; `name` is the file's, for messages.
 * Throws RuntimeError 'config-syntax' or 'config-invalid', with pointers into the process.
 */
export async function parseProcess(text: string, spec: Spec, name: string): Promise<CheckedProcess> {
  const { value, exact } = await parseConfig(text, name)
  return checkProcess(value, spec, name, exact)
}

/** Holds a process against the schema and the rules that concern it; the rest of the configuration has passed them. */
export async function checkProcess(
  process: unknown,
  spec: Spec,
  name = 'process',
  exact?: () => unknown,
): Promise<CheckedProcess> {
  const part = { place: '/process', config: around(process, spec), name }
  const checked = await checkPart({ ...part, ...(exact ? { exact: () => around(exact(), spec) } : {}) })
  if (checked.spec.process) return { process: checked.spec.process, warnings: checked.warnings }
  const problem = { pointer: '', message: 'expected an object, got null' }
  throw new RuntimeError('config-invalid', `invalid ${name}: ${problem.message}`, [problem])
}

/** A configuration with what rules on the process read beside it; checking it all once more is what would cost. */
function around(process: unknown, { ociVersion, hooks, linux }: Spec): Readonly<Record<string, unknown>> {
  const { namespaces = [], uidMappings = [], gidMappings = [] } = linux ?? {}
  return { ociVersion, process, ...(hooks ? { hooks } : {}), linux: { namespaces, uidMappings, gidMappings } }
}
