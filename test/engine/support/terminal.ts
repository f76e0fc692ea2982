/** A command on a real terminal of an engine's host, typed at and read from. */
import type { ExecOptions, Result } from '../../support/exec.ts'
import { until } from '../../support/wait.ts'
import type { Host } from './host.ts'

export interface Terminal {
  /** What the screen has got so far, without carriage returns. */
  screen(): string
  type(text: string): void
  /** Waits until the screen shows it after what was already waited for. */
  until(text: string | RegExp): Promise<void>
  /** The end of the command; its exit code. */
  readonly done: Promise<Result>
}

/** Runs a line of shell on a terminal of 37 rows and 91 columns; `script` is the one at its other side. */
export function onTerminal(host: Host, line: string, options: ExecOptions = {}): Terminal {
  const command = `stty rows 37 cols 91; ${line}`
  const running = host.start('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    timeout: 60_000,
    ...options,
    stdin: '',
    env: { ...options.env, TERM: 'xterm', SHELL: '/bin/sh' },
  })
  const screen = () => running.stdout().replaceAll('\r', '')
  let seen = 0
  return {
    screen,
    type: (text) => running.write(text),
    until: async (text) => {
      const look = () => {
        const rest = screen().slice(seen)
        const at = typeof text === 'string' ? rest.indexOf(text) : rest.search(text)
        if (at < 0) return false
        seen += at + (typeof text === 'string' ? text.length : (text.exec(rest)?.[0].length ?? 0))
        return true
      }
      await until(`${JSON.stringify(String(text))} on the terminal`, look, 20_000).catch((error: Error) => {
        throw new Error(`${error.message}; it shows\n${screen()}${running.stderr()}`)
      })
    },
    done: running.done,
  }
}
