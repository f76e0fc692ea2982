/** What a failure of criu is told as. */
import { RuntimeError } from '../base/errors.ts'
import { criuErrors } from '../host/criu/log.ts'
import { errnoText } from '../kernel/errno.ts'
import type { CriuResponse } from '../plan/criu/model.ts'
import type { CriuFolders } from './criu_folders.ts'

/** The errors that are in the log, and where the rest of it is. */
export function criuFailed(
  what: 'checkpoint' | 'restore',
  { crErrno, crErrmsg }: Pick<CriuResponse, 'crErrno' | 'crErrmsg'>,
  folders: CriuFolders,
  log: string,
): RuntimeError {
  const said = criuErrors(folders.work, log)
  const words = said.length > 0 ? said : [crErrmsg ?? (crErrno ? errnoText(crErrno) : 'no reason given')]
  return new RuntimeError('criu', `criu failed to ${what}: ${words.join('; ')}; log file: ${folders.workPath}/${log}`)
}
