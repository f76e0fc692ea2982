/** Namespaces: the specification's type names, the flags of <linux/sched.h> and the names in /proc/<pid>/ns. */

/** A value of linux.namespaces[].type. */
export type NamespaceType = 'user' | 'cgroup' | 'ipc' | 'uts' | 'network' | 'pid' | 'mount' | 'time'

/** What the kernel calls a namespace type. */
export interface NamespaceKind {
  /** CLONE_NEW* flag for clone3, unshare and setns. */
  readonly flag: number
  /** File below /proc/<pid>/ns. */
  readonly file: string
}

/** Every type. CLONE_NEWTIME (5.6) is valid for unshare, setns and clone3 but not for clone, where it means a signal. */
export const NAMESPACES = {
  user: { flag: 0x10000000, file: 'user' },
  cgroup: { flag: 0x02000000, file: 'cgroup' },
  ipc: { flag: 0x08000000, file: 'ipc' },
  uts: { flag: 0x04000000, file: 'uts' },
  network: { flag: 0x40000000, file: 'net' },
  pid: { flag: 0x20000000, file: 'pid' },
  mount: { flag: 0x00020000, file: 'mnt' },
  time: { flag: 0x00000080, file: 'time' },
} as const satisfies Record<NamespaceType, NamespaceKind>
