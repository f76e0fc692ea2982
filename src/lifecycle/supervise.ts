/** The rest of a foreground's life: forward, wait, give the terminal back, tell the exit code. */
import { oomKills } from '../host/cgroup/oom_kills.ts'
import type { Exit } from '../host/process.ts'
import type { CgroupRecord } from '../plan/cgroup/model.ts'
import { superviseForeground, type Watch } from './foreground.ts'
import type { Launching } from './launching.ts'
import type { Runtime } from './runtime.ts'

/** 128 and SIGKILL. */
export const KILLED = 137

/** Stays until the process has ended. Its exit code, 128+n for death by signal n. */
export function supervise(launching: Launching, watches: readonly Watch[] = []): number {
  let code = 0
  try {
    code = exitCode(superviseForeground(launching, watches))
  } finally {
    launching.restoreTerminal()
  }
  if (code === KILLED) tellLackOfMemory(launching.runtime, launching.limited)
  return code
}

/** Of the process itself, or of one whose end a shell passes on. */
export function tellLackOfMemory(runtime: Runtime, cgroup: CgroupRecord): void {
  const kills = oomKills(cgroup)
  if (kills) runtime.log.warning(kills)
}

function exitCode({ code, signal }: Exit): number {
  return signal === undefined ? (code ?? 0) : 128 + signal
}
