/** The frozen state of a container's cgroups (cgroup-v2.rst "cgroup.freeze", cgroup-v1/freezer-subsystem.rst). */
import { RuntimeError } from '../../base/errors.ts'
import { readTextIf, statIf, writeText } from '../../ffi/file.ts'
import type { CgroupRecord } from '../../plan/cgroup/model.ts'
import { cgroupTree, checkRecord, isErrno, isGone } from './tree.ts'
import { waitUntil } from './wait.ts'

/** Whether one cgroup directory is frozen, by itself or by a parent. One without a freezer is not. */
export function isFrozen(dir: string): boolean {
  const v1 = readTextIf(`${dir}/freezer.state`)
  if (v1 !== undefined) return v1.trim() !== 'THAWED'
  return /^frozen 1$/m.test(readTextIf(`${dir}/cgroup.events`) ?? '')
}

/** Whether the container is paused. Without a freezer nothing can be. */
export function freezeState(record: CgroupRecord): 'frozen' | 'thawed' {
  for (const dir of freezers(record)) if (isFrozen(dir)) return 'frozen'
  return 'thawed'
}

/**
 * Freezes all processes of the container and waits until they are.
 * @throws RuntimeError when there is no freezer, or when it takes longer than `bound` ms: then it is thawed again.
 */
export function freezeCgroup(record: CgroupRecord, bound = 2000): void {
  checkRecord(record)
  const dir = freezers(record)[0]
  if (dir === undefined)
    throw new RuntimeError('unsupported', 'cannot pause: no freezer in the cgroups of the container')
  let frozen = false
  try {
    writeState(dir, true)
    frozen = waitUntil(() => isSettled(dir), bound)
  } finally {
    // A pause that failed must not leave the container half frozen.
    if (!frozen) thawCgroup(record)
  }
  if (!frozen) throw new RuntimeError('cgroup', `freeze ${dir}: not all processes froze in ${bound} ms`)
}

/** Asks for the freeze without waiting; no freezer is no error. */
export function tryFreeze(record: CgroupRecord): void {
  const dir = freezers(record)[0]
  if (dir !== undefined) writeState(dir, true)
}

/**
 * Thaws the container, in every hierarchy that has a freezer. What is gone or thawed already is no error; one that cannot
 * be written does not keep the others frozen, and is told of at the end.
 */
export function thawCgroup(record: CgroupRecord): void {
  thawAll(freezers(record).filter((dir) => isFrozen(dir) || isAskedToFreeze(dir)))
}

/**
 * Thaws the container and waits until it is.
 * @throws RuntimeError when it stays frozen for `bound` ms: then a cgroup above it is frozen.
 */
export function resumeCgroup(record: CgroupRecord, bound = 2000): void {
  thawCgroup(record)
  const stuck = () => freezers(record).find(isFrozen)
  if (waitUntil(() => stuck() === undefined, bound)) return
  throw new RuntimeError('cgroup', `thaw ${stuck() ?? ''}: still frozen after ${bound} ms, as a cgroup above it is`)
}

/** Thaws the container and every cgroup that it made below its own: killed processes die only when thawed on v1. */
export function thawTree(record: CgroupRecord): void {
  thawAll(freezers(record).flatMap((dir) => [...cgroupTree(dir)].filter(isFrozen)))
}

/** Writes to all of them; throws the first error. */
function thawAll(dirs: readonly string[]): void {
  const errors: unknown[] = []
  for (const dir of dirs) {
    try {
      writeState(dir, false)
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}

/** The directory by which all of the container can be frozen; undefined where there is none. */
export function freezerOf(record: CgroupRecord): string | undefined {
  return freezers(record)[0]
}

/** What tells {@link freezeState} that nothing is frozen while there are processes: files and what they begin with. */
export function thawedMarks(record: CgroupRecord): { readonly path: string; readonly text: string }[] {
  const marks: { readonly path: string; readonly text: string }[] = []
  for (const dir of freezers(record)) {
    if (dir === record.v2) marks.push({ path: `${dir}/cgroup.events`, text: 'populated 1\nfrozen 0\n' })
    else marks.push({ path: `${dir}/freezer.state`, text: 'THAWED\n' })
  }
  return marks
}

/**
 * Directories with a freezer, v2 first: there killed processes die even when frozen. KERNEL: of v1 a controller is in one
 * hierarchy, which is mostly called by its name: then the others need not be asked.
 */
function freezers(record: CgroupRecord): string[] {
  // Loops, here and above: `state` asks, and filter() and some() are compiled by the engine when they are called first.
  const found: string[] = []
  if (record.v2 !== undefined && statIf(`${record.v2}/cgroup.freeze`) !== undefined) found.push(record.v2)
  const before = found.length
  for (const dir of record.v1) if (dir.includes('/freezer') && hasFreezer(dir)) found.push(dir)
  if (found.length > before) return found
  for (const dir of record.v1) if (!dir.includes('/freezer') && hasFreezer(dir)) found.push(dir)
  return found
}

const hasFreezer = (dir: string) => statIf(`${dir}/freezer.state`) !== undefined

/** KERNEL: v2 says "frozen" only when all processes are; one that could not be frozen leaves the order standing. */
function isAskedToFreeze(dir: string): boolean {
  return readTextIf(`${dir}/cgroup.freeze`)?.trim() === '1'
}

/** KERNEL: v1 says FREEZING until all processes are; v2 says so in cgroup.events. */
function isSettled(dir: string): boolean {
  const v1 = readTextIf(`${dir}/freezer.state`)
  if (v1 === undefined) return isFrozen(dir)
  if (v1.trim() === 'FROZEN') return true
  // A process that was forked while its cgroup froze is caught by writing once more.
  writeState(dir, true)
  return false
}

function writeState(dir: string, frozen: boolean): void {
  try {
    if (readTextIf(`${dir}/freezer.state`) !== undefined)
      writeText(`${dir}/freezer.state`, frozen ? 'FROZEN' : 'THAWED')
    else writeText(`${dir}/cgroup.freeze`, frozen ? '1' : '0')
  } catch (error) {
    if (!isGone(error) && !isErrno(error, 'EINVAL')) throw error
  }
}
