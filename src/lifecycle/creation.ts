/** A container in the making: everything that is open or made and must be closed or unmade. */
import { messageOf } from '../base/errors.ts'
import { closeFd, unlink } from '../ffi/file.ts'
import { killCgroup } from '../host/cgroup/kill.ts'
import { removeCgroup } from '../host/cgroup/remove.ts'
import { destroyChild, type Launched } from '../host/process.ts'
import { setTerminal } from '../host/terminal.ts'
import type { CgroupPlan } from '../plan/cgroup/model.ts'
import type { Plan } from '../plan/step.ts'
import type { ContainerRecord, Status } from '../state/record.ts'
import { type Claim, releaseContainer, removeContainer, writeRecord } from '../state/store.ts'
import { runRecordedHooks } from './hooks.ts'
import type { Runtime } from './runtime.ts'

/** State of one creation; mutable by nature, owned by src/lifecycle/parent.ts while it runs. */
export class Creation {
  readonly runtime: Runtime
  readonly claim: Claim
  record: ContainerRecord
  readonly plan: Plan
  readonly cgroup: CgroupPlan | undefined
  readonly arch: 'x64' | 'arm64'
  /** Connected console socket, or -1. */
  readonly consoleSocket: number
  /** Our end of the pair to init. */
  peer = -1
  stage: Launched | undefined
  init: Launched | undefined
  /** Master side of the terminal, when nobody else took it. */
  master = -1
  /** Path of the pid file once it is written. */
  pidFile: string | undefined
  /** Settings of the caller's terminal while it is in raw mode for ours. */
  terminal: Uint8Array | undefined
  /** memfds that take the output of hooks inside the container. */
  hookOutput = -1
  /** memfds that hooks inside the container read their state from. */
  readonly hookStates: { readonly fd: number; readonly status: Status }[] = []

  constructor(
    runtime: Runtime,
    claim: Claim,
    record: ContainerRecord,
    plan: Plan,
    cgroup: CgroupPlan | undefined,
    arch: 'x64' | 'arm64',
    consoleSocket: number,
  ) {
    this.runtime = runtime
    this.claim = claim
    this.record = record
    this.plan = plan
    this.cgroup = cgroup
    this.arch = arch
    this.consoleSocket = consoleSocket
  }

  /** Changes the record on disk too. */
  save(change: Partial<ContainerRecord>): void {
    this.record = { ...this.record, ...change }
    writeRecord(this.claim, this.record)
  }

  /** Closes what only the creation needed. The container lives on. */
  close(): void {
    for (const fd of [this.peer, this.hookOutput, ...this.hookStates.map((state) => state.fd)]) if (fd >= 0) closeFd(fd)
    this.peer = -1
    this.hookOutput = -1
    this.hookStates.length = 0
  }

  /** Gives the caller its terminal back as it was. */
  restoreTerminal(): void {
    if (this.terminal) setTerminal(0, this.terminal, true)
    this.terminal = undefined
  }

  /** Takes everything back. Never throws: an error is already on its way, what goes wrong here is only a warning. */
  undo(): void {
    const attempt = (what: string, act: () => void) => {
      try {
        act()
      } catch (error) {
        this.runtime.log.warning(`clean up after failure: ${what}: ${messageOf(error)}`)
      }
    }
    this.close()
    this.restoreTerminal()
    if (this.master >= 0) closeFd(this.master)
    const { cgroup, pid } = this.record
    if (cgroup) attempt('kill', () => killCgroup(cgroup))
    for (const child of [this.stage, this.init]) if (child) attempt('kill init', () => destroyChild(child))
    if (cgroup) attempt('remove cgroup', () => removeCgroup(cgroup))
    // SPEC: runtime.md#lifecycle: a container that fails half-way goes through its poststop hooks like any other.
    if (pid > 0) attempt('poststop hooks', () => runRecordedHooks(this.record, 'poststop', this.runtime.log))
    const { pidFile } = this
    if (pidFile !== undefined) attempt('remove pid file', () => unlink(pidFile))
    attempt('remove state', () => removeContainer(this.claim))
    releaseContainer(this.claim)
  }
}
