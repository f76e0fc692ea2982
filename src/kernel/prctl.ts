/** prctl(2), keyctl(2) and capability constants. */

export const PR_SET_PDEATHSIG = 1
export const PR_SET_DUMPABLE = 4
export const PR_SET_NAME = 15
export const PR_SET_KEEPCAPS = 8
export const PR_SET_NO_NEW_PRIVS = 38
export const PR_CAP_AMBIENT = 47
export const PR_CAP_AMBIENT_RAISE = 2
export const PR_CAP_AMBIENT_CLEAR_ALL = 4

export const KEYCTL_JOIN_SESSION_KEYRING = 1
export const KEYCTL_SETPERM = 5
export const KEY_SPEC_SESSION_KEYRING = -3
/** A new session keyring's permissions (possessor all, user view, read, link) and search for the user. */
export const SESSION_KEYRING_PERMISSIONS = 0x3f1b0000

/** _LINUX_CAPABILITY_VERSION_3 of capset(2). */
export const CAPABILITY_VERSION = 0x20080522

export const SIGKILL = 9
