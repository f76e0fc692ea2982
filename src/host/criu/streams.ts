/** Looks at the standard streams of a container's first process. */
import { SysError } from '../../base/errors.ts'
import { readLink, readText, readTextIf, statIf } from '../../ffi/file.ts'
import { S_IFCHR, S_IFMT } from '../../kernel/files.ts'
import type { Stream } from '../../plan/criu/streams.ts'

/** Major numbers of terminals: admin-guide/devices.txt. */
const isTerminal = (major: number) => major === 4 || major === 5 || (major >= 136 && major <= 143)

/** Standard input, output and error of a process, undefined for one that it has closed. */
export function lookAtStreams(pid: number): (Stream | undefined)[] {
  const mounts = new Set(
    readText(`/proc/${pid}/mountinfo`)
      .split('\n')
      .map((line) => line.slice(0, line.indexOf(' '))),
  )
  return [0, 1, 2].map((fd) => streamOf(pid, fd, mounts))
}

function streamOf(pid: number, fd: number, mounts: ReadonlySet<string>): Stream | undefined {
  const path = `/proc/${pid}/fd/${fd}`
  let link: string
  try {
    link = readLink(path)
  } catch (error) {
    if (error instanceof SysError && error.errnoName === 'ENOENT') return undefined
    throw error
  }
  const status = statIf(path)
  const mount = /^mnt_id:\t(\d+)$/m.exec(readTextIf(`/proc/${pid}/fdinfo/${fd}`) ?? '')?.[1]
  const character = status !== undefined && (status.mode & S_IFMT) === S_IFCHR
  const terminal =
    character && isTerminal(status.rdev[0]) ? { terminal: { device: status.rdev, filesystem: status.dev } } : {}
  if (!status || mount === undefined || mounts.has(mount)) return { link, ...terminal }
  return { link, ...terminal, outside: { mount: Number(mount), inode: status.inode } }
}
