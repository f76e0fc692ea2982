/** Where resctrl is mounted. */
import { readText } from '../ffi/file.ts'
import { unescapeOctal } from './cgroup/parse.ts'

/** The mount point in the text of a mountinfo file (proc_pid_mountinfo(5)): the first of the whole file system. */
export function resctrlIn(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const dash = line.indexOf(' - resctrl ')
    if (dash < 0) continue
    const [, , , root, mount = ''] = line.slice(0, dash).split(' ')
    if (root === '/') return unescapeOctal(mount)
  }
  return undefined
}

export function resctrlMount(): string | undefined {
  return resctrlIn(readText('/proc/self/mountinfo'))
}
