/** Files in memory: the sealed init, the plan, a hook's standard input. */
import { readBytes, withFd, writeFd } from '../ffi/file.ts'
import { cstring, must, sys } from '../ffi/native.ts'

const MFD_CLOEXEC = 1
const MFD_ALLOW_SEALING = 2
const MFD_EXEC = 0x10
const F_ADD_SEALS = 1033
const EINVAL = -22
/** SEAL, SHRINK, GROW and WRITE; F_SEAL_FUTURE_WRITE is broken on kernels before 5.5. */
const ALL_SEALS = 0x1 | 0x2 | 0x4 | 0x8

function create(name: string, flags: number): number {
  const text = cstring(name)
  // KERNEL(6.3): MFD_EXEC says that the file is to be executed, which vm.memfd_noexec asks for.
  let fd = sys('memfd_create', text, flags)
  if (fd === EINVAL && flags & MFD_EXEC) fd = sys('memfd_create', text, flags & ~MFD_EXEC)
  return must(`memfd_create "${name}"`, fd)
}

/** A memfd with the data, positioned at its start. The caller closes it. */
export function memfd(name: string, data: string | Uint8Array = ''): number {
  const fd = create(name, MFD_CLOEXEC)
  if (data.length > 0) {
    writeFd(fd, data, `memfd "${name}"`)
    sys('lseek', fd, 0, 0)
  }
  return fd
}

/** A memfd that nobody can change any more, not even through /proc/PID/exe (CVE-2019-5736). */
export function sealedMemfd(name: string, data: Uint8Array, executable: boolean): number {
  const fd = create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | (executable ? MFD_EXEC : 0))
  writeFd(fd, data, `memfd "${name}"`)
  must(`seal memfd "${name}"`, sys('fcntl', fd, F_ADD_SEALS, ALL_SEALS))
  return fd
}

/** All that is in a memfd, from its start. */
export function memfdText(fd: number): string {
  return withFd(must('dup', sys('fcntl', fd, 1030, 3)), (copy) => {
    sys('lseek', copy, 0, 0)
    return readBytes(`/proc/self/fd/${copy}`).toString('utf8')
  })
}
