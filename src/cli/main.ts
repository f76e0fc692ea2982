/** The command line from argv to exit code. */
import { messageOf, RuntimeError, SysError } from '../base/errors.ts'
import { dispatch } from './dispatch.ts'
import { COMMIT, VERSION } from './edition.ts'
import type { Logger } from './log.ts'
import type { VerbSpec } from './option.ts'
import { parseArgv } from './parse.ts'
import { openSession, print, sessionLogger } from './session.ts'
import { VERBS, type VerbName } from './table.ts'
import { versionText } from './version.ts'

/** Runs one command line and returns the exit code. Only bugs are thrown. */
export async function main(argv: readonly string[]): Promise<number> {
  let log: Logger = sessionLogger({ 'log-format': 'text', debug: false })
  let verb: VerbName | '' = ''
  try {
    let parsed: Awaited<ReturnType<typeof import('./yargs.ts')['parseSlowly']>> | ReturnType<typeof parseArgv> =
      parseArgv(argv)
    // What is not plainly right is yargs's to explain; it is not loaded otherwise.
    if (parsed.kind === 'slow') parsed = await (await import('./yargs.ts')).parseSlowly(argv)
    if (parsed.kind === 'print') {
      print(parsed.text)
      return 0
    }
    if (parsed.kind === 'version') {
      // Not by print(): the only output that needs no native library should not wait for it.
      console.log(versionText({ version: VERSION, commit: COMMIT }).trimEnd())
      return 0
    }
    verb = parsed.verb
    log = sessionLogger(parsed.global)
    return await dispatch(parsed, openSession(parsed.global, log))
  } catch (error) {
    if (!(error instanceof RuntimeError || error instanceof SysError)) throw error
    const usage = error instanceof RuntimeError && error.code === 'usage'
    log.fatal(verb === '' || usage ? messageOf(error) : `${verb} failed: ${messageOf(error)}`)
    if (error instanceof RuntimeError && error.exitCode !== undefined) return error.exitCode
    return usage ? 1 : failureOf(verb)
  }
}

function failureOf(verb: VerbName | ''): number {
  const spec: VerbSpec | undefined = verb === '' ? undefined : VERBS[verb]
  return spec?.failure ?? 1
}
