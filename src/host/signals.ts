/**
 * Signals as bytes in a pipe: the engine's other threads could take them from a signalfd. Caught before a container is
 * made, so that none is lost; what comes while it is made either ends that or is handed on once it runs.
 */
import { RuntimeError } from '../base/errors.ts'
import { must, native, sys } from '../ffi/native.ts'
import { forwardedSignals, RTMAX, RTMIN, SIGNALS, signalName } from '../kernel/signals.ts'
import { NATIVE } from '../wire/ops.ts'
import { POLLIN, pollSet } from './poll.ts'

/** Those that ask a program to end; while a container is being made, they end the making. */
const ENDING: readonly number[] = [SIGNALS.SIGHUP, SIGNALS.SIGINT, SIGNALS.SIGQUIT, SIGNALS.SIGTERM]

/** Those that tell us something, and are not for the container. */
const OWN: readonly number[] = [SIGNALS.SIGCHLD, SIGNALS.SIGWINCH]

/** The pipe, and what was read from it but not handled yet. */
export interface Signals {
  readonly read: number
  readonly write: number
  readonly waiting: number[]
  /** Those that are caught, a bit each, signal 1 in the lowest. */
  readonly caught: Uint32Array
}

/** From now on the signals that are forwarded, and SIGCHLD and SIGWINCH, go to the pipe. */
export function catchSignals(): Signals {
  const pair = new Int32Array(2)
  must('pipe', sys('pipe2', pair, 0o2004000)) // O_CLOEXEC | O_NONBLOCK
  const [read, write] = [pair[0] as number, pair[1] as number]
  const list = new Int32Array(64)
  let count = 0
  for (const signals of [forwardedSignals(), OWN]) for (const signal of signals) list[count++] = signal
  for (let realtime = RTMIN; realtime <= RTMAX; realtime++) list[count++] = realtime
  must('catch signals', native(NATIVE.catchSignals, list, count, write))
  return { read, write, waiting: [], caught: maskOf(list.subarray(0, count)) }
}

/** Takes all that have come, in their order. */
export function takeSignals(signals: Signals): number[] {
  const buffer = new Uint8Array(256)
  const got = sys('read', signals.read, buffer, buffer.length)
  const taken = signals.waiting.splice(0)
  for (let i = 0; i < got; i++) taken.push(buffer[i] as number)
  return taken
}

/** Whether one has come that is to be handed on. */
export function holdsForwarded(signals: Signals): boolean {
  signals.waiting.push(...takeSignals(signals))
  return signals.waiting.some((signal) => !OWN.includes(signal))
}

export function isEnding(signal: number): boolean {
  return ENDING.includes(signal)
}

/**
 * Waits until the fd is readable; false when `timeout` ms (negative: none) are over. With `signals` one of those that
 * ask davit to end is an error, 'interrupted', with the exit code 128+n; others wait until they can be handed on.
 */
export function awaitReadable(fd: number, timeout: number, signals?: Signals): boolean {
  const set = pollSet(2)
  const until = Date.now() + timeout
  for (;;) {
    // One may have been taken already, by who looked whether there was any.
    const ending = signals?.waiting.find(isEnding)
    set.watch(0, fd, POLLIN)
    set.watch(1, signals?.read ?? -1, POLLIN)
    set.wait(ending !== undefined ? 0 : timeout < 0 ? -1 : Math.max(0, until - Date.now()))
    if (set.ready(0)) return true
    if (ending !== undefined) throw interrupted(ending)
    if (signals && set.ready(1)) signals.waiting.push(...takeSignals(signals))
    else if (timeout >= 0 && Date.now() >= until) return false
  }
}

function interrupted(signal: number): RuntimeError {
  const message = `interrupted by ${signalName(signal)} before the process was started`
  return new RuntimeError('interrupted', message, [], { exitCode: 128 + signal })
}

/** All but 32 and 33, which are the C library's own, and those that nothing blocks. */
const ALL = Uint32Array.of(0x7fff_ffff, 0xffff_fffe)
const SIG_BLOCK = 0
const SIG_UNBLOCK = 1
const SIG_SETMASK = 2

/**
 * Runs what must not be interrupted: a call of a library that gives up with EINTR and cannot be made twice. What comes
 * meanwhile is taken when this is over: no signal is lost.
 */
export function withoutSignals<T>(act: () => T): T {
  return blocking(ALL, act)
}

/** Leaves what is caught to the program that `become` makes of this process; when that returns, all is as before. */
export function leaveSignals({ caught }: Signals, become: () => void): void {
  blocking(caught, become)
}

/** The signals that are caught and ask us to end, as {@link Signals.caught}. */
export function endingMask(): Uint32Array {
  return maskOf(ENDING)
}

function maskOf(signals: Iterable<number>): Uint32Array {
  const mask = new Uint32Array(2)
  for (const signal of signals) {
    const bit = signal - 1
    mask[bit >> 5] = (mask[bit >> 5] as number) | (1 << (bit & 31))
  }
  return mask
}

/** Catches what has waited since {@link leaveSignals} made a program of us; throws when one of it asks us to end. */
export function takeLeft(): void {
  const signals = catchSignals()
  // Those come before this call returns.
  must('unblock signals', sys('rt_sigprocmask', SIG_UNBLOCK, signals.caught, null, 8))
  const ending = takeSignals(signals).find(isEnding)
  if (ending !== undefined) throw interrupted(ending)
}

function blocking<T>(mask: Uint32Array, act: () => T): T {
  const before = new Uint32Array(2)
  must('block signals', sys('rt_sigprocmask', SIG_BLOCK, mask, before, 8))
  try {
    return act()
  } finally {
    must('unblock signals', sys('rt_sigprocmask', SIG_SETMASK, before, null, 8))
  }
}
