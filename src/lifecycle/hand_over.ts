/**
 * A `run` in the foreground does nothing but wait from the moment on at which init was told to go on: the engine becomes
 * `davit` itself (native/watch.c), which forwards signals, waits, and runs what was prepared of `delete`. Its memory is
 * given back at once, and while the container starts instead of when it has ended.
 */
import { must, sys } from '../ffi/native.ts'
import { callerOpenFds, callerSelf } from '../host/caller.ts'
import { replacement } from '../host/process.ts'
import { endingMask, holdsForwarded, leaveSignals } from '../host/signals.ts'
import type { Launching } from './launching.ts'

const F_SETFD = 2
const FD_CLOEXEC = 1

/** What has been worked out beforehand, while init made the container. */
export interface HandOver {
  /** The connection to init that is handed over, or 0. */
  readonly told: number
  /** Returns when it could not be: then everything is as it was. */
  become(): void
}

/** `folder`: the container's directory, locked. Undefined where there is no program to become. */
export function prepareHandOver(
  { init, signals, plan }: Launching,
  folder: number,
  told: number,
): HandOver | undefined {
  const self = callerSelf()
  if (!init || !signals || self === undefined) return undefined
  const open = told > 0 ? [init.pidfd, folder, told] : [init.pidfd, folder]
  // The engine marks what it finds; a lock that the caller holds is to be held until the end. What was handed on is the
  // container's alone, and may be closed here already.
  const given = callerOpenFds()
  const theirs: number[] = []
  for (const fd of given) (fd < 3 + plan.keepFds ? theirs : open).push(fd)
  const numbers = [process.pid, init.pid, init.pidfd, told, folder, ...signals.caught, ...endingMask()]
  const order = `DAVIT_WATCH=${numbers.join(':')}:`
  const replace = replacement(self, ['davit', ...process.argv.slice(2)], [...environment(), order])
  const become = () => {
    // ORDER: what comes from here on waits for the program that we become; what came before is ours to hand on.
    leaveSignals(signals, () => {
      if (holdsForwarded(signals)) return
      for (const fd of theirs) sys('fcntl', fd, F_SETFD, FD_CLOEXEC)
      setFlags(open, 0)
      replace()
      setFlags(open, FD_CLOEXEC)
    })
  }
  return { told, become }
}

function setFlags(fds: readonly number[], flags: number): void {
  for (const fd of fds) must('fcntl', sys('fcntl', fd, F_SETFD, flags))
}

/** Ours, for an engine that may have to come after. */
function environment(): string[] {
  const entries: string[] = []
  for (const name in process.env) entries.push(`${name}=${process.env[name]}`)
  return entries
}
