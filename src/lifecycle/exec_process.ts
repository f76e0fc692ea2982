/** From the flags of `exec` to a checked process. */
import { RuntimeError, SysError } from '../base/errors.ts'
import { absolutePath } from '../base/path.ts'
import { readBytes } from '../ffi/file.ts'
import { resolveUser, withHome } from '../plan/accounts.ts'
import { type ProcessFlags, processByFile, processByFlags } from '../plan/exec_process.ts'
import type { CheckedProcess } from '../spec/process_document.ts'
import type { Process } from '../spec/types.gen.ts'
import { accountFiles, type Target } from './exec_target.ts'
import type { Runtime } from './runtime.ts'

export interface ProcessOptions {
  /** Path of a file with the whole process; the flags are then without meaning. */
  readonly processFile?: string
  /** `user` as it was given. */
  readonly flags: Omit<ProcessFlags, 'user'> & { readonly user?: string }
}

/** The process to run, checked as config.json's is; its user's home filled in. Warnings go to the log. */
export async function processOf(runtime: Runtime, target: Target, options: ProcessOptions): Promise<Process> {
  const { flags, processFile } = options
  const files = accountFiles(target)
  const { process, warnings } =
    processFile === undefined ? await byFlags(target, flags, files) : await byFile(runtime, target, processFile, flags)
  for (const { pointer, message } of warnings) runtime.log.warning(`process ${pointer}: ${message}`)
  return { ...process, env: withHome(process.env ?? [], process.user?.uid ?? 0, files.passwd) }
}

async function byFlags(
  { spec }: Target,
  { user, ...flags }: ProcessOptions['flags'],
  files: ReturnType<typeof accountFiles>,
): Promise<CheckedProcess> {
  const account = user === undefined ? {} : { user: resolveUser(user, files) }
  const process = processByFlags(containerProcess(spec), { ...flags, ...account })
  // The container's own was checked when it was created; the schemas take a while to load.
  if (user === undefined && flags.additionalGids.length === 0 && flags.capabilities.length === 0)
    return { process, warnings: [] }
  const { checkProcess } = await import('../spec/process_document.ts')
  return checkProcess(process, spec)
}

async function byFile(
  { cwd, log }: Runtime,
  { spec }: Target,
  path: string,
  flags: ProcessOptions['flags'],
): Promise<CheckedProcess> {
  const idle = meaningless(flags)
  if (idle.length > 0) log.warning(`--process leaves no meaning to ${idle.join(', ')}`)
  const { parseProcess } = await import('../spec/process_document.ts')
  const { process, warnings } = await parseProcess(readFile(path, cwd), spec, path)
  return { process: processByFile(containerProcess(spec), process), warnings }
}

function containerProcess({ process }: Target['spec']): Process {
  if (process) return process
  throw new RuntimeError('state', "the container's configuration has no process")
}

/** Flags that a process file overrules, as runc does in silence. Engines send --tty along with it. */
function meaningless(flags: ProcessOptions['flags']): string[] {
  const given = {
    'the command': flags.args.length > 0,
    '--cwd': flags.cwd !== undefined,
    '--env': flags.env.length > 0,
    '--user': flags.user !== undefined,
    '--additional-gids': flags.additionalGids.length > 0,
    '--cap': flags.capabilities.length > 0,
    '--no-new-privs': flags.noNewPrivileges,
    '--process-label': flags.selinuxLabel !== undefined,
    '--apparmor': flags.apparmorProfile !== undefined,
  }
  return Object.entries(given).flatMap(([name, is]) => (is ? [name] : []))
}

function readFile(path: string, cwd: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readBytes(absolutePath(path, cwd)))
  } catch (error) {
    if (error instanceof SysError) throw new RuntimeError('bundle', error.message)
    throw new RuntimeError('config-syntax', `parse ${path}: not valid UTF-8`)
  }
}
