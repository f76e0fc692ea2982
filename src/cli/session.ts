/** What a verb gets from main: the runtime's settings, made from the global flags, and stdout. */
import { RuntimeError } from '../base/errors.ts'
import { absolutePath } from '../base/path.ts'
import { openFile, withFixedModes, writeFd } from '../ffi/file.ts'
import { callerEnded } from '../host/caller.ts'
import { inInitialUserns } from '../host/userns.ts'
import type { Runtime } from '../lifecycle/runtime.ts'
import { defaultRoot } from '../state/root.ts'
import { COMMIT, VERSION } from './edition.ts'
import type { GlobalOptions } from './globals.ts'
import { createLogger, type Logger, logSettings } from './log.ts'
import { openLogSink, stderrSink } from './log_file.ts'

export interface Session {
  readonly runtime: Runtime
  readonly log: Logger
}

/** The logger of a command line; throws when --log cannot be opened. */
export function sessionLogger(global: Pick<GlobalOptions, 'log' | 'log-format' | 'log-level' | 'debug'>): Logger {
  const settings = logSettings(global)
  const file = settings.file === undefined ? undefined : openLog(settings.file)
  return createLogger({ settings, file, stderr: stderrSink({ writeFd: writeError }), now: () => new Date() })
}

/** The rest of a `run` does without a file that was removed meanwhile, as it would with one that is still open. */
function openLog(path: string) {
  try {
    return withFixedModes(() => openLogSink(path, { openFile, writeFd }))
  } catch (error) {
    if (callerEnded() === undefined) throw error
    return undefined
  }
}

/** Reads the environment where runc does: XDG_RUNTIME_DIR and USER for the root, nothing else. */
export function openSession(global: GlobalOptions, log: Logger): Session {
  const cwd = process.cwd()
  const root = absolutePath(global.root || userRoot(), cwd)
  return {
    log,
    runtime: {
      root,
      rootExplicit: global.root !== undefined && global.root !== '',
      cwd,
      edition: `${VERSION} ${COMMIT}`,
      log,
      rootless: global.rootless,
      cgroups: global['systemd-cgroup'] ? 'systemd' : (global['cgroup-manager'] ?? 'cgroupfs'),
      runtimeDir: process.env.XDG_RUNTIME_DIR,
      user: process.env.USER,
    },
  }
}

function userRoot(): string {
  const { XDG_RUNTIME_DIR: runtimeDir, USER: user } = process.env
  return defaultRoot({ euid: process.geteuid?.() ?? 0, initialUserns: inInitialUserns(), runtimeDir, user })
}

/** Writes to stdout, all of it; a reader that has left is an error like any other. */
export function print(text: string): void {
  writeFd(1, text, 'standard output')
}

/** Where errors go when davit's own library cannot be loaded, which writing them would need. */
function writeError(fd: number, text: string): void {
  try {
    writeFd(fd, text)
  } catch (error) {
    if (!(error instanceof RuntimeError && error.code === 'install')) throw error
    process.stderr.write(text)
  }
}
