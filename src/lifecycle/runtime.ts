/** What every verb gets: the global flags and where to speak. */
import type { Log } from '../base/log.ts'
import type { ProcessFacts } from '../plan/facts.ts'

export interface Runtime {
  /** State directory, absolute. */
  readonly root: string
  /** Whether --root was given. */
  readonly rootExplicit: boolean
  readonly cwd: string
  /** Of which build the planners are; without it nothing is kept of what they make. */
  readonly edition?: string
  readonly log: Log
  /** As asked for by --rootless; auto decides by the effective uid and user namespace. */
  readonly rootless: 'true' | 'false' | 'auto'
  /** Who makes cgroups: davit, systemd, nobody. */
  readonly cgroups: 'cgroupfs' | 'systemd' | 'disabled'
  /** $XDG_RUNTIME_DIR and $USER. */
  readonly runtimeDir?: string | undefined
  readonly user?: string | undefined
}

/** Whether limits that cannot be had are to be forgiven: not the machine's root. */
export function isRootless(runtime: Pick<Runtime, 'rootless'>, facts: ProcessFacts): boolean {
  if (runtime.rootless !== 'auto') return runtime.rootless === 'true'
  return facts.euid !== 0 || !facts.initialUserns
}
