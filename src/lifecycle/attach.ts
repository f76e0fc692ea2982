/** The caller's streams on a terminal of the container: what is typed goes in, what is printed comes out. */
import { closeFd } from '../ffi/file.ts'
import { sys } from '../ffi/native.ts'
import { POLLIN, POLLOUT, type PollSet } from '../host/poll.ts'
import { callerEnd, closeEnd, type End, isHungry, isPending, pump, type Relay, relay } from '../host/relay.ts'
import { mayTouch } from '../host/terminal.ts'
import { O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDWR } from '../kernel/files.ts'
import { TIOCGPTPEER } from '../kernel/tty.ts'

const F_SETFL = 4
/** More than the kernel keeps of a terminal's output; what comes beyond is not of the process that has ended. */
const REST = 1 << 16

/** A terminal under way. */
export interface Attached {
  readonly input: Relay
  readonly output: Relay
  readonly master: End
  /** Our own opening of the other side: a process that closes all of its may open the terminal again. */
  readonly peer: number
  /** The master is closed: nobody is there to read, and the container was told so. */
  hungUp: boolean
  /** Something was typed while we were in the background of the caller's terminal: it is for whoever has that. */
  away: boolean
}

/** Takes the master over; {@link detach} closes it. */
export function attach(master: number): Attached {
  sys('fcntl', master, F_SETFL, O_RDWR | O_NONBLOCK) // the one that passed it to us has closed it: it is ours alone
  const end: End = { fd: master, own: true, waits: 'never' }
  return {
    input: relay(callerEnd(0, 'read'), end),
    output: relay(end, callerEnd(1, 'write')),
    master: end,
    peer: sys('ioctl', master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC),
    hungUp: false,
    away: false,
  }
}

export function detach(attached: Attached): void {
  hangUp(attached)
  closeEnd(attached.input.from)
  closeEnd(attached.output.to)
}

/** Closes the master, which tells the container that its terminal has gone. */
function hangUp(attached: Attached): void {
  if (attached.hungUp) return
  attached.hungUp = true
  if (attached.peer >= 0) closeFd(attached.peer)
  closeEnd(attached.master)
}

/** Places of a poll set that a terminal takes. */
export const TERMINAL_PLACES = 3

/** Watches, from place `at` on, what could move. */
export function watchTerminal({ input, output, master, hungUp, away }: Attached, set: PollSet, at: number): void {
  const off = hungUp ? 0 : -1
  set.watch(at, away ? -1 : input.from.fd, isHungry(input) ? POLLIN & off : 0)
  set.watch(at + 1, master.fd, ((isHungry(output) ? POLLIN : 0) | (isPending(input) ? POLLOUT : 0)) & off)
  set.watch(at + 2, output.to.fd, isPending(output) ? POLLOUT & off : 0)
}

/** Moves what the set has found ready. */
export function moveTerminal(attached: Attached, set: PollSet, at: number): void {
  const { input, output, hungUp } = attached
  const [typed, terminal, screen] = [set.ready(at), set.ready(at + 1), set.ready(at + 2)]
  if (hungUp || !(typed | terminal | screen)) return
  pump(output, true, screen !== 0)
  // KERNEL: reading a terminal from its background would stop us, and nothing would move what the container prints.
  attached.away = typed !== 0 && !mayTouch(input.from.fd)
  pump(input, typed !== 0 && !attached.away, true)
  if (output.broken) hangUp(attached)
}

/** The process has ended: moves the rest of its output. True when nothing is left, or nobody is there to read it. */
export function finishTerminal({ output, hungUp }: Attached, set: PollSet, at: number, limit: number): boolean {
  if (hungUp) return true
  // KERNEL: a read that finds nothing has first brought over all that was written to the other side until then.
  const done = pump(output, true, set.ready(at + 2) !== 0)
  if (output.total > limit) output.open = false
  return done || output.broken !== 0 || (!output.open && !isPending(output))
}

/** How much may have come through in all when the rest is out, asked for when the process has ended. */
export function restLimit({ output }: Attached): number {
  return output.total + REST
}
