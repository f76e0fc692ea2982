/** Terminals: ioctl_tty(2) requests and the devices of a devpts. The numbers are the same on x86_64 and arm64. */

export const TIOCSCTTY = 0x540e
export const TIOCGPGRP = 0x540f
export const TIOCGWINSZ = 0x5413
export const TIOCSWINSZ = 0x5414
export const TIOCSPTLCK = 0x40045431
export const TIOCGPTPEER = 0x5441
export const TCGETS = 0x5401
export const TCSETS = 0x5402

/** Device number of a pseudo-terminal multiplexer: /dev/ptmx and /dev/pts/ptmx alike. */
export const PTMX_DEVICE = [5, 2] as const

/** struct winsize: rows, columns, two unused fields, 16 bits each. */
export function winsizeBytes(rows: number, columns: number): number[] {
  return [rows & 255, (rows >> 8) & 255, columns & 255, (columns >> 8) & 255, 0, 0, 0, 0]
}
