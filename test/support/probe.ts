/** The probe: a small static program (probe.c) for what a shell cannot show or do, on the host and in containers. */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { type ExecOptions, output, type Running, start } from './exec.ts'
import { repositoryPath } from './place.ts'
import { atEnd } from './scratch.ts'
import { until } from './wait.ts'

const SOURCE = repositoryPath('test/support/probe.c')
const BINARY = repositoryPath('build/test/probe')

let built: Promise<string> | undefined

async function build(): Promise<string> {
  if (existsSync(BINARY) && statSync(BINARY).mtimeMs > statSync(SOURCE).mtimeMs) return BINARY
  mkdirSync(repositoryPath('build/test'), { recursive: true })
  const temporary = `${BINARY}.${process.pid}`
  await output('cc', ['-static', '-O1', '-Wall', '-Wextra', '-Werror', '-o', temporary, SOURCE], { timeout: 60_000 })
  renameSync(temporary, BINARY) // other test processes may be building it, too
  return BINARY
}

/** Its absolute path; compiled when first asked for. */
export function probePath(): Promise<string> {
  built ??= build()
  return built
}

/** Starts the probe on the host, with its input open. */
export async function startProbe(args: readonly string[], options: ExecOptions = {}): Promise<Running> {
  return start(await probePath(), args, { stdin: '', ...options })
}

/** Starts the probe as something that listens on a socket, and waits until it does. */
export async function startListener(args: readonly string[], word = 'listening'): Promise<Running> {
  const running = await startProbe(args)
  atEnd(() => void running.child.kill('SIGKILL'))
  await until(`${args.join(' ')}: ${word}`, () => running.stdout().includes(`${word}\n`))
  return running
}

/** Listens on a console socket; what is received is on its stdout: a line "console NAME ROWSxCOLUMNS", then the bytes. */
export function receiveConsole(socket: string): Promise<Running> {
  return startListener(['console', socket])
}
