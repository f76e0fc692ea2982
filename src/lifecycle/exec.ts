/**
 * `exec`: another process in a container. Everything is checked and planned before the first thing is done; a process
 * that could not be started leaves nothing. No lock is held: who deletes the container meanwhile wins.
 */
import { absolutePath } from '../base/path.ts'
import { closeFd, openFile } from '../ffi/file.ts'
import { must, sys } from '../ffi/native.ts'
import { type Entrance, openEntrance } from '../host/cgroup/entrance.ts'
import { freshMark } from '../host/process.ts'
import { gatherProcessFacts } from '../host/process_facts.ts'
import { catchSignals, type Signals } from '../host/signals.ts'
import { O_DIRECTORY, O_PATH } from '../kernel/files.ts'
import type { CgroupRecord } from '../plan/cgroup/model.ts'
import { unitDir } from '../plan/cgroup/unit_name.ts'
import type { ProcessRequest } from '../plan/context.ts'
import { buildExecPlan } from '../plan/exec.ts'
import { parseSubCgroups } from '../plan/exec_cgroup.ts'
import type { ProcessFacts } from '../plan/facts.ts'
import type { Plan } from '../plan/step.ts'
import type { ContainerRecord } from '../state/record.ts'
import { checkConsole, connectConsole } from './console.ts'
import { type ProcessOptions, processOf } from './exec_process.ts'
import { cgroupsOf, checkAlive, openTarget, rdtTasksOf, type Target } from './exec_target.ts'
import { specState } from './hooks.ts'
import { Launching } from './launching.ts'
import { type Own, runParent } from './parent.ts'
import { closePidfdSockets, connectPidfdSockets } from './pidfd_socket.ts'
import { checkPreserved, forgetPreserved } from './preserved.ts'
import { isRootless, type Runtime } from './runtime.ts'
import { compileSeccomp } from './seccomp.ts'
import { supervise } from './supervise.ts'
import { loadUnits, units } from './units.ts'

export interface ExecOptions extends ProcessOptions {
  readonly id: string
  readonly detach: boolean
  readonly pidFile?: string
  readonly consoleSocket?: string
  readonly pidfdSocket?: string
  readonly preserveFds: number
  /** `[controller:]path`, as given. */
  readonly cgroups: readonly string[]
  readonly ignorePaused: boolean
}

/** Runs a process in a container. Returns its exit code, 128+n for death by signal n; 0 at once when detached. */
export async function execContainer(runtime: Runtime, options: ExecOptions): Promise<number> {
  checkPreserved(options.preserveFds)
  const launching = await enter(runtime, options)
  launching.close()
  if (!options.detach) {
    forgetPreserved(options.preserveFds)
    return supervise(launching)
  }
  if (launching.init) closeFd(launching.init.pidfd)
  return 0
}

/** When this returns the process has been executed. */
async function enter(runtime: Runtime, options: ExecOptions): Promise<Launching> {
  const sub = parseSubCgroups(options.cgroups)
  const target = openTarget(runtime, options.id, options.ignorePaused)
  try {
    const process = await processOf(runtime, target, options)
    checkConsole(process.terminal ?? false, options.detach, options.consoleSocket)
    // ORDER: files of the container may make us wait; until here any signal ends that.
    const signals = options.detach ? undefined : catchSignals()
    const facts = gatherProcessFacts(process)
    const { pid } = target.record
    const rootless = isRootless(runtime, facts)
    const cgroups = cgroupsOf(target.record)
    // KERNEL: to go from a cgroup to another one must own what is above both: with a unit of the user's own that may be
    // the machine's.
    const unit = target.record.unit?.manager === 'user' && sub.size === 0 ? target.record.unit : undefined
    await loadUnits(target.record)
    const entrance = openEntrance({ record: unit ? { v1: [] } : cgroups, pid, sub, rootless })
    try {
      const spec = { ...target.spec, process }
      const seccomp = await compileSeccomp(runtime, spec, facts)
      const mark = freshMark()
      const request = { ...requestOf(runtime, target.record, options), mark }
      const plan = buildExecPlan({
        ...{ spec, facts, request, pid, join: target.join, cgroup: unit ? { ...entrance, unit } : entrance },
        ...(seccomp ? { seccomp } : {}),
        rdtTasks: rdtTasksOf(target.record),
      })
      for (const warning of plan.warnings) runtime.log.warning(warning)
      checkAlive(target.record)
      const about = { arch: facts.arch, mark, limited: target.record.cgroup ?? { v1: [] } }
      return launchIn(runtime, plan, about, options, entering(target, entrance), signals)
    } finally {
      entrance.close()
    }
  } finally {
    closeFd(target.pidfd)
  }
}

function requestOf({ cwd }: Runtime, record: ContainerRecord, options: ExecOptions): ProcessRequest {
  const { pidFile, preserveFds, pidfdSocket } = options
  return {
    id: record.id,
    noNewKeyring: record.noNewKeyring ?? false,
    preserveFds,
    ...(pidFile === undefined ? {} : { pidFile: absolutePath(pidFile, cwd) }),
    ...(pidfdSocket === undefined ? {} : { pidfdSockets: [absolutePath(pidfdSocket, cwd)] }),
  }
}

function launchIn(
  runtime: Runtime,
  plan: Plan,
  {
    arch,
    mark,
    limited,
  }: { readonly arch: ProcessFacts['arch']; readonly mark: string; readonly limited: CgroupRecord },
  options: ExecOptions,
  own: Own,
  signals: Signals | undefined,
): Launching {
  const pidfdSockets = connectPidfdSockets(
    plan.parent.flatMap((step) => (step.kind === 'sendPidfd' ? [step.path] : [])),
  )
  let console = -1
  try {
    console = connectConsole(options.consoleSocket && absolutePath(options.consoleSocket, runtime.cwd))
    const launching = new Launching(runtime, plan, arch, console, mark)
    launching.pidfdSockets = pidfdSockets
    launching.signals = signals
    launching.limited = limited
    try {
      runParent(launching, own)
      return launching
    } catch (error) {
      launching.undo()
      throw error
    }
  } finally {
    if (console >= 0) closeFd(console)
    closePidfdSockets(pidfdSockets)
  }
}

/** SAFETY: by pid, so it counts only if that is still init's afterwards. */
function initRoot(record: ContainerRecord, path: string): number {
  const fd = openFile(path, O_PATH | O_DIRECTORY)
  try {
    checkAlive(record)
    return fd
  } catch (error) {
    closeFd(fd)
    throw error
  }
}

/** What exec adds to the parent's steps: nothing but the way in. */
function entering({ pidfd, record }: Target, entrance: Entrance): Own {
  return {
    state: () => specState(record, 'running'),
    step: ({ kind }, { stage, init }) => {
      if (kind === 'enterUnit' && record.unit) {
        const dir = record.cgroup?.inner ?? record.cgroup?.v2 ?? ''
        const below = dir.slice(unitDir(dir, record.unit.name).length)
        return units().enterUnit(record.unit, (stage ?? init)?.pid ?? 0, below)
      }
      throw new Error(`bug: step ${kind} in a plan of exec`)
    },
    preset: (preset) => {
      if (preset.kind === 'cgroupTasks') return entrance.takeTasks(preset.path)
      if (preset.kind === 'pidfd') return must('dup', sys('fcntl', pidfd, 1030, 3))
      if (preset.kind === 'initRoot') return initRoot(record, preset.path)
      throw new Error(`bug: preset ${preset.kind} in a plan of exec`)
    },
    cgroup: entrance.takeInto,
  }
}
