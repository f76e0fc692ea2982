/** Files in memory: the sealed init, the plan, a hook's standard input. */
import { openFile, statIf, withFd, writeFd } from '../ffi/file.ts'
import { cstring, must, sys } from '../ffi/native.ts'
import { O_RDONLY } from '../kernel/files.ts'

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
  const fd = emptySealable(name, executable)
  fillSealed(name, fd, data)
  return fd
}

/** An empty memfd for {@link fillSealed}. */
export function emptySealable(name: string, executable = false): number {
  return create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | (executable ? MFD_EXEC : 0))
}

/** Fills a memfd that is empty, and seals it. */
export function fillSealed(name: string, fd: number, data: Uint8Array): void {
  writeFd(fd, data, `memfd "${name}"`)
  must(`seal memfd "${name}"`, sys('fcntl', fd, F_ADD_SEALS, ALL_SEALS))
}

/** As much as is worth telling of what somebody has printed. */
const TAIL = 4096

/** Empties a memfd, for those too who have it by dup(2) or inheritance. */
export function emptyMemfd(fd: number): void {
  sys('ftruncate', fd, 0)
  sys('lseek', fd, 0, 0)
}

/** The end of what is in a memfd, all of it where `limit` is no less. Its position, which others may write at, stays where it is. */
export function memfdTail(fd: number, limit = TAIL): string {
  const size = statIf('', fd)?.size ?? 0
  const length = Math.min(size, limit)
  if (length === 0) return ''
  const buffer = Buffer.alloc(length)
  return withFd(openFile(`/proc/self/fd/${fd}`, O_RDONLY), (file) => {
    const got = must('read the output of hooks', sys('pread64', file, buffer, length, size - length))
    return buffer.toString('utf8', 0, got)
  })
}
