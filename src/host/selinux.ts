/** What the kernel's SELinux knows. */
import { SysError } from '../base/errors.ts'
import { openFile, readTextIf, statIf, withFd, writeFd } from '../ffi/file.ts'
import { O_WRONLY } from '../kernel/files.ts'

/** Whether it is in force. Its file system is not mounted where it is switched off. */
export function selinuxEnabled(): boolean {
  return statIf('/sys/fs/selinux/enforce') !== undefined
}

/** Those of the labels that the loaded policy has no meaning for. Where the kernel does not tell us it is asked later. */
export function unknownLabels(labels: readonly (string | undefined)[]): readonly string[] {
  return labels.filter((label): label is string => Boolean(label) && isUnknown(label as string))
}

/** KERNEL: security/selinux/selinuxfs.c, sel_write_context: a context that is written is looked up, and nothing else. */
function isUnknown(label: string): boolean {
  try {
    withFd(openFile('/sys/fs/selinux/context', O_WRONLY), (fd) => writeFd(fd, label))
    return false
  } catch (error) {
    if (error instanceof SysError) return error.errnoName === 'EINVAL'
    throw error
  }
}

/** The label of a process, without the end that the kernel gives it; undefined when it is gone. */
export function processLabel(pid: number): string | undefined {
  return readTextIf(`/proc/${pid}/attr/current`)?.replace(/[\0\n]+$/, '')
}
