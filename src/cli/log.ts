/**
 * The logger. Engines read two places: the file of --log (containerd and podman take the last JSON line with level
 * "error") and stderr. The lines are runc's, which are logrus's: see log_line.ts for how they are written.
 *
 * Every line is one write to an O_APPEND file, so that several runtimes may share a log.
 */
import { RuntimeError } from '../base/errors.ts'
import { jsonLine, plainLine, textLine } from './log_line.ts'

/** From worst to least; a logger prints its own level and those before it. */
export const LOG_LEVELS = ['error', 'warning', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Where lines go: one call, one line with its newline. */
export interface Sink {
  write(line: string): void
}

export interface LogSettings {
  /** Path as given; undefined: stderr. */
  readonly file: string | undefined
  readonly format: 'text' | 'json'
  readonly level: LogLevel
}

export interface Logger {
  debug(message: string): void
  info(message: string): void
  warning(message: string): void
  error(message: string): void
  /** The error that ends this run: as error(), and on stderr even when the log is a file. */
  fatal(message: string): void
}

/** The flags of the command table that concern the log. */
interface LogFlags {
  readonly log?: string
  readonly 'log-format': 'text' | 'json'
  readonly 'log-level'?: LogLevel
  readonly debug: boolean
}

/** Reads the log's settings from the global flags. Throws RuntimeError 'usage' for a log that davit cannot write. */
export function logSettings(flags: LogFlags): LogSettings {
  const level = flags.debug ? 'debug' : (flags['log-level'] ?? 'info')
  return { file: logFile(flags.log), format: flags['log-format'], level }
}

/** The path in `--log PATH` or crun's `--log=file:PATH`. An empty one means stderr, as with runc. */
function logFile(log: string | undefined): string | undefined {
  if (log === undefined || log === '') return undefined
  // crun(1): [BACKEND:]SPECIFIER; a path with a colon of its own is a path
  const backend = /^(file|journald|syslog):/.exec(log)?.[1]
  if (backend === undefined) return log
  if (backend !== 'file') throw new RuntimeError('usage', `--log: ${backend} is not supported, give a file`)
  const path = log.slice('file:'.length)
  if (path === '') throw new RuntimeError('usage', '--log: file: needs a path')
  return path
}

export interface LogTargets {
  readonly settings: Pick<LogSettings, 'format' | 'level'>
  /** The opened --log; undefined: none was asked for. */
  readonly file: Sink | undefined
  readonly stderr: Sink
  readonly now: () => Date
}

/**
 * Makes the logger. Without a file, lines go to stderr: `davit: message`, or JSON if --log-format json was given.
 * With one, stderr gets the fatal message only.
 */
export function createLogger({ settings, file, stderr, now }: LogTargets): Logger {
  const log = (level: LogLevel, message: string) => {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(settings.level)) return
    if (file !== undefined) {
      file.write(settings.format === 'json' ? jsonLine(level, message, now()) : textLine(level, message, now()))
    } else {
      stderr.write(settings.format === 'json' ? jsonLine(level, message, now()) : plainLine(level, message))
    }
  }
  return {
    debug: (message) => log('debug', message),
    info: (message) => log('info', message),
    warning: (message) => log('warning', message),
    error: (message) => log('error', message),
    fatal(message) {
      // First stderr: it must be said even if the log file cannot be written.
      if (file !== undefined) stderr.write(plainLine('error', message))
      log('error', message)
    },
  }
}
