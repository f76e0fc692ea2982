/** Seccomp filters that cases give to a runtime, and the system call that they are about. */

export const SECCOMP = 'config-linux.md#seccomp'
// What sets a priority is one system call of that name everywhere, and its third argument is free to choose.
export const CALL = 'setpriority'
// The lowest priority may be had by everybody, whatever the suite's own is.
export const RENICE = 'busybox renice 19 $$'
/** "Cannot assign requested address", which renice cannot get but from a filter. */
export const EADDRNOTAVAIL = 99

/** Something for linux.seccomp: one entry, for that call, and everything else is let through. */
export const filter = (rule: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: [CALL], ...rule }], ...more } },
})
/** The same with an error that nothing else has, for calls with these arguments. */
export const errno = (args: readonly object[]) => filter({ action: 'SCMP_ACT_ERRNO', errnoRet: EADDRNOTAVAIL, args })
