/** A process of a container in the foreground: forwards signals, moves its terminal's bytes, waits for its end. */
import { closeFd } from '../ffi/file.ts'
import { sys } from '../ffi/native.ts'
import { POLLIN, pollSet } from '../host/poll.ts'
import { type Exit, exitOf, type Launched, reap, signalPidfd } from '../host/process.ts'
import { isEnding, type Signals, takeSignals } from '../host/signals.ts'
import { callerScreen, copySize, mayTouch, rawSettings, setTerminal, terminalSettings } from '../host/terminal.ts'
import { errnoName, errnoText } from '../kernel/errno.ts'
import { SIGNALS } from '../kernel/signals.ts'
import {
  type Attached,
  attach,
  detach,
  finishTerminal,
  moveTerminal,
  restLimit,
  TERMINAL_PLACES,
  watchTerminal,
} from './attach.ts'
import type { Launching } from './launching.ts'

/** Something else to watch meanwhile. */
export interface Watch {
  /** Asked before each wait; -1: nothing just now. */
  fd(): number
  /** Called when the fd is readable. */
  act(): void
}

const AT = { signals: 0, pidfd: 1, terminal: 2, watches: 2 + TERMINAL_PLACES } as const

/**
 * Stays until the process has ended and, with a terminal, its last output is out. Closes the pidfd and the master; the
 * caller's terminal is the caller's to restore.
 */
export function superviseForeground(launching: Launching, watches: readonly Watch[] = []): Exit {
  const { init, signals } = launching
  if (!init || !signals) throw new Error('bug: nothing to supervise')
  const terminal = launching.master < 0 ? undefined : attach(launching.master)
  try {
    if (terminal) copySize(callerScreen(), terminal.master.fd)
    const exit = untilEnd(init, signals, terminal, watches)
    if (terminal) untilOut(terminal, signals)
    tellLoss(launching, terminal?.output.broken ?? 0)
    return exit
  } finally {
    if (terminal) detach(terminal)
    launching.master = -1
    closeFd(init.pidfd)
  }
}

/** A reader that has left is its own affair; a full disk is to be told. */
function tellLoss({ runtime }: Launching, errno: number): void {
  if (errno === 0 || errnoName(errno) === 'EPIPE' || errnoName(errno) === 'EIO') return
  runtime.log.warning(`write standard output: ${errnoText(errno)}: the rest of the output is lost`)
}

/** The loop while the process runs. */
function untilEnd(init: Launched, signals: Signals, terminal: Attached | undefined, watches: readonly Watch[]): Exit {
  const set = pollSet(AT.watches + watches.length)
  let exit = handle(takeSignals(signals), init, terminal)
  for (;;) {
    // ORDER: once more after the end: what was said before it is there to be read.
    const last = exit !== undefined
    set.watch(AT.signals, signals.read, POLLIN)
    set.watch(AT.pidfd, last ? -1 : init.pidfd, POLLIN)
    if (terminal) watchTerminal(terminal, set, AT.terminal)
    for (const [i, watch] of watches.entries()) set.watch(AT.watches + i, watch.fd(), POLLIN)
    set.wait(last ? 0 : -1)
    for (const [i, watch] of watches.entries()) if (set.ready(AT.watches + i)) watch.act()
    if (exit) return exit
    if (set.ready(AT.signals)) exit = handle(takeSignals(signals), init, terminal)
    if (set.ready(AT.pidfd)) exit ??= reap(init.pid) ?? { code: 0, signal: undefined }
    if (terminal) moveTerminal(terminal, set, AT.terminal)
  }
}

/** The loop when it has ended: what it has printed goes out, however slow the reader, unless a signal asks to end. */
function untilOut(terminal: Attached, signals: Signals): void {
  const set = pollSet(AT.terminal + TERMINAL_PLACES)
  const limit = restLimit(terminal)
  while (!finishTerminal(terminal, set, AT.terminal, limit)) {
    watchTerminal(terminal, set, AT.terminal)
    set.watch(AT.terminal, -1, 0)
    set.watch(AT.signals, signals.read, POLLIN)
    set.wait(-1)
    if (set.ready(AT.signals) && takeSignals(signals).some(isEnding)) return
  }
}

/** What each signal is to us; the exit when one was of the process's end. */
function handle(taken: readonly number[], init: Launched, terminal: Attached | undefined): Exit | undefined {
  let exit: Exit | undefined
  for (const signal of taken) {
    if (signal === SIGNALS.SIGCHLD) exit ??= reapAll(init.pid)
    else if (signal === SIGNALS.SIGWINCH) {
      if (terminal && !terminal.hungUp) copySize(callerScreen(), terminal.master.fd)
    } else {
      if (signal === SIGNALS.SIGCONT && terminal) {
        terminal.away = false
        rawAgain()
      }
      signalPidfd(init.pidfd, signal)
    }
  }
  return exit
}

/** Whoever stopped us had the terminal meanwhile and set it as a shell wants it. */
function rawAgain(): void {
  const settings = mayTouch(0) ? terminalSettings(0) : undefined
  if (settings) setTerminal(0, rawSettings(settings))
}

/** As a subreaper we also get orphans of the container; they are reaped and forgotten. */
function reapAll(init: number): Exit | undefined {
  let exit: Exit | undefined
  const status = new Int32Array(1)
  for (;;) {
    const pid = sys('wait4', -1, status, 1 /* WNOHANG */, 0)
    if (pid <= 0) return exit
    if (pid === init) exit = exitOf(status[0] as number)
  }
}
