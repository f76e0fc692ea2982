/** A plan on its way to a running process: what is open, and which children run, meanwhile. */
import { type ErrorCode, messageOf } from '../base/errors.ts'
import { closeFd, unlink } from '../ffi/file.ts'
import { type BegunLaunch, destroyChild, type Launched } from '../host/process.ts'
import type { Signals } from '../host/signals.ts'
import { mayTouch, setTerminal } from '../host/terminal.ts'
import type { CgroupRecord } from '../plan/cgroup/model.ts'
import type { Plan } from '../plan/step.ts'
import type { Encoded } from '../wire/encode.ts'
import type { Runtime } from './runtime.ts'

/** The child of programs that were kept has failed, or they do not fit: they are to be made anew. */
export class KeptFailed extends Error {}

/** What the parent has to know of the programs. */
export interface Outline {
  /** A stage comes first, and ends when it has made init. */
  readonly staged: boolean
  /** A seccomp filter is loaded before exec. */
  readonly filtered: boolean
}

/** How the programs come to the child. */
export interface Programs {
  readonly arch: 'x64' | 'arm64'
  readonly encode: Encode
  /** Known where the plan has no programs, which are encoded already. */
  readonly outline?: Outline
}

/** Encodes the programs; `fds` are the parent's by preset slot. */
export type Encode = (fds: ReadonlyMap<number, number>) => Encoded

function outlineOf({ stage, init }: Plan): Outline {
  let filtered = false
  for (const step of init) filtered ||= step.kind === 'filter' || (step.kind === 'exec' && step.filter !== undefined)
  return { staged: stage.length > 0, filtered }
}

/** State of one launch; mutable by nature, owned by src/lifecycle/parent.ts while it runs. */
export class Launching {
  readonly runtime: Runtime
  readonly plan: Plan
  readonly outline: Outline
  readonly encode: Encode
  /** The programs were kept, and few of their steps are known. */
  readonly kept: boolean
  readonly arch: 'x64' | 'arm64'
  /** Connected console socket, or -1. */
  readonly consoleSocket: number
  /** Connected sockets that wait for a pidfd, by path; whoever connected them closes them. */
  pidfdSockets: ReadonlyMap<string, number> = new Map()
  /** Where signals go, if they are caught: one that asks davit to end then ends the launch. */
  signals: Signals | undefined
  /** The plan as it was sent. */
  encoded: Encoded | undefined
  /** The start of the first of the children below. */
  begun: BegunLaunch | undefined
  /** Our end of the pair to the child. */
  peer = -1
  stage: Launched | undefined
  /** The process that becomes the user's. */
  init: Launched | undefined
  /** Its pid as the stage told it. */
  forked = 0
  /** Reports of init that came before the stage had told its pid. */
  readonly early: { readonly message: Uint8Array; readonly fd: number }[] = []
  /** Master side of the terminal, when nobody else took it. */
  master = -1
  /** Path of the pid file once it is written. */
  pidFile: string | undefined
  /** Settings of the caller's terminal while it is in raw mode for ours. */
  terminal: Uint8Array | undefined
  /** What a failure of the child is called. */
  failing: { readonly code: ErrorCode; readonly words: string } = {
    code: 'create',
    words: 'unable to start container process: ',
  }
  /** The process's name between its filter and exec. */
  readonly mark: string
  /** User namespaces of idmapped mounts, by their ids. */
  readonly mountMaps = new Map<string, number>()
  /** memfd that takes the output of hooks inside the container. */
  hookOutput = -1
  /** The cgroups that it may run out of memory in. */
  limited: CgroupRecord = { v1: [] }

  constructor(runtime: Runtime, plan: Plan, { arch, encode, outline }: Programs, consoleSocket: number, mark = '') {
    this.runtime = runtime
    this.plan = plan
    this.outline = outline ?? outlineOf(plan)
    this.kept = outline !== undefined
    this.encode = encode
    this.arch = arch
    this.consoleSocket = consoleSocket
    this.mark = mark
  }

  /** Closes what only the launch needed. The process lives on. */
  close(): void {
    const fds = [this.peer, this.hookOutput, ...this.mountMaps.values()]
    for (const { fd } of this.early) fds.push(fd)
    for (const fd of fds) if (fd >= 0) closeFd(fd)
    this.early.length = 0
    this.mountMaps.clear()
    this.peer = -1
    this.hookOutput = -1
  }

  /** Init has been told to go on: whoever only waits from here on may do so as another program. */
  handOver(): void {}

  /** Gives the caller its terminal back as it was. */
  restoreTerminal(): void {
    // In the background it is the shell's, which has set it as it wants it.
    if (this.terminal && mayTouch(0)) setTerminal(0, this.terminal)
    this.terminal = undefined
  }

  /** One part of taking back. Never throws: an error is already on its way, what goes wrong here is only a warning. */
  protected attempt(what: string, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.runtime.log.warning(`clean up after failure: ${what}: ${messageOf(error)}`)
    }
  }

  /** Closes everything. */
  protected abandon(): void {
    this.close()
    this.restoreTerminal()
    if (this.master >= 0) closeFd(this.master)
    this.master = -1
  }

  protected killChildren(): void {
    for (const child of [this.stage, this.init]) if (child) this.attempt('kill init', () => destroyChild(child))
    // A process that goes on, as that of a library, has no more threads than before.
    this.begun?.leave()
  }

  protected removePidFile(): void {
    const { pidFile } = this
    if (pidFile !== undefined) this.attempt('remove pid file', () => unlink(pidFile))
  }

  /** Takes everything back. */
  undo(): void {
    this.abandon()
    this.killChildren()
    this.removePidFile()
  }
}
