/**
 * A `run` in the foreground does nothing but wait from the moment on at which init was told to go on: the engine becomes
 * `davit` itself (native/watch.c), which forwards signals, waits, and runs what was prepared of `delete`. Its memory is
 * given back at once, and while the container starts instead of when it has ended.
 */
import { must, sys } from '../ffi/native.ts'
import { callerSelf } from '../host/caller.ts'
import { replaceProcess } from '../host/process.ts'
import { holdsForwarded, leaveSignals } from '../host/signals.ts'
import type { Launching } from './launching.ts'

const F_SETFD = 2
const FD_CLOEXEC = 1

/** `folder`: the container's directory, locked. Returns when it could not be: then everything is as it was. */
export function handOver({ init, signals, peer }: Launching, folder: number): void {
  const self = callerSelf()
  if (!init || !signals || self === undefined) return
  const told = peer < 0 ? 0 : peer
  const open = told > 0 ? [init.pidfd, folder, told] : [init.pidfd, folder]
  // ORDER: what comes from here on waits for the program that we become; what came before is ours to hand on.
  leaveSignals(signals, () => {
    if (holdsForwarded(signals)) return
    for (const fd of open) must('fcntl', sys('fcntl', fd, F_SETFD, 0))
    const order = `DAVIT_WATCH=${process.pid}:${init.pid}:${init.pidfd}:${told}:${folder}:`
    replaceProcess(self, ['davit', ...process.argv.slice(2)], [...environment(), order])
    for (const fd of open) must('fcntl', sys('fcntl', fd, F_SETFD, FD_CLOEXEC))
  })
}

/** Ours, for an engine that may have to come after. */
function environment(): string[] {
  const entries: string[] = []
  for (const name in process.env) entries.push(`${name}=${process.env[name]}`)
  return entries
}
