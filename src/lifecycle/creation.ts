/** A container in the making: everything that is open or made and must be closed or unmade. */
import { closeFd } from '../ffi/file.ts'
import { killCgroup } from '../host/cgroup/kill.ts'
import type { MadeCgroup } from '../host/cgroup/make.ts'
import { removeCgroup } from '../host/cgroup/remove.ts'
import type { CgroupPlan } from '../plan/cgroup/model.ts'
import type { Plan } from '../plan/step.ts'
import { releaseContainer } from '../state/claim.ts'
import { type Claim, removeContainer } from '../state/folder.ts'
import type { ContainerRecord, Status } from '../state/record.ts'
import { layRecord, placeRecord, recordText } from '../state/store.ts'
import { type HandOver, prepareHandOver } from './hand_over.ts'
import { closeHookFiles, type HookFiles } from './hook_files.ts'
import { runRecordedHooks } from './hooks.ts'
import type { IntelRdt } from './intel_rdt.ts'
import { Launching, type Programs } from './launching.ts'
import type { NetDevices } from './net_devices.ts'
import type { Notifier } from './notify.ts'
import type { Runtime } from './runtime.ts'
import type { ContainerState } from './state.ts'
import { units } from './units.ts'

/** State of one creation; its own steps are in src/lifecycle/making.ts. */
export class Creation extends Launching {
  readonly claim: Claim
  record: ContainerRecord
  readonly cgroup: CgroupPlan | undefined
  /** The cgroups once they are made. */
  made: MadeCgroup | undefined
  /** Tells the service manager that the container is ready. */
  notifier: Notifier | undefined
  /** What makes groups of resctrl, where the plan does. */
  rdt: IntelRdt | undefined
  /** What moves network interfaces, where the plan does. */
  network: NetDevices | undefined
  /** What made it, where others will start and delete it. */
  prepares: 'create' | 'run' | undefined
  /** memfds that hooks inside the container read their state from. */
  readonly hookStates: { readonly fd: number; readonly status: Status }[] = []

  /** What `state` prints of a container. */
  show: ((state: ContainerState) => string) | undefined
  private over: HandOver | undefined
  /** The text of a record that lies beside the one that counts. */
  laid: string | undefined
  /** The configuration as it was understood, for config.json. */
  config = ''

  /** In the foreground, and what is left to do when init has been told to go on has been prepared. */
  foreground = false

  /** What hooks print to, until all that create runs have run. */
  hookFiles: HookFiles = {}

  constructor(
    runtime: Runtime,
    claim: Claim,
    record: ContainerRecord,
    plan: Plan,
    cgroup: CgroupPlan | undefined,
    programs: Programs,
    consoleSocket: number,
    mark: string,
  ) {
    super(runtime, plan, programs, consoleSocket, mark)
    this.claim = claim
    this.record = record
    this.cgroup = cgroup
  }

  /** Changes the record on disk too. */
  save(change: Partial<ContainerRecord>): void {
    this.record = { ...this.record, ...change }
    if (this.laid !== recordText(this.record)) layRecord(this.claim, this.record)
    placeRecord(this.claim)
    this.laid = undefined
  }

  /** Writes a change down that is most likely to come next, while there is time. */
  lay(change: Partial<ContainerRecord>): void {
    this.laid = layRecord(this.claim, { ...this.record, ...change })
  }

  override handOver(): void {
    if (!this.foreground) return
    const told = Math.max(this.peer, 0)
    if (this.over?.told !== told) this.prepareHandOver(told)
    this.over?.become()
  }

  /** `told`: the connection to init as it will be then, or 0. */
  prepareHandOver(told: number): void {
    this.over = prepareHandOver(this, this.claim.fd, told)
  }

  override close(): void {
    super.close()
    this.network?.close()
    for (const { fd } of this.hookStates) closeFd(fd)
    this.hookStates.length = 0
    closeHookFiles(this.hookFiles)
    this.hookFiles = {}
  }

  override undo(): void {
    const { cgroup, unit, pid } = this.record
    // ORDER: a network namespace that nobody has open any more takes its interfaces with it.
    this.attempt('give network devices back', () => this.network?.giveBack())
    this.abandon()
    if (cgroup) this.attempt('kill', () => killCgroup(cgroup))
    this.killChildren()
    if (unit) this.attempt('stop unit', () => units().stopUnit(unit))
    if (cgroup) this.attempt('remove cgroup', () => removeCgroup(cgroup))
    this.attempt('remove RDT groups', () => this.rdt?.undo())
    // SPEC: runtime.md#lifecycle: a container that fails half-way goes through its poststop hooks like any other.
    if (pid > 0)
      this.attempt('poststop hooks', () => runRecordedHooks(this.claim, this.record, 'poststop', this.runtime.log))
    this.removePidFile()
    this.attempt('remove state', () => removeContainer(this.claim))
    releaseContainer(this.claim)
  }
}
