/** Runs the parent's steps of a plan, in step with init. */
import { assertNever, messageOf, RuntimeError, SysError } from '../base/errors.ts'
import { closeFd, openFile, readBytes, writeText } from '../ffi/file.ts'
import { libexecFolder } from '../ffi/libexec.ts'
import { cstring, must, sys } from '../ffi/native.ts'
import { type MadeCgroup, makeCgroup, openTasks } from '../host/cgroup/make.ts'
import { runSteps } from '../host/cgroup/steps.ts'
import { memfd, memfdText, sealedMemfd } from '../host/memfd.ts'
import { launch, openPidfd, processStat, reap } from '../host/process.ts'
import { listenUnix, receive, send, sendFd, socketPair } from '../host/socket.ts'
import { copySize, rawSettings, setTerminal, terminalSettings } from '../host/terminal.ts'
import { AT_FDCWD, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, O_DIRECTORY, O_PATH } from '../kernel/files.ts'
import { OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../kernel/mount.ts'
import { type HostStep, type Preset, TAGS } from '../plan/step.ts'
import { START_SOCKET } from '../state/status.ts'
import { decodeReport, encodeAnswer, type Report } from '../wire/decode.ts'
import { type Encoded, encodePlan } from '../wire/encode.ts'
import { CUSTOM } from '../wire/ops.ts'
import type { Creation } from './creation.ts'
import { hookState, runHook } from './hooks.ts'
import { writePidFile } from './pid_file.ts'
import { lateSteps, reportWords } from './words.ts'

/** What the steps share while they run. */
interface Run {
  readonly creation: Creation
  encoded: Encoded | undefined
  cgroup: MadeCgroup | undefined
  /** Pid of init as the stage told it. */
  forked: number
}

/** Runs every parent step; throws at the first that fails. The caller undoes. */
export function runParent(creation: Creation): void {
  const run: Run = { creation, encoded: undefined, cgroup: undefined, forked: 0 }
  for (const step of creation.plan.parent) runStep(run, step)
  finish(run)
}

function runStep(run: Run, step: HostStep): void {
  const { creation } = run
  switch (step.kind) {
    case 'makeCgroup':
      if (creation.cgroup) run.cgroup = makeCgroup(creation.cgroup)
      for (const warning of run.cgroup?.warnings ?? []) {
        if (!creation.plan.warnings.includes(warning)) creation.runtime.log.warning(warning)
      }
      return
    case 'lateCgroup':
      return runSteps(run.cgroup?.late ?? [])
    case 'launch':
      return launchInit(run, step)
    case 'reapStage':
      return reapStage(run)
    case 'await':
      return awaitTag(run, step.tag)
    case 'answer':
      return answer(run, step.tag)
    case 'idMaps':
      return writeIdMaps(run, step)
    case 'hook':
      return runHook(
        { call: step.hook, config: step.origin.config ?? '', doing: step.origin.doing ?? '' },
        creation.record,
        step.status,
      )
    case 'console':
      return passConsole(run)
    case 'recordPid':
      return recordPid(run)
    case 'markCreated':
      return creation.save({ phase: 'created' })
    case 'pidFile':
      writePidFile(step.path, creation.record.pid)
      creation.pidFile = step.path
      return
    default:
      return assertNever(step, 'host step')
  }
}

/** Opens what the child is to find in its slots: slot to fd. Each is handed to `keep` at once: a later one may fail. */
function openPresets(run: Run, theirs: number, keep: (fd: number) => number): Map<number, number> {
  const fds = new Map<number, number>()
  for (const preset of run.creation.plan.presets) {
    const fd = openPreset(run, preset, theirs)
    if (fd !== undefined) fds.set(preset.slot, fd === theirs ? fd : keep(fd))
  }
  return fds
}

function openPreset(run: Run, preset: Preset, theirs: number): number | undefined {
  const { creation } = run
  try {
    switch (preset.kind) {
      case 'socket':
        return theirs
      case 'open':
        return openFile(preset.path, preset.flags)
      case 'tree': {
        const flags =
          OPEN_TREE_CLONE |
          OPEN_TREE_CLOEXEC |
          (preset.recursive ? AT_RECURSIVE : 0) |
          (preset.noFollow ? AT_SYMLINK_NOFOLLOW : 0)
        return must(`open_tree "${preset.path}"`, sys('open_tree', AT_FDCWD, cstring(preset.path), flags))
      }
      case 'cgroupTasks':
        return run.cgroup?.tasks.includes(preset.path) ? openTasks([preset.path])[0] : undefined
      case 'startSocket':
        return listenUnix(`${creation.claim.path}/${START_SOCKET}`)
      case 'hookState':
        // Filled by recordPid: the pid is part of it, and no hook runs before that.
        creation.hookStates.push({ fd: memfd('hook-state'), status: preset.status })
        return must('dup', sys('fcntl', creation.hookStates.at(-1)?.fd ?? -1, 1030, 3))
      case 'hookOutput':
        creation.hookOutput = memfd('hook-output')
        return must('dup', sys('fcntl', creation.hookOutput, 1030, 3))
      default:
        return assertNever(preset, 'preset')
    }
  } catch (error) {
    const origin = 'origin' in preset ? preset.origin : undefined
    if (!(error instanceof SysError) || !origin?.doing) throw error
    throw new RuntimeError('create', `${origin.doing}, from ${origin.config}: ${error.message}`)
  }
}

function launchInit(run: Run, step: Extract<HostStep, { kind: 'launch' }>): void {
  const { creation } = run
  const open: number[] = []
  const keep = (fd: number) => {
    open.push(fd)
    return fd
  }
  try {
    const [ours, theirs] = socketPair()
    creation.peer = ours
    keep(theirs)
    const presets = openPresets(run, theirs, keep)
    const exe = keep(sealedMemfd('davit-init', readBytes(`${libexecFolder()}/davit-init`), true))
    run.encoded = encodePlan(creation.plan, presets, creation.arch)
    const plan = keep(sealedMemfd('davit-plan', run.encoded.bytes, false))
    const into =
      step.intoCgroup && run.cgroup?.into !== undefined ? keep(openFile(run.cgroup.into, O_PATH | O_DIRECTORY)) : -1
    const child = launch(`start the container init [${step.names.join(',')}]`, {
      exe,
      args: ['davit-init', String(plan)],
      env: [],
      flags: step.flags,
      cgroup: into,
      // The engine marks all that it inherits close-on-exec, what is to be preserved too.
      fds: [...presets.values(), plan, ...preserved(creation.plan.keepFds)].map((fd) => [fd, -1] as const),
    })
    if (creation.plan.stage.length > 0) creation.stage = child
    else creation.init = child
  } finally {
    for (const fd of open) closeFd(fd)
  }
}

function preserved(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 3 + i)
}

