/** What the scripts of the virtual machine do on the host: say how far they are, run programs, find their files. */
import { spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { resolve } from 'node:path'

const STARTED = Date.now()

/** The folder of these scripts. */
export const HERE = import.meta.dirname

/** The checkout that is tested. */
export const CHECKOUT = resolve(HERE, '../..')

/** What is fetched and built once, for all runs to come; see cache.ts. */
export const CACHE = `${process.env.XDG_CACHE_HOME || `${homedir()}/.cache`}/davit-vm`

/** Progress, on stderr, with the seconds since the start. */
export function say(text: string): void {
  console.error(`vm: ${String(Math.round((Date.now() - STARTED) / 1000)).padStart(4)} s  ${text}`)
}

/** Runs a program to its end; its output. Throws with what it said when it fails. */
export function run(file: string, args: readonly string[], input?: string): string {
  const { status, signal, error, stdout, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    input: input ?? '',
    maxBuffer: 64 << 20,
  })
  if (error) throw error
  if (status === 0) return stdout
  const said = `${stdout}${stderr}`.trimEnd().split('\n').slice(-20).join('\n')
  throw new Error(`${file} ${args.join(' ')}: ${signal ?? `exit ${status}`}\n${said}`)
}
