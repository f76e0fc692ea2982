/**
 * Interruptions of a case. Cases wait without giving other code a turn, and no signal's handler gets one: whoever gives
 * the orders makes a file, and a case looks for it before each of its steps and waits.
 */
import { existsSync } from 'node:fs'

/** What interrupts the suite; the last is that of a terminal which is gone. */
export const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ends a case that is not to go on; nothing is said of it. */
export class Interrupted extends Error {}

let sign: string | undefined

/** From now on this file, once it is there, interrupts; without one, nothing does. */
export function heedSign(path?: string): void {
  sign = path
}

/** Throws if the sign is there: once, so that what the case then takes away is taken away undisturbed. */
export function heedInterruption(): void {
  if (sign === undefined || !existsSync(sign)) return
  sign = undefined
  throw new Interrupted()
}

/** The file, for scripts that take long; empty where nothing is to be interrupted any more. */
export const signPath = (): string => sign ?? ''