/** Receives reports until `done` says that the one waited for is there. */
function receiveUntil(run: Run, done: (report: Report, fd: number) => boolean): void {
  for (;;) {
    const { message, fd } = receive(run.creation.peer)
    if (message.length === 0) throw initDied(run)
    const report = decodeReport(message)
    if (report.kind === 'failed') throw initFailed(run, report)
    if (report.kind === 'child') run.forked = report.pid
    if (done(report, fd)) return
    if (fd >= 0) closeFd(fd)
    // Stage and init share the socket: the stage's word about its child may come after the child's own.
    if (report.kind !== 'child') throw new RuntimeError('create', `bug: unexpected report ${JSON.stringify(report)}`)
  }
}

function initFailed(run: Run, report: Extract<Report, { kind: 'failed' }>): RuntimeError {
  const { creation } = run
  if (!run.encoded) throw new Error('bug: a report without a plan')
  // All that hooks printed, where init's own report has room for the end of it only.
  const output = report.errno === CUSTOM.child && creation.hookOutput >= 0 ? memfdText(creation.hookOutput) : ''
  const detail = output === '' ? report.detail : Buffer.concat([report.detail.subarray(0, 4), Buffer.from(output)])
  const words = reportWords(creation.plan, run.encoded, { ...report, detail })
  return new RuntimeError('create', `unable to start container process: ${words}`)
}

/** The socket closed without a word. How init ended is all there is to say. */
function initDied(run: Run): RuntimeError {
  const child = run.creation.init ?? run.creation.stage
  const exit = child && reap(child.pid)
  const memory = exit?.signal === 9 ? ' (out of memory, or killed by somebody; is the memory limit large enough?)' : ''
  const end = !exit
    ? 'ended'
    : exit.signal === undefined
      ? `exited with status ${exit.code}`
      : `was killed by signal ${exit.signal}`
  return new RuntimeError('create', `unable to start container process: container init ${end}${memory}`)
}

