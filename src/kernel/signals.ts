/**
 * Signal names and numbers of Linux, signal(7); x86_64 and arm64 agree (asm-generic/signal.h).
 */

const NUMBERS = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const

/** Other names of the same numbers, as golang.org/x/sys/unix (hence runc) knows them. */
const OTHER_NAMES: Readonly<Record<string, number>> = {
  IOT: NUMBERS.ABRT,
  CLD: NUMBERS.CHLD,
  POLL: NUMBERS.IO,
}

export type SignalName = `SIG${keyof typeof NUMBERS}`

/**
 * The real-time signals as programs see them: glibc keeps 32 and 33 for itself, and docker's and podman's RTMIN is 34
 * as well.
 */
const RTMIN = 34
const RTMAX = 64

/** Every named signal with its number, lowest first. */
export const SIGNALS = Object.fromEntries(
  Object.entries(NUMBERS).map(([name, number]) => [`SIG${name}`, number]),
) as Readonly<Record<SignalName, number>>

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
  const name = upper.startsWith('SIG') ? upper.slice(3) : upper
  if (Object.hasOwn(NUMBERS, name)) return NUMBERS[name as keyof typeof NUMBERS]
  if (Object.hasOwn(OTHER_NAMES, name)) return OTHER_NAMES[name]
  return realTimeSignal(name)
}

function realTimeSignal(name: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:([+-])([0-9]{1,2}))?$/.exec(name)
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
const NOT_FORWARDED: ReadonlySet<SignalName> = new Set<SignalName>([
  'SIGKILL', // cannot be caught
  'SIGSTOP', // cannot be caught
  'SIGCHLD', // tells us of our own children
  'SIGPIPE', // our own stdout or stderr
  'SIGURG', // runtimes use it on themselves (Go's preemption); runc 1.2 and crun 1.21 stopped forwarding it
  'SIGWINCH', // our terminal's size, which is set on the container's instead
  'SIGTTIN', // our terminal, read from the background: a caught one makes read(2) spin
  'SIGTTOU',
  // Raised by faults of this process, whose engine has handlers for them
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGSEGV',
  'SIGSYS',
  'SIGPWR', // JavaScriptCore stops its threads with it, and Bun refuses a handler
  'SIGSTKFLT', // Bun takes a handler and never calls it
])

/** The signals a foreground `run` hands on to the container's process; what `process.on` takes. */
export const FORWARDED_SIGNALS: readonly SignalName[] = (Object.keys(SIGNALS) as SignalName[]).filter(
  (name) => !NOT_FORWARDED.has(name),
)
