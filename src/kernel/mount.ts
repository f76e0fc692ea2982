/** mount(2), mount_setattr(2) and clone(2) constants. */

export const MS_RDONLY = 1
export const MS_NOSUID = 2
export const MS_NODEV = 4
export const MS_NOEXEC = 8
export const MS_REMOUNT = 32
export const MS_BIND = 4096
export const MS_MOVE = 8192
export const MS_REC = 16384
export const MS_UNBINDABLE = 1 << 17
export const MS_PRIVATE = 1 << 18
export const MS_SLAVE = 1 << 19
export const MS_SHARED = 1 << 20

export const MNT_DETACH = 2

export const OPEN_TREE_CLONE = 1
export const OPEN_TREE_CLOEXEC = 0o2000000

export const FSOPEN_CLOEXEC = 1
export const FSPICK_CLOEXEC = 1
export const FSPICK_EMPTY_PATH = 8
export const FSCONFIG_SET_FLAG = 0
export const FSCONFIG_SET_STRING = 1
export const FSCONFIG_SET_FD = 5
export const FSCONFIG_CMD_CREATE = 6
export const FSCONFIG_CMD_RECONFIGURE = 7
export const FSMOUNT_CLOEXEC = 1

export const MOVE_MOUNT_F_EMPTY_PATH = 0x4
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40

/** mount_setattr(2): MOUNT_ATTR_*. */
export const ATTR = {
  rdonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  /** The access-time field: relatime is 0, these are the other values; setting one means clearing the field. */
  atimeMask: 0x70,
  relatime: 0x0,
  noatime: 0x10,
  strictatime: 0x20,
  nodiratime: 0x80,
  idmap: 0x100000,
  nosymfollow: 0x200000,
} as const

export const CLONE_PIDFD = 0x1000
