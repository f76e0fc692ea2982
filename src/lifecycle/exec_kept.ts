/**
 * An `exec` is planned and encoded once for all that differ in nothing but their command, environment, working directory
 * and pid file: the planners know nothing but what they are given, so the text of the rest is the key of what they make
 * of it. Programs are kept as a form, without a command. What fails of one that is filled in, but for the command, is
 * done again in full, which finds the words.
 */
import { RuntimeError, SysError } from '../base/errors.ts'
import { encodeJson } from '../base/json.ts'
import { chdirStep, commandOf, execStep, findStep } from '../plan/command.ts'
import type { ExecInput } from '../plan/exec.ts'
import { pidFileStep } from '../plan/pid_file.ts'
import type { HostStep, Plan, Preset } from '../plan/step.ts'
import { ANNOTATION, annotation } from '../spec/annotations.ts'
import type { Process } from '../spec/types.gen.ts'
import { keepExec, readKeptExec } from '../state/kept_exec.ts'
import type { ContainerRecord } from '../state/record.ts'
import { commandRecords, emptyForm, fillForm, type Holes } from '../wire/form.ts'
import { TABLE_HASH } from '../wire/hash.gen.ts'
import { KeptFailed, type Launching, type Outline, type Programs } from './launching.ts'
import type { Runtime } from './runtime.ts'

/** Bytes of programs: what the first had for its command is in there as zeros, and four of these are kept in memory. */
const MOST = 64 * 1024

interface Meta {
  readonly parent: readonly HostStep[]
  readonly presets: readonly Preset[]
  readonly outline: Outline
  readonly keepFds: number
  readonly holes: Holes
}

/** All else that a plan depends on; undefined for one that somebody else has a part in: a terminal, an agent, systemd. */
export function keyOf({ edition }: Runtime, record: ContainerRecord, input: ExecInput): string | undefined {
  const { spec, facts, request, pid, join, cgroup, rdtTasks } = input
  const { process, linux } = spec
  if (edition === undefined || record.configSum === undefined || !process?.args?.length) return undefined
  if (process.terminal || cgroup.unit || request.pidfdSockets || linux?.seccomp?.listenerPath) return undefined
  if (annotation(spec, ANNOTATION.seccompReceiver) !== undefined) return undefined
  const from = [TABLE_HASH, edition, record.configSum, pid, record.startTime, identityOf(process), facts, join]
  const { id, noNewKeyring, preserveFds } = request
  try {
    return encodeJson([from, id, noNewKeyring, preserveFds, cgroup.tasks, cgroup.into, rdtTasks ?? []], 'exec')
  } catch (error) {
    // Fields that nothing knows may be nested deeper than can be written: no plan is made of them, and no key.
    if (error instanceof RuntimeError) return undefined
    throw error
  }
}

/**
 * What a process is, whatever it executes. In one order: engines write another than the configuration has. Loops, here
 * and in the form: what sorts and maps is compiled by the engine when it is called first.
 */
function identityOf(process: Process): unknown {
  const { args, env, cwd, terminal, consoleSize, user = {}, ...rest } = process
  const { uid, gid, umask, additionalGids, ...more } = user
  const { capabilities, rlimits, noNewPrivileges, oomScoreAdj, apparmorProfile, selinuxLabel, ...others } = rest
  const groups = additionalGids ?? []
  const known = [uid, gid, umask, groups, capabilities, rlimits, noNewPrivileges, oomScoreAdj, apparmorProfile]
  return [known, selinuxLabel, more, others]
}

/** A plan without programs, which are there already. */
export interface Again {
  readonly plan: Plan
  readonly programs: Programs
}

/** What was kept, for a process of the name `mark`. */
export function findKept(folder: string, key: string, input: ExecInput): Again | undefined {
  const kept = readKeptExec<Meta>(folder, key)
  if (!kept) return undefined
  const { outline, keepFds, presets, parent, holes } = kept.meta
  const { pidFile, mark = '' } = input.request
  const steps: HostStep[] = []
  for (const step of parent) {
    // ORDER: as in the plan of exec.
    if (step.kind === 'answer' && step.tag === 'ready' && pidFile) steps.push(pidFileStep(pidFile))
    if (step.kind !== 'pidFile') steps.push(step)
  }
  const command = commandOf(input.spec.process ?? {})
  // Of the steps only those that fail most are known: what there is to say of others takes the whole plan.
  const init = [chdirStep(command.cwd), findStep(command), execStep(command, keepFds)]
  const plan: Plan = { parent: steps, presets, stage: [], init, keepFds, warnings: [] }
  const encode = (fds: ReadonlyMap<number, number>) => {
    const bytes = fillForm(kept.bytes, holes, fds, { ...command, mark })
    if (!bytes) throw new KeptFailed()
    return { bytes, steps: { stage: [], init: commandRecords(kept.bytes, holes) } }
  }
  return { plan, programs: { arch: input.facts.arch, encode, outline } }
}

/** Keeps what has just been launched as a form, if it is one for others. */
export function keep(folder: string, key: string, { plan, outline, encoded, mark }: Launching): void {
  if (!encoded || plan.warnings.length > 0 || encoded.bytes.length > MOST) return
  const { parent, presets, keepFds } = plan
  const bytes = Uint8Array.from(encoded.bytes)
  try {
    const meta: Meta = { parent, presets, outline, keepFds, holes: emptyForm(bytes, mark) }
    keepExec(folder, key, { meta, bytes })
  } catch (error) {
    // A container that is gone, a disk that is full: then the next is planned as this one was.
    if (!(error instanceof SysError)) throw error
  }
}
