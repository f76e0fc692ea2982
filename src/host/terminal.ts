/** The caller's terminal: raw mode and back, its size. termios(3) by the kernel's own ioctls. */
import { sys } from '../ffi/native.ts'
import { TCGETS, TCSETS, TIOCGPGRP, TIOCGWINSZ, TIOCSWINSZ } from '../kernel/tty.ts'

/** struct termios of <asm-generic/termbits.h>: four flag words, line discipline, 19 control characters. */
const TERMIOS_SIZE = 36
const ONLCR = 0o4 // of the output flags
const VTIME = 17 + 5
const VMIN = 17 + 6

/** The terminal's settings, undefined when the fd is no terminal. */
export function terminalSettings(fd: number): Buffer | undefined {
  const settings = Buffer.alloc(TERMIOS_SIZE + 28)
  return sys('ioctl', fd, TCGETS, settings) === 0 ? settings : undefined
}

/** cfmakeraw(3), but output stays processed by the container's own terminal alone. */
export function rawSettings(settings: Buffer): Buffer {
  const raw = Buffer.from(settings)
  const clear = (at: number, bits: number) => raw.writeUInt32LE((raw.readUInt32LE(at) & ~bits) >>> 0, at)
  clear(0, 0o2753) // iflag: IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON
  clear(4, 0o1) // oflag: OPOST
  clear(8, 0o460) // cflag: CSIZE PARENB
  raw.writeUInt32LE(raw.readUInt32LE(8) | 0o60, 8) // CS8
  clear(12, 0o100113) // lflag: ISIG ICANON ECHO ECHONL IEXTEN
  raw[VMIN] = 1
  raw[VTIME] = 0
  return raw
}

/** Puts settings in force. At once: waiting for what was written to go out could take for ever. */
export function setTerminal(fd: number, settings: Uint8Array): void {
  sys('ioctl', fd, TCSETS, settings)
}

export function isTerminal(fd: number): boolean {
  return sys('ioctl', fd, TIOCGWINSZ, Buffer.alloc(8)) === 0
}

/** The terminal that the caller looks at: the first of its standard streams that is one, or -1. */
export function callerScreen(): number {
  return [0, 1, 2].find(isTerminal) ?? -1
}

/** Copies the window size from one terminal to another; nothing happens when the first is none. */
export function copySize(from: number, to: number): void {
  const size = Buffer.alloc(8)
  if (sys('ioctl', from, TIOCGWINSZ, size) === 0) sys('ioctl', to, TIOCSWINSZ, size)
}

/** Whether the terminal may be touched: it is not ours by job control, or we are in its foreground. */
export function mayTouch(fd: number): boolean {
  const group = Int32Array.of(0)
  return sys('ioctl', fd, TIOCGPGRP, group) < 0 || group[0] === sys('getpgid', 0)
}

/** Output goes out with plain newlines, as a file or a pipe is to have it. */
export function plainNewlines(fd: number): void {
  const settings = terminalSettings(fd)
  if (!settings) return
  settings.writeUInt32LE((settings.readUInt32LE(4) & ~ONLCR) >>> 0, 4)
  setTerminal(fd, settings)
}
