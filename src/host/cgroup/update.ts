/** Carries an update out: all of it, or nothing. */
import { messageOf, RuntimeError } from '../../base/errors.ts'
import { baseName, parentPath } from '../../base/path.ts'
import { readTextIf } from '../../ffi/file.ts'
import type { CgroupStep, CgroupWrite } from '../../plan/cgroup/model.ts'
import { restoredValue } from '../../plan/cgroup/restore.ts'
import type { UpdatePlan } from '../../plan/cgroup/update.ts'
import { replaceDevices } from './devices.ts'
import { runSteps } from './steps.ts'
import { isErrno } from './tree.ts'

/**
 * Runs the steps and changes the device list. When one fails, what was written before is written back.
 * @throws RuntimeError code "cgroup": the first failure, and what could not be put back.
 */
export function runUpdate({ steps, devices }: UpdatePlan): void {
  const before = snapshot(steps)
  try {
    runSteps(steps)
    if (devices?.kind === 'v1') changeDevices(devices.steps, devices.back)
    else if (devices) replaceDevices(devices.dir, devices.program)
  } catch (error) {
    const trouble = restore(before)
    if (trouble === undefined || !(error instanceof RuntimeError)) throw error
    throw new RuntimeError(error.code, `${error.message}; put the former values back: ${trouble}`, error.problems)
  }
}

/** What the files of the writes say now, each with the writes to it. */
function snapshot(steps: readonly CgroupStep[]): Map<string, { text: string; values: string[] }> {
  const before = new Map<string, { text: string; values: string[] }>()
  for (const step of steps) {
    if (step.kind !== 'write') continue
    const { path, value } = existing(step)
    const text = readIf(path)
    if (text === undefined) continue
    const known = before.get(path)
    if (known) known.values.push(value)
    else before.set(path, { text, values: [value] })
  }
  return before
}

/** The name under which the file exists. */
function existing(step: CgroupWrite): { readonly path: string; readonly value: string } {
  return step.ifAbsent !== undefined && readIf(step.path) === undefined ? step.ifAbsent : step
}

/** Some files can be written only. */
function readIf(path: string): string | undefined {
  try {
    return readTextIf(path)
  } catch (error) {
    if (isErrno(error, 'EINVAL', 'EACCES', 'EPERM', 'EOPNOTSUPP')) return undefined
    throw error
  }
}

/** Writes back what is not as it was, last first; returns what went wrong with that. */
function restore(before: ReturnType<typeof snapshot>): string | undefined {
  const steps: CgroupWrite[] = []
  let trouble: string | undefined
  for (const [path, { text, values }] of [...before].reverse()) {
    const now = readIf(path) ?? ''
    if (now === text) continue
    for (const written of values) {
      const value = restoredValue(baseName(path), text, written)
      // Of a file with a line for each device, this line may be as it was.
      if (value !== undefined && value === restoredValue(baseName(path), now, written)) continue
      if (value === undefined) trouble = `the former value of ${path} cannot be written`
      else steps.push({ kind: 'write', path, value: value === '\n' ? inherited(path) : value, config: '' })
    }
  }
  return runInAnyOrder(steps) ?? trouble
}

/**
 * KERNEL: a cpuset of v2 that says nothing has what its parent has, but once it has said something it cannot be emptied
 * while there are processes (ENOSPC): then the parent's list means the same.
 */
function inherited(path: string): string {
  const effective = readIf(`${parentPath(parentPath(path))}/${baseName(path)}.effective`)
  return effective?.trim() || '\n'
}

/** Values constrain each other: what is refused is tried again as long as others succeed. Returns the first failure. */
function runInAnyOrder(steps: readonly CgroupWrite[]): string | undefined {
  const failed = steps.map((step) => ({ step, why: tryRun([step]) })).filter(({ why }) => why !== undefined)
  if (failed.length === 0 || failed.length === steps.length) return failed[0]?.why
  return runInAnyOrder(failed.map(({ step }) => step))
}

/** A list of v1 that was changed half-way goes back to the former one. */
function changeDevices(steps: readonly CgroupStep[], back: readonly CgroupStep[]): void {
  try {
    runSteps(steps)
  } catch (error) {
    const trouble = tryRun(back)
    if (trouble === undefined || !(error instanceof RuntimeError)) throw error
    throw new RuntimeError(error.code, `${error.message}; put the former devices back: ${trouble}`, error.problems)
  }
}

function tryRun(steps: readonly CgroupStep[]): string | undefined {
  try {
    runSteps(steps)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}
