/** Makes and configures a container's cgroups: the effects of a {@link CgroupPlan}. */
import { RuntimeError, SysError } from '../../base/errors.ts'
import { isWithin } from '../../base/path.ts'
import { closeFd, makeDir, openFile, removeDir, withFixedModes, writeText } from '../../ffi/file.ts'
import { errnoText } from '../../kernel/errno.ts'
import { O_WRONLY } from '../../kernel/files.ts'
import type { CgroupDir, CgroupPlan, CgroupRecord, CgroupStep } from '../../plan/cgroup/model.ts'
import { attachDevices } from './devices.ts'
import { checkFit } from './fit.ts'
import { runSteps } from './steps.ts'
import { isErrno } from './tree.ts'

/** The container's cgroups as they are: without the optional directories that were not ours to make. */
export interface MadeCgroup {
  /** For state.json. */
  readonly record: CgroupRecord
  /** v1 `tasks` files for the container's first process. */
  readonly tasks: readonly string[]
  /** v2 directory for CLONE_INTO_CGROUP. */
  readonly into?: string
  /** For {@link runSteps} once the set-up processes are there and before the user's process starts. */
  readonly late: readonly CgroupStep[]
  readonly warnings: readonly string[]
}

const NOT_OURS = ['EPERM', 'EACCES', 'EROFS']

/**
 * Makes the directories, runs the steps and attaches the device filter. On failure removes what it made. `child` is the
 * process that systemd has put into its unit, if it has.
 * @throws RuntimeError code "cgroup".
 */
export function makeCgroup(plan: CgroupPlan, child = 0): MadeCgroup {
  const created: string[] = []
  try {
    const warnings = [...plan.warnings]
    const missing = withFixedModes(() => plan.dirs.filter((dir) => !makeDirs(plan, dir, created)))
    // What systemd has made has our own process in it.
    if (plan.inner !== undefined && missing.length === 0) makeInner(plan.inner, created)
    // ORDER: a cgroup that processes are in gives no controllers to those below it.
    if (plan.onward !== undefined && child > 0) writeText(`${plan.onward}/cgroup.procs`, `${child}`)
    const isNew = ({ path }: CgroupDir) => created.includes(path) || plan.unit !== undefined
    const kept = plan.dirs.filter((dir) => !missing.includes(dir))
    for (const dir of kept) checkFit(dir, isNew(dir), plan.steps, warnings)
    runSteps(keptSteps(plan.steps, missing))
    const isKept = (path: string) => !missing.some((dir) => isWithin(path, dir.path))
    if (plan.devices !== undefined && isKept(plan.devices.dir)) attachDevices(plan.devices)
    return {
      record: recordOf(kept, plan.inner),
      tasks: plan.tasks.filter(isKept),
      ...(plan.into !== undefined && isKept(plan.into) ? { into: plan.into } : {}),
      late: keptSteps(plan.late, missing),
      warnings,
    }
  } catch (error) {
    for (const dir of created.reverse()) discard(dir)
    throw error
  }
}

/** The record of all directories of a plan. */
export function recordOf(dirs: readonly CgroupDir[], inner?: string): CgroupRecord {
  const v2 = dirs.find(({ hierarchy }) => hierarchy === 'v2')?.path
  const v1 = dirs.filter(({ hierarchy }) => hierarchy !== 'v2').map(({ path }) => path)
  return v2 === undefined ? { v1 } : { v2, v1, ...(inner === undefined ? {} : { inner }) }
}

/** Opens the `tasks` files; a process that writes "0" to one moves itself. The caller closes the fds. */
export function openTasks(tasks: readonly string[]): number[] {
  const fds: number[] = []
  try {
    for (const path of tasks) fds.push(openFile(path, O_WRONLY))
    return fds
  } catch (error) {
    for (const fd of fds) closeFd(fd)
    throw error
  }
}

/** False when the directory is optional and we may not make it. */
function makeDirs(plan: CgroupPlan, dir: CgroupDir, created: string[]): boolean {
  try {
    // The parents mostly exist: they are tried only when the leaf cannot be made.
    try {
      makeOne(dir.path, created)
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
      for (const path of [...dir.parents, dir.path]) makeOne(path, created)
    }
    return true
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    const text = `make cgroup ${dir.path}: ${errnoText(error.errno)}`
    if (!dir.optional || !NOT_OURS.includes(error.errnoName))
      throw new RuntimeError('cgroup', text, [], { cause: error })
    const limit = plan.steps.concat(plan.late).find((step) => isLimit(step) && isWithin(step.path, dir.path))
    if (limit === undefined) return false
    // In runc's words, which engines' documentation quotes.
    const needs = 'rootless needs no limits + no cgrouppath when no permission is granted for cgroups'
    throw new RuntimeError('cgroup', `${needs}: ${text}`, [], { cause: error })
  }
}

function makeInner(path: string, created: string[]): void {
  try {
    withFixedModes(() => makeOne(path, created))
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    throw new RuntimeError('cgroup', `make cgroup ${path}: ${errnoText(error.errno)}`, [], { cause: error })
  }
}

function makeOne(path: string, created: string[]): void {
  if (makeDir(path, 0o755)) created.push(path)
}

/** Whether config.json asked for it; the device list does not count, rootless runtimes cannot have one. */
function isLimit(step: CgroupStep): step is Extract<CgroupStep, { path: string; config: string }> {
  return (step.kind === 'write' || step.kind === 'check') && /^\/linux\/resources\/(?!devices\/)/.test(step.config)
}

function keptSteps(steps: readonly CgroupStep[], missing: readonly CgroupDir[]): readonly CgroupStep[] {
  if (missing.length === 0) return steps
  return steps.filter((step) => !missing.some((dir) => isWithin('dir' in step ? step.dir : step.path, dir.path)))
}

function discard(dir: string): void {
  try {
    removeDir(dir)
  } catch (error) {
    // The failure that brought us here is the one to report.
    if (!(error instanceof SysError)) throw error
  }
}
