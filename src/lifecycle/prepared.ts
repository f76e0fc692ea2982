/** Writes down what `create` prepares of other verbs, where the container is ordinary: src/plan/prepared.ts, asked.ts. */
import { readTextIf, statIf } from '../ffi/file.ts'
import { thawedMarks } from '../host/cgroup/freeze.ts'
import { recordDirs } from '../host/cgroup/tree.ts'
import { pidfdInode } from '../host/process.ts'
import { type AskedInput, BOOT_ID, buildAsked } from '../plan/asked.ts'
import { buildPrepared, type PreparedInput } from '../plan/prepared.ts'
import type { Plan } from '../plan/step.ts'
import { ASKED_FILE, PREPARED_FILE, writeStateFile } from '../state/folder.ts'
import { KEPT_EXECS } from '../state/kept_exec.ts'
import { type ContainerRecord, recordStart } from '../state/record.ts'
import { START_SOCKET } from '../state/status.ts'
import { encodeAnswer } from '../wire/decode.ts'
import { encodePlan } from '../wire/encode.ts'
import { WIRE } from '../wire/ops.ts'
import { sealPlan } from '../wire/seal.ts'
import type { Creation } from './creation.ts'
import { viewOf } from './state.ts'

/** Init's pid must be known. A container that is not ordinary gets nothing, and all its verbs are the engine's: false. */
export function prepare(creation: Creation, verb: 'create' | 'run'): boolean {
  const { claim, record } = creation
  if (!isOrdinary(creation)) return false
  const plan = buildPrepared(inputOf(claim.path, record, verb))
  const place = statIf('', claim.fd)
  if (!place) return false
  const seal = (of: Plan) => sealPlan(encodePlan(of, new Map(), creation.arch).bytes, place)
  writeStateFile(claim, PREPARED_FILE, seal(plan))
  // Of one in the foreground few ask, and who waits for it would wait for this.
  const asked = creation.foreground ? undefined : askedOf(creation, verb)
  if (asked) writeStateFile(claim, ASKED_FILE, seal(buildAsked(asked)))
  return true
}

/** Undefined where nothing tells init from another process with its pid. */
function askedOf({ init, record, show, laid }: Creation, verb: 'create' | 'run'): AskedInput | undefined {
  const process = init && pidfdInode(init.pidfd)
  const boot = process === undefined ? undefined : readTextIf(BOOT_ID)
  if (process === undefined || boot === undefined || show === undefined || laid === undefined) return undefined
  const { pid, cgroup } = record
  return {
    record: { path: 'state.json', text: laid },
    pid,
    process,
    boot,
    thawed: cgroup ? thawedMarks(cgroup) : [],
    ...(verb === 'create' ? { socket: START_SOCKET } : {}),
    created: show(viewOf(record, 'created')),
    running: show(viewOf(record, 'running')),
  }
}

/** Without hooks, units, groups of resctrl, agents and managers that somebody would have to speak with. */
function isOrdinary({ record, plan, hookStates, notifier }: Creation): boolean {
  const { unit, intelRdt, sharedCgroup, cgroup, privatePid, seccomp, poststart, poststop, late } = record
  if (unit || intelRdt || sharedCgroup || cgroup?.inner !== undefined || !privatePid || seccomp?.listener) return false
  if (notifier || hookStates.length > 0 || poststart.length > 0 || poststop.length > 0) return false
  for (const { kind } of plan.parent) if (kind === 'hook') return false
  for (const { step } of late ?? []) if (step.kind === 'hook') return false
  return true
}

function inputOf(folder: string, { pid, seccomp, cgroup }: ContainerRecord, verb: 'create' | 'run'): PreparedInput {
  return {
    folder,
    files: [START_SOCKET, 'state.json', 'config.json', ...KEPT_EXECS, ASKED_FILE, PREPARED_FILE],
    record: { path: 'state.json', text: recordStart('created') },
    ...(verb === 'create' ? { socket: START_SOCKET } : {}),
    go: [...encodeAnswer(WIRE.magic)],
    pid,
    ...(seccomp ? { mark: seccomp.mark } : {}),
    thawed: cgroup ? thawedMarks(cgroup) : [],
    cgroups: cgroup ? recordDirs(cgroup) : [],
  }
}
