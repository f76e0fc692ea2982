/** open(2), openat2(2), fcntl(2), stat(2) constants, the same on x86_64 and arm64 unless a comment says otherwise. */

export const AT_FDCWD = -100
export const AT_SYMLINK_NOFOLLOW = 0x100
export const AT_REMOVEDIR = 0x200
export const AT_EMPTY_PATH = 0x1000
export const AT_RECURSIVE = 0x8000

export const O_RDONLY = 0
export const O_WRONLY = 1
export const O_RDWR = 2
export const O_CREAT = 0o100
export const O_EXCL = 0o200
export const O_NOCTTY = 0o400
export const O_TRUNC = 0o1000
export const O_APPEND = 0o2000
export const O_NONBLOCK = 0o4000
export const O_CLOEXEC = 0o2000000
export const O_PATH = 0o10000000
/** KERNEL: these two differ by architecture: arch/arm64/include/uapi/asm/fcntl.h swaps them with O_DIRECT's neighbours. */
export const O_DIRECTORY = 0o200000
export const O_NOFOLLOW = 0o400000

/**
 * Open flags as the architecture counts them. Plans use x86_64's values; arm64 has O_DIRECTORY and O_NOFOLLOW at
 * 0o40000 and 0o100000 (arch/arm64/include/uapi/asm/fcntl.h), where x86_64 has O_DIRECT and O_LARGEFILE.
 */
export function archOpenFlags(flags: number, arch: 'x64' | 'arm64'): number {
  if (arch === 'x64') return flags
  const rest = flags & ~(O_DIRECTORY | O_NOFOLLOW)
  return rest | (flags & O_DIRECTORY ? 0o40000 : 0) | (flags & O_NOFOLLOW ? 0o100000 : 0)
}

/** openat2(2) resolve flags. */
export const RESOLVE_NO_XDEV = 0x01
export const RESOLVE_NO_MAGICLINKS = 0x02
export const RESOLVE_NO_SYMLINKS = 0x04
export const RESOLVE_BENEATH = 0x08
export const RESOLVE_IN_ROOT = 0x10

export const S_IFMT = 0o170000
export const S_IFSOCK = 0o140000
export const S_IFLNK = 0o120000
export const S_IFREG = 0o100000
export const S_IFBLK = 0o060000
export const S_IFDIR = 0o040000
export const S_IFCHR = 0o020000
export const S_IFIFO = 0o010000

/** statfs(2) f_type of the file systems whose identity davit checks. */
export const PROC_SUPER_MAGIC = 0x9fa0
export const TMPFS_MAGIC = 0x01021994
export const CGROUP_SUPER_MAGIC = 0x27e0eb
export const CGROUP2_SUPER_MAGIC = 0x63677270
export const DEVPTS_SUPER_MAGIC = 0x1cd1