/** Lets init go on. One that died while it waited (killed, out of memory) has left its end, and perhaps a report. */
function answer(run: Run, tag: keyof typeof TAGS): void {
  try {
    send(run.creation.peer, encodeAnswer(TAGS[tag]), 'answer the container init')
  } catch (error) {
    if (!(error instanceof SysError && error.errnoName === 'EPIPE')) throw error
    receiveUntil(run, () => false)
  }
}

function awaitTag(run: Run, tag: keyof typeof TAGS): void {
  receiveUntil(run, (report) => report.kind === 'sync' && report.tag === TAGS[tag])
}

function reapStage(run: Run): void {
  const { creation } = run
  if (run.forked === 0) receiveUntil(run, (report) => report.kind === 'child')
  const pidfd = openPidfd(run.forked)
  if (pidfd === undefined) throw initDied(run)
  creation.init = { pid: run.forked, pidfd }
  if (creation.stage) {
    reap(creation.stage.pid)
    closeFd(creation.stage.pidfd)
    creation.stage = undefined
  }
}

function recordPid({ creation, encoded, cgroup }: Run): void {
  const pid = creation.init?.pid ?? 0
  const stat = processStat(pid)
  if (!stat) throw new RuntimeError('create', 'container init is gone')
  const late = encoded ? lateSteps(creation.plan, encoded) : []
  const change = { pid, startTime: stat.startTime, ...(late.length > 0 ? { late } : {}) }
  // Nobody asks for the pid before a hook could, and what a killed runtime leaves is found by the cgroup. Without hooks
  // it is written with the rest by markCreated: a rename costs most of what a state file costs.
  const hooks = creation.hookStates.length > 0 || creation.plan.parent.some((step) => step.kind === 'hook')
  const tracked = creation.record.cgroup !== undefined && (cgroup?.into ?? cgroup?.tasks[0]) !== undefined
  if (hooks || !tracked) creation.save(change)
  else creation.record = { ...creation.record, ...change }
  for (const { fd, status } of creation.hookStates) {
    // pwrite: the hook reads from the shared position, which must stay at the start.
    const text = Buffer.from(hookState(creation.record, status))
    must('write hook state', sys('pwrite64', fd, text, text.length, 0))
  }
}

function writeIdMaps({ creation }: Run, step: Extract<HostStep, { kind: 'idMaps' }>): void {
  const pid = (creation.stage ?? creation.init)?.pid
  if (step.setgroups === 'deny') writeText(`/proc/${pid}/setgroups`, 'deny')
  for (const [file, text, config] of [
    ['uid_map', step.uidMap, '/linux/uidMappings'],
    ['gid_map', step.gidMap, '/linux/gidMappings'],
  ] as const) {
    try {
      writeText(`/proc/${pid}/${file}`, text)
    } catch (error) {
      throw new RuntimeError('create', `write ${file}, from ${config}: ${messageOf(error)}`)
    }
  }
}

/** The terminal's master goes to the engine's console socket, or stays with a foreground run. */
function passConsole(run: Run): void {
  const { creation } = run
  receiveUntil(run, (report, fd) => {
    if (report.kind !== 'fd' || report.tag !== TAGS.console || fd < 0) return false
    creation.master = fd
    return true
  })
  if (creation.consoleSocket < 0) {
    // ORDER: before exec: many programs ask for the size only once, and what is typed ahead must not be echoed twice.
    copySize(0, creation.master)
    const settings = terminalSettings(0)
    creation.terminal = settings
    if (settings) setTerminal(0, rawSettings(settings))
    return
  }
  try {
    sendFd(creation.consoleSocket, Buffer.from('/dev/ptmx'), creation.master, 'send the terminal to the console socket')
  } finally {
    closeFd(creation.master)
    creation.master = -1
  }
}

/** After the last answer: `create` sees the socket close as init waits for start, `run` as exec happens. */
function finish(run: Run): void {
  const { message } = receive(run.creation.peer)
  if (message.length === 0) return
  const report = decodeReport(message)
  if (report.kind === 'failed') throw initFailed(run, report)
  throw new RuntimeError('create', `bug: unexpected report ${JSON.stringify(report)}`)
}
