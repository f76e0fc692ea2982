/** What davit does while criu restores, when criu says that it is time for it. */
import { RuntimeError } from '../base/errors.ts'
import { must, sys } from '../ffi/native.ts'
import { runSteps } from '../host/cgroup/steps.ts'
import { protectMounts } from '../host/criu/protect_mounts.ts'
import type { Notice } from '../host/criu/worker.ts'
import { openPidfd, processStat } from '../host/process.ts'
import { hooksOf } from '../plan/hooks.ts'
import { giveConsole } from './console.ts'
import { runHook } from './hooks.ts'
import { writePidFile } from './pid_file.ts'
import type { Restore } from './restore_request.ts'
import { checkLabel } from './restored_label.ts'

const F_DUPFD_CLOEXEC = 1030

/** What is done while criu waits. */
export function heed(of: Restore, { script, pid, fd }: Notice): void {
  const { creation } = of
  if (script === 'setup-namespaces') {
    born(of, pid)
    runRuntimeHooks(of)
  }
  if (script === 'post-restore') restoredInit(of, pid)
  if (script === 'pre-resume' && creation.init && of.facts.selinux)
    checkLabel(creation.init, of.bundle.spec.process, of.options.flags)
  if (script === 'orphan-pts-master') {
    creation.master = must('dup', sys('fcntl', fd, F_DUPFD_CLOEXEC, 3))
    giveConsole(creation)
  }
}

/**
 * Recorded as soon as it is there: a criu that is killed leaves it behind, and without cgroups nothing else leads to it.
 * With a pid namespace of its own all that is restored ends with it.
 */
function born({ creation }: Restore, pid: number): void {
  if (creation.init) return
  const pidfd = openPidfd(pid)
  const stat = processStat(pid)
  if (pidfd === undefined || !stat) throw new RuntimeError('criu', 'the restored process is gone')
  creation.init = { pid, pidfd }
  creation.save({ pid, startTime: stat.startTime })
}

/** SPEC: runtime.md#lifecycle: prestart and createRuntime hooks, when the namespaces are there. */
function runRuntimeHooks({ creation, bundle }: Restore): void {
  const hooks = [...hooksOf(bundle, 'prestart'), ...hooksOf(bundle, 'createRuntime')]
  const { record, claim, runtime, hookFiles, signals } = creation
  for (const hook of hooks) runHook(hook, 'creating', { record, claim, log: runtime.log, files: hookFiles, signals })
}

/** All processes are there, and none runs yet. */
function restoredInit(of: Restore, pid: number): void {
  born(of, pid)
  protectMounts(pid, of.mounts)
  runSteps(of.creation.made?.late ?? [])
}

/** They run. */
export function tell({ creation, pidFile }: Restore): void {
  creation.save({ phase: 'created' })
  if (pidFile === undefined) return
  writePidFile(pidFile, creation.record.pid)
  creation.pidFile = pidFile
}
