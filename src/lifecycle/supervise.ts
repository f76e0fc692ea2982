/** The rest of a foreground's life: forward, wait, give the terminal back, tell the exit code. */
import type { Exit } from '../host/process.ts'
import { superviseForeground, type Watch } from './foreground.ts'
import type { Launching } from './launching.ts'

/** Stays until the process has ended. Its exit code, 128+n for death by signal n. */
export function supervise(launching: Launching, watches: readonly Watch[] = []): number {
  try {
    return exitCode(superviseForeground(launching, watches))
  } finally {
    launching.restoreTerminal()
  }
}

function exitCode({ code, signal }: Exit): number {
  return signal === undefined ? (code ?? 0) : 128 + signal
}
