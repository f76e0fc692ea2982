/** The probe: a small static program (probe.c) for what a shell cannot show or do, on the host and in containers. */
import { compiled } from './compiled.ts'
import { type ExecOptions, type Running, start } from './exec.ts'
import { atEnd } from './scratch.ts'
import { until } from './wait.ts'

/** Its absolute path; compiled when first asked for. */
export function probePath(): Promise<string> {
  return compiled('probe')
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
