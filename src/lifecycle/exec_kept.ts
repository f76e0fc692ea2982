/**
 * An `exec` like one before, as engines do to ask for a container's health, is not planned and encoded again: the planners
 * know nothing but what they are given, so the text of that is the key of what they make of it.
 * What fails of it is done again in full, which finds the words.
 */
import { RuntimeError, SysError } from '../base/errors.ts'
import { encodeJson } from '../base/json.ts'
import type { ExecInput } from '../plan/exec.ts'
import { pidFileStep } from '../plan/pid_file.ts'
import type { HostStep, Plan, Preset } from '../plan/step.ts'
import { ANNOTATION, annotation } from '../spec/annotations.ts'
import { type KeptExec, keepExec, readKeptExec } from '../state/kept_exec.ts'
import type { ContainerRecord } from '../state/record.ts'
import { TABLE_HASH } from '../wire/hash.gen.ts'
import { KeptFailed, type Launching, type Outline, type Programs } from './launching.ts'
import type { Runtime } from './runtime.ts'

/** Bytes of programs: arguments and environment can be megabytes, and four of these are kept in memory. */
const MOST = 64 * 1024

interface Meta {
  readonly parent: readonly HostStep[]
  readonly presets: readonly Preset[]
  readonly outline: Outline
  readonly keepFds: number
  /** Where in the programs the mark is. */
  readonly marks: readonly number[]
}

/** All that a plan depends on; undefined for one that somebody else has a part in: a terminal, an agent, systemd. */
export function keyOf({ edition }: Runtime, record: ContainerRecord, input: ExecInput): string | undefined {
  const { spec, facts, request, pid, join, cgroup, rdtTasks } = input
  const { process, linux } = spec
  if (edition === undefined || record.configSum === undefined) return undefined
  if (process?.terminal || cgroup.unit || request.pidfdSockets || linux?.seccomp?.listenerPath) return undefined
  if (annotation(spec, ANNOTATION.seccompReceiver) !== undefined) return undefined
  const from = [TABLE_HASH, edition, record.configSum, pid, record.startTime, process, facts, join]
  const { id, noNewKeyring, preserveFds, pidFile } = request
  const asked = [id, noNewKeyring, preserveFds, pidFile !== undefined]
  try {
    return encodeJson([from, asked, cgroup.tasks, cgroup.into, rdtTasks ?? []], 'exec')
  } catch (error) {
    // Fields that nothing knows may be nested deeper than can be written: no plan is made of them, and no key.
    if (error instanceof RuntimeError) return undefined
    throw error
  }
}

/** A plan without programs, which are there already. */
export interface Again {
  readonly plan: Plan
  readonly programs: Programs
}

/** What was kept, for a process of the name `mark` and a pid file of its own. */
export function findKept(folder: string, key: string, input: ExecInput): Again | undefined {
  const kept = readKeptExec<Meta>(folder, key)
  if (!kept) return undefined
  const { outline, keepFds, presets, parent } = kept.meta
  const { pidFile, mark = '' } = input.request
  const steps: HostStep[] = []
  for (const step of parent) steps.push(step.kind === 'pidFile' && pidFile ? pidFileStep(pidFile) : step)
  const plan: Plan = { parent: steps, presets, stage: [], init: [], keepFds, warnings: [] }
  const encode = (fds: ReadonlyMap<number, number>) => {
    return { bytes: filled(kept, fds, mark), steps: { stage: [], init: [] } }
  }
  return { plan, programs: { arch: input.facts.arch, encode, outline } }
}

/** The programs with the fds and the mark of now. */
function filled({ meta, bytes }: KeptExec<Meta>, fds: ReadonlyMap<number, number>, mark: string): Uint8Array {
  const head = new Uint32Array(bytes.buffer, 0, 12)
  const slots = new Uint32Array(bytes.buffer, head[7] as number, fds.size * 2)
  let at = 0
  if (head[8] !== fds.size) throw new KeptFailed()
  for (const [slot, fd] of fds) {
    if (slots[at++] !== slot) throw new KeptFailed()
    slots[at++] = fd
  }
  for (const offset of meta.marks) for (let i = 0; i < mark.length; i++) bytes[offset + i] = mark.charCodeAt(i)
  return bytes
}

/** Keeps what has just been launched, if it can be done again as it is. */
export function keep(folder: string, key: string, { plan, outline, encoded, mark }: Launching): void {
  if (!encoded || plan.warnings.length > 0 || encoded.bytes.length > MOST) return
  const { parent, presets, keepFds } = plan
  const bytes = Buffer.from(encoded.bytes)
  const marks: number[] = []
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) marks.push(at)
  try {
    const meta: Meta = { parent, presets, outline, keepFds, marks }
    keepExec(folder, key, { meta, bytes })
  } catch (error) {
    // A container that is gone, a disk that is full: then the next is planned as this one was.
    if (!(error instanceof SysError)) throw error
  }
}
