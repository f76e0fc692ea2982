/**
 * Signal names and numbers of Linux, signal(7); x86_64 and arm64 agree (asm-generic/signal.h).
 */

/** Every named signal with its number, lowest first. */
export const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const

/** Other names of the same numbers, as golang.org/x/sys/unix (hence runc) knows them. */
const OTHER_NAMES: Readonly<Record<string, number>> = {
  SIGIOT: SIGNALS.SIGABRT,
  SIGCLD: SIGNALS.SIGCHLD,
  SIGPOLL: SIGNALS.SIGIO,
}

export type SignalName = keyof typeof SIGNALS

/**
 * The real-time signals as programs see them: glibc keeps 32 and 33 for itself, and docker's and podman's RTMIN is 34
 * as well.
 */
export const RTMIN = 34
export const RTMAX = 64

/**
 * Reads a signal as engines and people write it: "KILL", "SIGKILL", "kill", "9", "SIGRTMIN+3", "RTMAX-1", and "0",
 * which only asks whether the process is there. Undefined when there is no such signal.
 */
export function parseSignal(text: string): number | undefined {
  // No regular expressions before the real-time names: `kill` is called often, and the first costs more than all this.
  if (text !== '' && text.length <= 2 && [...text].every((char) => char >= '0' && char <= '9')) {
    const number = Number(text)
    return number <= RTMAX ? number : undefined
  }
  const upper = text.toUpperCase()
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`
  if (Object.hasOwn(SIGNALS, name)) return SIGNALS[name as SignalName]
  if (Object.hasOwn(OTHER_NAMES, name)) return OTHER_NAMES[name]
  return realTimeSignal(name)
}

function realTimeSignal(name: string): number | undefined {
  const match = /^SIGRT(MIN|MAX)(?:([+-])([0-9]{1,2}))?$/.exec(name)
  if (match === null) return undefined
  const [, base, sign, digits] = match
  const offset = Number(digits ?? 0) * (sign === '-' ? -1 : 1)
  const number = (base === 'MIN' ? RTMIN : RTMAX) + offset
  return number >= RTMIN && number <= RTMAX ? number : undefined
}

/** The name of a signal, for messages: "SIGKILL", "SIGRTMIN+3", or the number itself. */
export function signalName(number: number): string {
  for (const [name, value] of Object.entries(SIGNALS)) if (value === number) return name
  if (number < RTMIN || number > RTMAX) return String(number)
  return number === RTMIN ? 'SIGRTMIN' : `SIGRTMIN+${number - RTMIN}`
}

/** What a foreground run does not hand on to the container. */
const NOT_FORWARDED: readonly number[] = [
  SIGNALS.SIGKILL, // cannot be caught
  SIGNALS.SIGSTOP, // cannot be caught
  SIGNALS.SIGCHLD, // tells us of our own children
  SIGNALS.SIGPIPE, // our own stdout or stderr
  SIGNALS.SIGURG, // runtimes use it on themselves (Go's preemption); runc 1.2 and crun 1.21 stopped forwarding it
  SIGNALS.SIGWINCH, // our terminal's size, which is set on the container's instead
  SIGNALS.SIGTTIN, // our terminal, read from the background: a caught one makes read(2) spin
  SIGNALS.SIGTTOU,
  // Raised by faults of this process, whose engine has handlers for them
  SIGNALS.SIGILL,
  SIGNALS.SIGTRAP,
  SIGNALS.SIGABRT,
  SIGNALS.SIGBUS,
  SIGNALS.SIGFPE,
  SIGNALS.SIGSEGV,
  SIGNALS.SIGSYS,
  SIGNALS.SIGPWR, // JavaScriptCore stops its threads with it, and Bun refuses a handler
  SIGNALS.SIGSTKFLT, // Bun takes a handler and never calls it
]

/** The numbers of the signals a foreground `run` hands on to the container's process, but for the real-time ones. */
export function forwardedSignals(): number[] {
  const forwarded: number[] = []
  for (let signal = SIGNALS.SIGHUP as number; signal <= SIGNALS.SIGSYS; signal++)
    if (!NOT_FORWARDED.includes(signal)) forwarded.push(signal)
  return forwarded
}
