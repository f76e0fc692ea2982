/** davit mounts add, mounts remove. */
import { addMounts, removeMounts } from '../../lifecycle/mounts.ts'
import { parseMounts } from '../../spec/mounts_document.ts'
import { documentName, readDocument } from '../document.ts'
import type { Session } from '../session.ts'
import type { CommandOf } from '../table.ts'

export async function mounts(command: CommandOf<'mounts'>, { runtime, log }: Session): Promise<number> {
  const { action, id, file } = command.positionals
  const name = documentName(file)
  const list = await parseMounts(readDocument(file, runtime.cwd), name, action === 'remove')
  for (const { pointer, message } of list.warnings) log.warning(`${name} ${pointer}: ${message}`)
  if (action === 'add') await addMounts(runtime, id, { mounts: list.mounts, name })
  else await removeMounts(runtime, id, { mounts: list.mounts, name })
  return 0
}
