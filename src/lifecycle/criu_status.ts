/** The fd on which criu tells that it is ready to hand out pages. */
import { RuntimeError } from '../base/errors.ts'
import { sys } from '../ffi/native.ts'

const F_GETFL = 3
const O_ACCMODE = 3

/** Throws 'usage' unless the caller has opened it, to be written to. */
export function checkStatusFd(fd: number): void {
  const flags = sys('fcntl', fd, F_GETFL)

  if (flags < 0) throw new RuntimeError('usage', `--status-fd ${fd}: not open`)
  if ((flags & O_ACCMODE) === 0) throw new RuntimeError('usage', `--status-fd ${fd}: not open for writing`)
}
