/** Hooks in the runtime's namespaces: a process each, the container's state on its standard input. */
import { messageOf, RuntimeError, SysError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { closeFd, readTextIf, withFd } from '../ffi/file.ts'
import { ARCH, cstring, sys } from '../ffi/native.ts'
import { waitUntil } from '../host/cgroup/wait.ts'
import { memfd, memfdTail } from '../host/memfd.ts'
import {
  destroyChild,
  type Exit,
  exitWords,
  innerPid,
  type Launched,
  launch,
  openPidfd,
  processStat,
  signalPidfd,
  waitFor,
} from '../host/process.ts'
import type { Signals } from '../host/signals.ts'
import { AT_FDCWD, archOpenFlags, O_CLOEXEC, O_DIRECTORY, O_PATH } from '../kernel/files.ts'
import { SIGKILL } from '../kernel/prctl.ts'
import { type Claim, writeStateFile } from '../state/folder.ts'
import type { ContainerRecord, RecordedHook, Status } from '../state/record.ts'
import { closeHookFiles, type HookFiles, openHookFiles } from './hook_files.ts'

/** SPEC: runtime.md#state. */
export interface SpecState {
  readonly ociVersion: string
  readonly id: string
  readonly status: Status
  readonly pid?: number
  readonly bundle: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** What others are told of a container. */
export function specState(record: ContainerRecord, status: Status): SpecState {
  const { ociVersion, id, pid, bundle, annotations } = record
  return {
    ociVersion,
    id,
    status,
    ...(status === 'stopped' ? {} : { pid }),
    bundle,
    ...(annotations ? { annotations } : {}),
  }
}

/** The state as hooks read it: compact, one document. */
export function hookState(record: ContainerRecord, status: Status): string {
  return JSON.stringify(specState(record, status))
}

/** The state for hooks in the container. SPEC: runtime.md#state: the pid as the container sees it. */
export function innerHookState(record: ContainerRecord, status: Status): string {
  return hookState({ ...record, pid: innerPid(record.pid) }, status)
}

/** The end of what a hook printed, on one line. */
export function outputWords(output: string): string {
  const text = output.trim().replace(/\s*\n\s*/g, '; ')
  return text === '' ? '' : `, output: ${text.length > 1000 ? `...${text.slice(-1000)}` : text}`
}

/** Puts what hooks that did their work have printed into the log. */
export function logOutput(log: Log, what: string, output: string): void {
  const words = outputWords(output)
  if (words !== '') log.info(`${what}${words}`)
}

/** What a hook runs for. */
export interface HookContext {
  readonly record: ContainerRecord
  readonly claim: Claim
  readonly log: Log
  readonly files: HookFiles
  readonly signals?: Signals | undefined
}

/**
 * Runs one hook. Throws RuntimeError 'hook' with its place, its end and what it printed; with `signals` 'interrupted',
 * when one asks davit to end meanwhile. A file in the state directory says which process it is: a forced delete ends a
 * hook that would keep it waiting.
 */
export function runHook(hook: RecordedHook, status: Status, { record, claim, log, files, signals }: HookContext): void {
  const { call, config, doing } = hook
  const fail = (why: string) => new RuntimeError('hook', `${doing}, from ${config}: ${why}`)
  // Memory files, not pipes: a hook that does not read cannot fail us, one that leaves a daemon cannot hold us up.
  const stdin = memfd('hook-state', hookState(record, status))
  const output = memfd('hook-output')
  try {
    let child: Launched
    let ended: Exit | undefined
    try {
      const fds = [
        [stdin, 0],
        [files.stdout ?? output, 1],
        [files.stderr ?? output, 2],
      ] as const
      const request = { path: call.path, args: call.args, env: call.env, flags: 0, fds }
      child = inFolder(record.bundle, () => launch(`exec "${call.path}"`, request))
    } catch (error) {
      throw fail(messageOf(error))
    }
    try {
      noteHook(claim, child.pid)
      ended = waitFor(child, call.timeout, signals)
    } finally {
      if (ended) closeFd(child.pidfd)
      else {
        killBelow(child.pid)
        destroyChild(child)
      }
    }
    if (!ended) throw fail(`hook ran past specified timeout of ${(call.timeout / 1000).toFixed(1)}s`)
    const said = memfdTail(output)
    if (ended.code !== 0) throw fail(`${exitWords(ended)}${outputWords(said)}`)
    logOutput(log, doing, said)
  } finally {
    closeFd(stdin)
    closeFd(output)
  }
}

/** As with runc, hooks begin in the bundle; one that is gone, or closed to us, does not keep them from running. */
function inFolder<T>(path: string, work: () => T): T {
  const before = sys('openat', AT_FDCWD, cstring('.'), archOpenFlags(O_PATH | O_DIRECTORY | O_CLOEXEC, ARCH), 0)
  // We could not come back from where we are.
  if (before < 0) return work()
  return withFd(before, () => {
    sys('chdir', cstring(path))
    try {
      return work()
    } finally {
      sys('fchdir', before)
    }
  })
}

const HOOK_FILE = 'hook'

/**
 * The start time tells the process from a later one with the same pid, so that the file may stay. Without room for it the
 * hook runs all the same: what it does, or undoes, matters more than that a forced delete need not wait for it.
 */
function noteHook(claim: Claim, pid: number): void {
  const stat = processStat(pid)
  try {
    if (stat) writeStateFile(claim, HOOK_FILE, `${pid} ${stat.startTime}`)
  } catch (error) {
    if (!(error instanceof SysError && error.errnoName === 'ENOSPC')) throw error
  }
}

/** Kills the hook that the container's directory names, if it runs still, and what it has started. */
export function killHook(path: string): void {
  const [pid = 0, startTime] = (readTextIf(`${path}/${HOOK_FILE}`) ?? '').split(' ').map(Number)
  const pidfd = pid > 0 ? openPidfd(pid) : undefined
  if (pidfd === undefined) return
  try {
    // ORDER: held first, then looked at.
    if (processStat(pid)?.startTime !== startTime) return
    killBelow(pid)
    signalPidfd(pidfd, SIGKILL)
  } finally {
    closeFd(pidfd)
  }
}

/** Kills what a hook that ran out of time has started and still has; what it gave away as a daemon lives on. */
function killBelow(pid: number): void {
  hold(pid)
  const children = readTextIf(`/proc/${pid}/task/${pid}/children`) ?? ''
  for (const child of children.split(' ').filter((word) => word !== '')) {
    killBelow(Number(child))
    sys('kill', Number(child), SIGKILL)
  }
}

const SIGSTOP = 19
/** As many milliseconds as a process may take to stop: one that waits for its vfork(2) or for a disk does not. */
const HOLD = 50

/** ORDER: before its children are looked for: a process that runs could have another one after that. */
function hold(pid: number): void {
  sys('kill', pid, SIGSTOP)
  waitUntil(() => 'TtZX'.includes(processStat(pid)?.state ?? 'X'), HOLD)
}

/**
 * Runs the poststart or poststop hooks of a container.
 * SPEC: a failing poststart hook is an error; a failing poststop hook is logged and the rest run.
 */
export function runRecordedHooks(
  claim: Claim,
  record: ContainerRecord,
  kind: 'poststart' | 'poststop',
  log: Log,
  signals?: Signals,
): void {
  if (record[kind].length === 0) return
  const files = hookFiles(record, log)
  try {
    for (const hook of record[kind]) {
      try {
        runHook(hook, kind === 'poststart' ? 'running' : 'stopped', { record, claim, log, files, signals })
      } catch (error) {
        if (kind === 'poststart') throw error
        log.warning(messageOf(error))
      }
    }
  } finally {
    closeHookFiles(files)
  }
}

/** The container is there already: what it needs done is not to fail for want of a file that was there at create. */
function hookFiles(record: ContainerRecord, log: Log): HookFiles {
  try {
    return openHookFiles(record, record.bundle)
  } catch (error) {
    log.warning(messageOf(error))
    return {}
  }
}
