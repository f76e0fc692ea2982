/** The process that `exec` runs: the container's own with the flags applied, or one from a file. Pure. */
import { RuntimeError } from '../base/errors.ts'
import type { Capabilities, Process } from '../spec/types.gen.ts'
import { type Account, parseId } from './accounts.ts'

/** Flags that change the container's process; absent and empty ones leave it alone. */
export interface ProcessFlags {
  readonly args: readonly string[]
  readonly cwd?: string
  /** NAME=value, replacing or adding. */
  readonly env: readonly string[]
  readonly user?: Account
  readonly additionalGids: readonly string[]
  readonly capabilities: readonly string[]
  readonly noNewPrivileges: boolean
  readonly terminal: boolean
  readonly selinuxLabel?: string
  readonly apparmorProfile?: string
}

/** The container's process as the flags want it. @throws RuntimeError 'config-invalid'. */
export function processByFlags(container: Process, flags: ProcessFlags): Process {
  const { args, cwd, user, selinuxLabel, apparmorProfile } = flags
  if (args.length === 0) throw new RuntimeError('config-invalid', 'process args cannot be empty')
  if (cwd !== undefined && !cwd.startsWith('/')) {
    throw new RuntimeError('config-invalid', `cwd ${JSON.stringify(cwd)} must be an absolute path`)
  }
  const gids = [...(user?.additionalGids ?? container.user?.additionalGids ?? [])]
  for (const gid of flags.additionalGids) gids.push(gidOf(gid))
  return {
    ...container,
    args,
    terminal: flags.terminal,
    env: mergeEnv(container.env ?? [], flags.env),
    user: { ...container.user, ...user, additionalGids: gids },
    ...(cwd === undefined ? {} : { cwd }),
    ...(flags.capabilities.length > 0 ? { capabilities: addCapabilities(container, flags.capabilities) } : {}),
    ...(flags.noNewPrivileges ? { noNewPrivileges: true } : {}),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
  }
}

function gidOf(text: string): number {
  const gid = parseId(text)
  if (gid !== undefined) return gid
  throw new RuntimeError('config-invalid', `invalid additional gid ${JSON.stringify(text.slice(0, 80))}`)
}

/** CVE-2022-24769: never inheritable, and so not ambient either. */
function addCapabilities({ capabilities = {} }: Process, names: readonly string[]): Capabilities {
  const add = (set: readonly string[] | undefined) => [...(set ?? []), ...names]
  const { bounding, effective, permitted } = capabilities
  return { ...capabilities, bounding: add(bounding), effective: add(effective), permitted: add(permitted) }
}

/** Later entries replace earlier ones of their name, in the place of those. */
function mergeEnv(base: readonly string[], more: readonly string[]): readonly string[] {
  if (more.length === 0) return base
  const byName = new Map<string, string>()
  for (const entry of base) byName.set(nameOf(entry) ?? entry, entry)
  for (const entry of more) {
    const name = nameOf(entry)
    if (name === undefined) {
      throw new RuntimeError('config-invalid', `invalid environment variable: ${JSON.stringify(entry.slice(0, 80))}`)
    }
    byName.set(name, entry)
  }
  return [...byName.values()]
}

function nameOf(entry: string): string | undefined {
  const equals = entry.indexOf('=')
  return equals > 0 ? entry.slice(0, equals) : undefined
}

/**
 * A process from a file: what it does not speak of it has from the container, as with runc. What is given counts as a
 * whole: nothing is merged.
 */
export function processByFile(container: Process, given: Process): Process {
  const { capabilities, rlimits, oomScoreAdj, apparmorProfile, selinuxLabel, scheduler, ioPriority } = container
  const umask = given.user?.umask ?? container.user?.umask
  const inherited = {
    capabilities,
    rlimits,
    oomScoreAdj,
    apparmorProfile,
    selinuxLabel,
    scheduler,
    ioPriority,
    execCPUAffinity: container.execCPUAffinity,
  }
  const missing = Object.entries(inherited).filter(
    ([name, value]) => value !== undefined && isMissing(given[name as keyof Process]),
  )
  return {
    ...given,
    ...(Object.fromEntries(missing) as Partial<Process>),
    ...(umask === undefined ? {} : { user: { ...given.user, umask } }),
  }
}

/** Go writes an empty list or string where there is nothing. */
function isMissing(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
}
