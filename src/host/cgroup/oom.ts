/** Hears of processes that the kernel has killed for want of memory in a container's cgroup. */
import { SysError } from '../../base/errors.ts'
import { closeFd, openFile, statIf, writeText } from '../../ffi/file.ts'
import { must, sys } from '../../ffi/native.ts'
import { O_RDONLY } from '../../kernel/files.ts'
import type { CgroupRecord } from '../../plan/cgroup/model.ts'
import { keyed } from './stats_parse.ts'

const POLLIN = 1
const POLLPRI = 2
const EFD_CLOEXEC = 0o2000000
const EFD_NONBLOCK = 0o4000

/** Something to poll, and whether memory ran out since the last look. */
export interface OomWatch {
  readonly fd: number
  readonly events: number
  readonly happened: () => boolean
  readonly close: () => void
}

/** Watches; undefined where the kernel has nothing of the kind. The caller closes it. */
export function watchOom({ v1, v2 }: CgroupRecord): OomWatch | undefined {
  for (const dir of v1) {
    const watch = ifThere(() => watchV1(dir))
    if (watch) return watch
  }
  return v2 === undefined ? undefined : ifThere(() => watchV2(v2))
}

/** memory.rst "OOM Control": an eventfd, registered by its number and that of the file. */
function watchV1(dir: string): OomWatch {
  const control = openFile(`${dir}/memory.oom_control`, O_RDONLY)
  let fd = -1
  try {
    fd = must('eventfd2', sys('eventfd2', 0, EFD_CLOEXEC | EFD_NONBLOCK))
    writeText(`${dir}/cgroup.event_control`, `${fd} ${control}`)
  } catch (error) {
    if (fd >= 0) closeFd(fd)
    throw error
  } finally {
    // KERNEL: the registration lives as long as the eventfd.
    closeFd(control)
  }
  const happened = () => {
    // KERNEL: the removal of the cgroup is signalled as well, and is no lack of memory.
    return sys('read', fd, Buffer.alloc(8), 8) === 8 && statIf(`${dir}/memory.oom_control`) !== undefined
  }
  return { fd, events: POLLIN, happened, close: () => closeFd(fd) }
}

/** cgroup-v2.rst "memory.events": a change wakes who polls the file. */
function watchV2(dir: string): OomWatch {
  const fd = openFile(`${dir}/memory.events`, O_RDONLY)
  const count = () => {
    const buffer = Buffer.alloc(4096)
    // KERNEL: the file is not there any more when the cgroup has been removed, ENODEV.
    const got = sys('pread64', fd, buffer, buffer.length, 0)
    return got < 0 ? undefined : Number(keyed(buffer.toString('latin1', 0, got)).oom_kill ?? 0n)
  }
  let known = count() ?? 0
  const happened = () => {
    const before = known
    known = count() ?? known
    return known > before
  }
  return { fd, events: POLLPRI, happened, close: () => closeFd(fd) }
}

function ifThere<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (error instanceof SysError) return undefined
    throw error
  }
}
