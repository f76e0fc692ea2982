/** davit completion, and the hidden verb that its scripts call. */
import { SysError } from '../../base/errors.ts'
import { absolutePath } from '../../base/path.ts'
import type { Runtime } from '../../lifecycle/runtime.ts'
import { listContainers } from '../../state/store.ts'
import { complete } from '../complete.ts'
import { COMPLETION_SCRIPTS, completionText } from '../completion.ts'
import { print, type Session } from '../session.ts'
import type { CommandOf } from '../table.ts'

export function completion(command: CommandOf<'completion'>): number {
  print(COMPLETION_SCRIPTS[command.positionals.shell])
  return 0
}

export function completeWords({ rest }: CommandOf<'__complete'>, { runtime }: Session): number {
  print(completionText(complete(rest, (root) => containers(runtime, root))))
  return 0
}

/** A root that is not there, or not ours to look into, has no containers to offer. */
function containers({ root, cwd }: Runtime, typed: string | undefined): string[] {
  try {
    return listContainers(typed ? absolutePath(typed, cwd) : root, false)
  } catch (error) {
    if (error instanceof SysError) return []
    throw error
  }
}
