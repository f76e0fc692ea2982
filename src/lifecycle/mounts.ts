/**
 * `mounts add` and `mounts remove`: mounts of a container that runs. All are added or none: the parent has hold of each
 * before it is attached, and a failure takes off what was.
 */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { closeFd } from '../ffi/file.ts'
import { must, sys } from '../ffi/native.ts'
import { type Entrance, openEntrance } from '../host/cgroup/entrance.ts'
import { gatherFacts } from '../host/facts.ts'
import { reap } from '../host/process.ts'
import { planAdd, planRemove, planTakeBack, type RunningInput } from '../plan/running_mounts.ts'
import type { Plan } from '../plan/step.ts'
import { TAGS } from '../plan/tags.ts'
import type { Mount } from '../spec/types.gen.ts'
import { statusOf } from '../state/status.ts'
import { receiveUntil } from './dialogue.ts'
import { cgroupsOf, checkAlive, openTarget, type Target } from './exec_target.ts'
import { Launching } from './launching.ts'
import { runMountStep } from './mount_steps.ts'
import { type Own, runParent } from './parent.ts'
import { programsOf } from './programs.ts'
import { isRootless, type Runtime } from './runtime.ts'
import { sourceLinks } from './source_links.ts'

const VERB = 'change the mounts of'

/** A list of mounts, and what errors call it. */
export interface MountList {
  readonly mounts: readonly Mount[]
  readonly name: string
}

/** Adds the mounts in order. Throws RuntimeError 'mounts', and the container is as it was. */
export function addMounts(runtime: Runtime, id: string, { mounts, name }: MountList): Promise<void> {
  return inContainer(runtime, id, (visit) => {
    const kept: number[] = []
    try {
      visit.enter((input, entrance) => {
        const links = sourceLinks(mounts, input.bundle)
        visit.go(planAdd({ ...input, ...links }, mounts, name), kept, entrance)
      })
    } catch (error) {
      takeBack(runtime, visit, kept)
      throw error
    } finally {
      for (const fd of kept) closeFd(fd)
    }
  })
}

/** Takes off what is mounted on the destinations. Throws RuntimeError 'mounts'; nothing is done if one is no mount. */
export function removeMounts(runtime: Runtime, id: string, { mounts, name }: MountList): Promise<void> {
  return inContainer(runtime, id, (visit) => visit.go(planRemove(visit.input, mounts, name), []))
}

interface Visit {
  readonly input: RunningInput
  /** Runs a plan in the container; mounts that it announces are put into `kept`, and taken from there. */
  readonly go: (plan: Plan, kept: number[], entrance?: Entrance) => void
  /** Acts with the container's cgroups to enter, so that what is copied is on its account. */
  readonly enter: (act: (input: RunningInput, entrance?: Entrance) => void) => void
}

async function inContainer(runtime: Runtime, id: string, act: (visit: Visit) => void): Promise<void> {
  const target = openTarget(runtime, id, true, VERB)
  try {
    if (!target.join.includes('mount')) {
      throw new RuntimeError('unsupported', `container ${id} has no mount namespace of its own`)
    }
    const { record, spec, join } = target
    const facts = gatherFacts()
    const input = { spec, facts, id, bundle: record.bundle, pid: record.pid, join }
    const go = (plan: Plan, kept: number[], entrance?: Entrance) => {
      for (const warning of plan.warnings) runtime.log.warning(warning)
      checkAlive(record, VERB)
      run(new Launching(runtime, plan, programsOf(plan, facts.arch), -1), visiting(target, kept, entrance))
    }
    const enter: Visit['enter'] = (inside) => {
      // Who enters a frozen cgroup stays there: then it is done outside.
      if (statusOf(`${runtime.root}/${id}`, record) === 'paused') return inside(input)
      const rootless = isRootless(runtime, facts)
      const entrance = openEntrance({ record: cgroupsOf(record), pid: record.pid, sub: new Map(), rootless })
      try {
        inside({ ...input, cgroup: entrance }, entrance)
      } finally {
        entrance.close()
      }
    }
    act({ input, go, enter })
  } finally {
    closeFd(target.pidfd)
  }
}

/** Runs the plan to the end of its process. */
function run(launching: Launching, own: (launching: Launching) => Own): void {
  launching.failing = { code: 'mounts', words: '' }
  try {
    runParent(launching, own(launching))
  } catch (error) {
    launching.undo()
    throw error
  }
  launching.close()
  if (!launching.init) return
  reap(launching.init.pid)
  closeFd(launching.init.pidfd)
}

function visiting({ pidfd }: Target, kept: number[], entrance?: Entrance): (launching: Launching) => Own {
  return (launching) => ({
    step: (step) => {
      const { kind } = step
      if (kind === 'give' || kind === 'idmap') return runMountStep(launching, step)
      if (kind !== 'keepMount') throw new Error(`bug: step ${kind} in a plan of mounts`)
      receiveUntil(launching, (report, fd) => {
        if (report.kind !== 'fd' || report.tag !== TAGS.mount || fd < 0) return false
        kept.push(fd)
        return true
      })
    },
    preset: (preset) => {
      if (preset.kind === 'cgroupTasks') return entrance?.takeTasks(preset.path)
      if (preset.kind === 'pidfd') return duplicate(pidfd)
      if (preset.kind === 'mount') return duplicate(kept[preset.index] ?? -1)
      throw new Error(`bug: preset ${preset.kind} in a plan of mounts`)
    },
    cgroup: (refused) => entrance?.takeInto(refused),
  })
}

function duplicate(fd: number): number {
  return must('dup', sys('fcntl', fd, 1030, 3))
}

/** Never throws: an error is already on its way. */
function takeBack(runtime: Runtime, { input, go }: Visit, kept: number[]): void {
  if (kept.length === 0) return
  try {
    go(planTakeBack(input, kept.length), kept)
  } catch (error) {
    runtime.log.warning(`clean up after failure: take mounts off again: ${messageOf(error)}`)
  }
}
