/** The terminal's master: to the engine's console socket, or kept by a foreground. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { closeFd } from '../ffi/file.ts'
import { connectUnix, sendFd } from '../host/socket.ts'
import {
  callerScreen,
  copySize,
  isTerminal,
  plainNewlines,
  rawSettings,
  setTerminal,
  terminalSettings,
} from '../host/terminal.ts'
import { TAGS } from '../plan/tags.ts'
import { receiveUntil } from './dialogue.ts'
import type { Launching } from './launching.ts'

/** runc's rules for terminals and sockets, in its words. */
export function checkConsole(terminal: boolean, detached: boolean, socket: string | undefined): void {
  if (terminal && detached && !socket) {
    throw new RuntimeError('console', 'cannot allocate tty if davit will detach without setting console socket')
  }
  if (socket && !(terminal && detached)) {
    throw new RuntimeError('console', 'cannot use console socket if davit will not detach or allocate tty')
  }
}

/** Connects to the console socket; -1 without one. The fd is the caller's. */
export function connectConsole(path: string | undefined): number {
  if (path === undefined) return -1
  try {
    return connectUnix(path, 'stream', 10_000)
  } catch (error) {
    throw new RuntimeError('console', `console socket "${path}": ${messageOf(error)}`)
  }
}

/** The terminal's master goes to the engine's console socket, or stays with a foreground run. */
export function passConsole(launching: Launching): void {
  receiveUntil(launching, (report, fd) => {
    if (report.kind !== 'fd' || report.tag !== TAGS.console || fd < 0) return false
    launching.master = fd
    return true
  })
  giveConsole(launching)
}

/** Gives the master that it has to whom it is for. */
export function giveConsole(launching: Launching): void {
  if (launching.consoleSocket < 0) return takeTerminal(launching)
  try {
    sendFd(launching.consoleSocket, Buffer.from('/dev/ptmx'), launching.master, 'send the terminal')
  } catch (error) {
    throw new RuntimeError('console', `console socket: ${messageOf(error)}`)
  } finally {
    closeFd(launching.master)
    launching.master = -1
  }
}

/** A terminal that stays with us: of the size of the caller's, whose input goes through as it is typed. */
function takeTerminal(launching: Launching): void {
  // ORDER: before exec: many programs ask for the size only once, and what is typed ahead must not be echoed twice.
  copySize(callerScreen(), launching.master)
  if (!isTerminal(1)) plainNewlines(launching.master)
  const settings = terminalSettings(0)
  launching.terminal = settings
  if (settings) setTerminal(0, rawSettings(settings))
}
