/** A JSON document that a flag or argument names, "-" being standard input. */
import { RuntimeError } from '../base/errors.ts'
import { absolutePath } from '../base/path.ts'
import { openFile, readFd, withFd } from '../ffi/file.ts'
import { O_RDONLY } from '../kernel/files.ts'

/** What messages call it. */
export function documentName(file: string): string {
  return file === '-' ? 'standard input' : file
}

/** Its text. Throws SysError, or RuntimeError 'config-syntax' when it is not UTF-8. */
export function readDocument(file: string, cwd: string): string {
  const bytes =
    file === '-'
      ? readFd(0, 'standard input')
      : withFd(openFile(absolutePath(file, cwd), O_RDONLY), (fd) => readFd(fd, `"${file}"`))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new RuntimeError('config-syntax', `parse ${documentName(file)}: not valid UTF-8`)
  }
}
