/** The parent's steps that only the making of a container has: cgroups, id maps, hooks, the record. */
import { assertNever, messageOf, RuntimeError } from '../base/errors.ts'
import { openFile } from '../ffi/file.ts'
import { must, sys } from '../ffi/native.ts'
import { makeCgroup, openTasks } from '../host/cgroup/make.ts'
import { runSteps } from '../host/cgroup/steps.ts'
import { emptyMemfd, memfd, memfdTail } from '../host/memfd.ts'
import { processStat } from '../host/process.ts'
import { listenUnix } from '../host/socket.ts'
import { O_DIRECTORY, O_PATH } from '../kernel/files.ts'
import { writeStateFile } from '../state/folder.ts'
import { START_SOCKET } from '../state/status.ts'
import type { Creation } from './creation.ts'
import { awaitTag } from './dialogue.ts'
import { innerHookState, logOutput, runHook, specState } from './hooks.ts'
import { writeIdMaps } from './id_maps.ts'
import { runMountStep } from './mount_steps.ts'
import type { Own, OwnPreset, OwnStep } from './parent.ts'
import { prepare } from './prepared.ts'
import { startUnitOf } from './start_unit.ts'
import { lateSteps } from './words.ts'

/** What create and run add to the parent's steps. */
export function making(creation: Creation): Own {
  return {
    step: (step) => runStep(creation, step),
    preset: (preset) => openPreset(creation, preset),
    state: () => specState(creation.record, 'created'),
    cgroup: (refused) => {
      const into = creation.made?.into
      return into === undefined || refused ? undefined : openFile(into, O_PATH | O_DIRECTORY)
    },
  }
}

function runStep(creation: Creation, step: OwnStep): void {
  switch (step.kind) {
    case 'makeCgroup':
      if (creation.cgroup?.unit) startUnitOf(creation, creation.cgroup.unit)
      if (creation.cgroup) creation.made = makeCgroup(creation.cgroup, (creation.stage ?? creation.init)?.pid)
      for (const warning of creation.made?.warnings ?? []) {
        if (!creation.plan.warnings.includes(warning)) creation.runtime.log.warning(warning)
      }
      return
    case 'enterUnit':
      throw new Error('bug: a new container makes its unit')
    case 'lateCgroup':
      return runSteps(creation.made?.late ?? [])
    case 'idMaps':
      return writeIdMaps((creation.stage ?? creation.init)?.pid ?? 0, step)
    case 'hook':
      return runHook(
        { call: step.hook, config: step.origin.config ?? '', doing: step.origin.doing ?? '' },
        step.status,
        {
          record: creation.record,
          claim: creation.claim,
          log: creation.runtime.log,
          files: creation.hookFiles,
          signals: creation.signals,
        },
      )
    case 'recordPid':
      return recordPid(creation)
    case 'hear':
      awaitTag(creation, step.tag)
      return tellHookOutput(creation, 'startContainer hooks')
    case 'markCreated':
      tellHookOutput(creation, 'createContainer hooks')
      return creation.save({ phase: 'created' })
    case 'netDevice':
      return moveDevice(creation, step)
    case 'makeRdt':
      return makeRdt(creation, step)
    case 'leaveNetDevices':
      return creation.network?.close()
    case 'give':
    case 'idmap':
      return runMountStep(creation, step)
    case 'keepMount':
      throw new Error('bug: mounts are kept for a container that runs')
    default:
      return assertNever(step, 'host step')
  }
}

function makeRdt(creation: Creation, { rdt, origin }: Extract<OwnStep, { kind: 'makeRdt' }>): void {
  try {
    creation.rdt?.make(rdt, (intelRdt) => creation.save({ intelRdt }))
  } catch (error) {
    throw new RuntimeError('create', `${origin.doing}, from ${origin.config}: ${messageOf(error)}`)
  }
}

/** ORDER: what has moved is known to the Creation at once, which gives it back if anything fails from here on. */
function moveDevice(creation: Creation, { device, name, origin }: Extract<OwnStep, { kind: 'netDevice' }>): void {
  try {
    creation.network?.move(creation.init?.pid ?? 0, device, name)
  } catch (error) {
    throw new RuntimeError('create', `${origin.doing}, from ${origin.config}: ${messageOf(error)}`)
  }
}

function openPreset(creation: Creation, preset: OwnPreset): number | undefined {
  switch (preset.kind) {
    case 'cgroupTasks':
      return creation.made?.tasks.includes(preset.path) ? openTasks([preset.path])[0] : undefined
    case 'pidfd':
    case 'initRoot':
    case 'mount':
      throw new Error(`bug: preset ${preset.kind} is for a container that runs`)
    case 'startSocket':
      return listenUnix(`${creation.claim.path}/${START_SOCKET}`)
    case 'hookState':
      // Filled by recordPid: the pid is part of it, and no hook runs before that.
      creation.hookStates.push({ fd: memfd('hook-state'), status: preset.status })
      return must('dup', sys('fcntl', creation.hookStates.at(-1)?.fd ?? -1, 1030, 3))
    case 'hookFile':
      return must('dup', sys('fcntl', creation.hookFiles[preset.stream] ?? -1, 1030, 3))
    case 'hookOutput':
      creation.hookOutput = memfd('hook-output')
      return must('dup', sys('fcntl', creation.hookOutput, 1030, 3))
    default:
      return assertNever(preset, 'preset')
  }
}

function tellHookOutput(creation: Creation, what: string): void {
  const { hookOutput, runtime } = creation
  if (hookOutput < 0) return
  logOutput(runtime.log, what, memfdTail(hookOutput))
  // Later hooks print to the same file.
  emptyMemfd(hookOutput)
}

function recordPid(creation: Creation): void {
  const { encoded, made } = creation
  const pid = creation.init?.pid ?? 0
  const stat = processStat(pid)
  if (!stat) throw new RuntimeError('create', 'container init is gone')
  // With a detached `run` nobody comes later. To look in a long plan takes longer than to look at what the child is given.
  const waits = creation.foreground || creation.plan.presets.some(({ kind }) => kind === 'startSocket')
  const late = encoded && waits ? lateSteps(creation.plan, encoded) : []
  const change = { pid, startTime: stat.startTime, ...(late.length > 0 ? { late } : {}) }
  // Nobody asks for the pid before a hook could, and what a killed runtime leaves is found by the cgroup. Without hooks
  // it is written with the rest by markCreated: a rename costs most of what a state file costs.
  const hooks = creation.hookStates.length > 0 || creation.plan.parent.some((step) => step.kind === 'hook')
  const tracked = creation.record.cgroup !== undefined && (made?.into ?? made?.tasks[0]) !== undefined
  if (hooks || !tracked) creation.save(change)
  else creation.record = { ...creation.record, ...change }
  for (const { fd, status } of creation.hookStates) {
    // pwrite: the hook reads from the shared position, which must stay at the start.
    const text = Buffer.from(innerHookState(creation.record, status))
    must('write hook state', sys('pwrite64', fd, text, text.length, 0))
  }
  // While init makes the container.
  writeStateFile(creation.claim, 'config.json', creation.config)
  creation.lay({ phase: 'created' })
  const prepared = creation.prepares !== undefined && prepare(creation, creation.prepares)
  creation.foreground &&= prepared
  // Under a filter it is handed over when the connection is closed.
  if (creation.foreground) creation.prepareHandOver(creation.outline.filtered ? 0 : creation.peer)
}
