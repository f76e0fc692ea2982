/** Runs the parent's steps of a plan, in step with the child: those that every plan has. A verb brings its own. */
import { messageOf, RuntimeError, SysError } from '../base/errors.ts'
import { closeFd, openFile, readBytes, writeText } from '../ffi/file.ts'
import { libexecFolder } from '../ffi/libexec.ts'
import { emptySealable, fillSealed, sealedMemfd } from '../host/memfd.ts'
import { type BegunLaunch, beginLaunch, type Launch, launch } from '../host/process.ts'
import { send, socketPair } from '../host/socket.ts'
import type { HostStep, Preset } from '../plan/step.ts'
import { passConsole } from './console.ts'
import { answer, awaitTag, finish, passing, reapStage } from './dialogue.ts'
import type { SpecState } from './hooks.ts'
import type { Launching } from './launching.ts'
import { passListener } from './listener.ts'
import { writePidFile } from './pid_file.ts'
import { sendPidfd } from './pidfd_socket.ts'

type Shared =
  | 'launch'
  | 'reapStage'
  | 'await'
  | 'answer'
  | 'console'
  | 'sendPidfd'
  | 'pidFile'
  | 'listener'
  | 'rdtTasks'
export type OwnStep = Exclude<HostStep, { kind: Shared }>
export type OwnPreset = Exclude<Preset, { kind: 'socket' | 'open' }>

/** What a verb adds to the steps that all plans share. */
export interface Own {
  step(step: OwnStep, launching: Launching): void
  /** An fd for the child, closed when it has been started; undefined leaves the slot empty. */
  preset(preset: OwnPreset): number | undefined
  /** The container, for the agent of a seccomp filter; absent where no filter is loaded. */
  state?(): SpecState
  /** The v2 cgroup that the child is born in, by an fd that is closed after use; another where one was refused. */
  cgroup(refused?: SysError): number | undefined
}

/** Runs every parent step; throws at the first that fails. The caller undoes. */
export function runParent(launching: Launching, own: Own): void {
  for (const step of launching.plan.parent) runStep(launching, own, step)
  // Under a filter init may not be able to say why it failed: that takes a closer look.
  if (!launching.outline.filtered) launching.handOver()
  finish(launching)
  launching.begun?.leave()
}

function runStep(launching: Launching, own: Own, step: HostStep): void {
  switch (step.kind) {
    case 'launch':
      return launchChild(launching, own, step)
    case 'reapStage':
      return reapStage(launching)
    case 'await':
      return awaitTag(launching, step.tag)
    case 'answer':
      return answer(launching, step.tag)
    case 'console':
      return passConsole(launching)
    case 'sendPidfd':
      return sendPidfd(launching, step)
    case 'listener':
      return passListener(launching, step, own.state?.())
    case 'rdtTasks':
      return joinRdt(launching, step)
    case 'pidFile':
      writePidFile(step.path, launching.init?.pid ?? 0)
      launching.pidFile = step.path
      return
    default:
      return own.step(step, launching)
  }
}

/** What the process starts from here on is in its groups, too. */
function joinRdt({ init }: Launching, { files, origin }: Extract<HostStep, { kind: 'rdtTasks' }>): void {
  try {
    for (const file of files) writeText(file, String(init?.pid))
  } catch (error) {
    throw new RuntimeError('create', `${origin.doing}, from ${origin.config}: ${messageOf(error)}`)
  }
}

/** Opens what the child is to find in its slots: slot to fd. Each is handed to `keep` at once: a later one may fail. */
function openPresets({ plan }: Launching, own: Own, theirs: number, keep: (fd: number) => number): Map<number, number> {
  const fds = new Map<number, number>()
  for (const preset of plan.presets) {
    const fd = preset.kind === 'socket' ? theirs : openPreset(own, preset)
    if (fd !== undefined) fds.set(preset.slot, fd === theirs ? fd : keep(fd))
  }
  return fds
}

function openPreset(own: Own, preset: Exclude<Preset, { kind: 'socket' }>): number | undefined {
  if (preset.kind !== 'open') return own.preset(preset)
  try {
    return openFile(preset.path, preset.flags)
  } catch (error) {
    const { doing, config } = preset.origin ?? {}
    if (!(error instanceof SysError) || doing === undefined) throw error
    throw new RuntimeError('create', `${doing}, from ${config}: ${error.message}`)
  }
}

function launchChild(launching: Launching, own: Own, step: Extract<HostStep, { kind: 'launch' }>): void {
  const { plan } = launching
  const open: number[] = []
  const keep = (fd: number) => {
    open.push(fd)
    return fd
  }
  try {
    const [ours, theirs] = socketPair()
    launching.peer = ours
    keep(theirs)
    const presets = openPresets(launching, own, theirs, keep)
    const exe = keep(sealedMemfd('davit-init', readBytes(`${libexecFolder()}/davit-init`), true))
    const planFd = keep(emptySealable('davit-plan'))
    const request = {
      exe,
      args: ['davit-init', String(planFd), String(theirs)],
      env: [],
      flags: step.flags,
      fds: inherited(presets, planFd, plan.keepFds),
    }
    const names = step.names.length > 0 ? ` [${step.names.join(',')}]` : ''
    const begun = launchInto(`${step.origin?.doing}${names}`, request, step.intoCgroup, own, keep)
    launching.begun = begun
    try {
      // While the kernel makes the process and its namespaces.
      launching.encoded = launching.encode(presets)
      fillSealed('davit-plan', planFd, launching.encoded.bytes)
    } finally {
      const child = begun.finish()
      if (launching.outline.staged) launching.stage = child
      else launching.init = child
    }
    passing(launching, () => send(launching.peer, WHOLE, 'hand the plan to the container init'))
  } finally {
    for (const fd of open) closeFd(fd)
  }
}

/** Tells davit-init that its plan is whole: anything does. */
const WHOLE = Uint8Array.of(1)

/** Begins to start the child. */
function launchInto(what: string, request: Launch, born: boolean, own: Own, keep: (fd: number) => number): BegunLaunch {
  const into = born ? own.cgroup() : undefined
  if (into === undefined) return beginLaunch(what, request)
  const begun = beginLaunch(what, { ...request, cgroup: keep(into) })
  const finish = () => {
    try {
      return begun.finish()
    } catch (error) {
      const instead = error instanceof SysError ? own.cgroup(error) : undefined
      if (instead === undefined) throw error
      return launch(what, { ...request, cgroup: keep(instead) })
    }
  }
  return { ...begun, finish }
}

/** The engine marks all that it inherits close-on-exec, what is to be preserved too. */
function inherited(presets: ReadonlyMap<number, number>, planFd: number, preserved: number): Launch['fds'] {
  const fds: (readonly [number, number])[] = []
  for (const fd of presets.values()) fds.push([fd, -1])
  fds.push([planFd, -1])
  for (let fd = 3; fd < 3 + preserved; fd++) fds.push([fd, -1])
  return fds
}
