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
import { unitDir } from '../plan/cgroup/unit_name.ts'
import type { ProcessRequest } from '../plan/context.ts'
import type { ExecInput } from '../plan/exec.ts'
import { parseSubCgroups, type SubCgroups } from '../plan/exec_cgroup.ts'
import type { ProcessFacts } from '../plan/facts.ts'
import type { Process } from '../spec/types.gen.ts'
import type { ContainerRecord } from '../state/record.ts'
import { checkConsole, connectConsole } from './console.ts'
import { type Again, findKept, keep, keyOf } from './exec_kept.ts'
import { type ProcessOptions, processOf } from './exec_process.ts'
import { cgroupsOf, checkAlive, openTarget, rdtTasksOf, type Target } from './exec_target.ts'
import { specState } from './hooks.ts'
import { KeptFailed, Launching } from './launching.ts'
import { type Own, runParent } from './parent.ts'
import { closePidfdSockets, connectPidfdSockets } from './pidfd_socket.ts'
import { checkPreserved, forgetPreserved } from './preserved.ts'
import { isRootless, type Runtime } from './runtime.ts'
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
  const { launching, key } = await enter(runtime, options)
  launching.close()
  if (key !== undefined) keep(`${runtime.root}/${options.id}`, key, launching)
  if (!options.detach) {
    forgetPreserved(options.preserveFds)
    return supervise(launching)
  }
  if (launching.init) closeFd(launching.init.pidfd)
  return 0
}

interface Entered {
  readonly launching: Launching
  /** What to keep it under, for the next one like it. */
  readonly key?: string
}

/** When this returns the process has been executed. */
async function enter(runtime: Runtime, options: ExecOptions): Promise<Entered> {
  const sub = parseSubCgroups(options.cgroups)
  const target = openTarget(runtime, options.id, options.ignorePaused)
  try {
    const process = await processOf(runtime, target, options)
    checkConsole(process.terminal ?? false, options.detach, options.consoleSocket)
    // ORDER: files of the container may make us wait; until here any signal ends that.
    const signals = options.detach ? undefined : catchSignals()
    const facts = gatherProcessFacts(process)
    await loadUnits(target.record)
    const entry: Entry = { runtime, options, target, process, facts, sub, signals }
    try {
      return await attempt(entry, true)
    } catch (error) {
      if (!(error instanceof KeptFailed)) throw error
      return await attempt(entry, false)
    }
  } finally {
    closeFd(target.pidfd)
  }
}

/** What is known once the process has been checked. */
interface Entry {
  readonly runtime: Runtime
  readonly options: ExecOptions
  readonly target: Target
  readonly process: Process
  readonly facts: ProcessFacts
  readonly sub: SubCgroups
  readonly signals: Signals | undefined
}

/** Plans and launches; with `again` what was kept of a process like this is taken as it is. @throws KeptFailed */
async function attempt(entry: Entry, again: boolean): Promise<Entered> {
  const { runtime, options, target, process, facts, sub } = entry
  const { record } = target
  // KERNEL: to go from a cgroup to another one must own what is above both: with a unit of the user's own that may be
  // the machine's.
  const unit = record.unit?.manager === 'user' && sub.size === 0 ? record.unit : undefined
  const cgroups = unit ? { v1: [] } : cgroupsOf(record)
  const entrance = openEntrance({ record: cgroups, pid: record.pid, sub, rootless: isRootless(runtime, facts) })
  try {
    const mark = freshMark()
    const input: ExecInput = {
      spec: { ...target.spec, process },
      facts,
      request: { ...requestOf(runtime, record, options), mark },
      pid: record.pid,
      join: target.join,
      cgroup: unit ? { ...entrance, unit } : entrance,
      rdtTasks: rdtTasksOf(record),
    }
    const key = keyOf(runtime, record, input)
    const kept = key === undefined || !again ? undefined : findKept(`${runtime.root}/${record.id}`, key, input)
    const made = kept ?? (await (await import('./exec_plan.ts')).planExec(runtime, input))
    for (const warning of made.plan.warnings) runtime.log.warning(warning)
    checkAlive(record)
    const launching = launchIn(entry, made, mark, entering(target, entrance))
    return key === undefined || kept ? { launching } : { launching, key }
  } finally {
    entrance.close()
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

function launchIn(entry: Entry, { plan, programs }: Again, mark: string, own: Own): Launching {
  const { runtime, options, target, signals } = entry
  const paths: string[] = []
  for (const step of plan.parent) if (step.kind === 'sendPidfd') paths.push(step.path)
  const pidfdSockets = connectPidfdSockets(paths)
  let console = -1
  try {
    console = connectConsole(options.consoleSocket && absolutePath(options.consoleSocket, runtime.cwd))
    const launching = new Launching(runtime, plan, programs, console, mark)
    launching.pidfdSockets = pidfdSockets
    launching.signals = signals
    launching.limited = target.record.cgroup ?? { v1: [] }
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
