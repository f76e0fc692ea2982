/**
 * What `create` prepares of `kill` and `state`, for an ordinary container: two more programs for the executor in davit
 * itself, as those of src/plan/prepared.ts. Both look first whether all is as it mostly is: created, alive, not frozen; when
 * not, the engine is asked, and nothing has been done.
 */
import type { PreparedInput } from './prepared.ts'
import type { ChildStep, Plan } from './step.ts'
import { PREPARED } from './tags.ts'

export interface AskedInput extends Pick<PreparedInput, 'pid' | 'thawed'> {
  /** The record in the container's directory, all of it: one that somebody has changed is looked at by the engine. */
  readonly record: PreparedInput['record']
  /** The inode of init's pidfd, which no other process has until the next boot (pidfs, Linux 6.9). */
  readonly process: number
  /** The boot of which that is, as the kernel tells it. */
  readonly boot: string
  /** The socket that init waits on, in the container's directory; absent for a container that is started already. */
  readonly socket?: string
  /** What `state` prints of a container that is created, and that is running. */
  readonly created: string
  readonly running: string
}

/** As much as goes into a pipe at once (PIPE_BUF): what is longer is the engine's to print. */
const MOST = 4096

const AT_FDCWD = -100
const O_PATH = 0o10000000
const O_NOFOLLOW = 0o400000
const F_DUPFD_CLOEXEC = 1030
const SIGPIPE = 13
const SIGXFSZ = 25
/** The kernel's struct sigaction: SIG_IGN, no flags, an empty mask. */
const IGNORE: readonly number[] = [1, ...new Array<number>(31).fill(0)]
/** KERNEL: a killed process of a frozen v1 cgroup dies when that is thawed. */
const V1 = 'THAWED\n'

/** Another one after each boot, proc(5). */
export const BOOT_ID = '/proc/sys/kernel/random/boot_id'

const SLOT = PREPARED
/** A program is not empty: this is one that asks the engine. */
const FAIL: ChildStep = { kind: 'call', name: 'close', args: [-1] }
const leave: ChildStep = { kind: 'call', name: 'exit_group', args: [0] }

/** The plan: its stage is `kill`, its init `state`. Pure. */
export function buildAsked(input: AskedInput): Plan {
  return {
    parent: [],
    presets: [],
    stage: killSteps(input),
    init: stateSteps(input),
    keepFds: 1 << 20,
    warnings: [],
  }
}

/**
 * A zombie has no memory, and so no executable. ORDER: the pidfd first: the pid may be used again at any time. KERNEL: the
 * link is read, not followed: FUSE and NFS would ask a server that may be gone, or the container's own.
 */
function lookSteps({ record, pid, process, boot, thawed }: AskedInput): ChildStep[] {
  return [
    { kind: 'expect', dir: SLOT.folder, path: record.path, data: record.text, is: true },
    { kind: 'expect', dir: 'cwd', path: BOOT_ID, data: boot, is: true },
    { kind: 'call', name: 'pidfd_open', args: [pid, 0], out: SLOT.process },
    { kind: 'verify', slot: SLOT.process, is: { inode: process } },
    { kind: 'call', name: 'readlinkat', args: [AT_FDCWD, `/proc/${pid}/exe`, { bytes: [0] }, 1] },
    ...thawed.map(({ path, text }): ChildStep => ({ kind: 'expect', dir: 'cwd', path, data: text, is: true })),
  ]
}

/**
 * As src/lifecycle/kill.ts, without `--all`. After SIGKILL, and only then (slot `killed` is empty otherwise), it is looked
 * once more: a pause may have come between.
 */
function killSteps(input: AskedInput): ChildStep[] {
  const steps = lookSteps(input)
  steps.push({ kind: 'call', name: 'pidfd_send_signal', args: [{ slot: SLOT.process }, { slot: SLOT.signal }, 0, 0] })
  for (const { path, text: data } of input.thawed) {
    if (data !== V1) continue
    const gone = ['ENOENT', 'ENODEV']
    steps.push({ kind: 'expect', dir: SLOT.killed, path, data, is: true, ifOpen: true, tolerate: gone })
  }
  steps.push(leave)
  return steps
}

/** As src/lifecycle/state.ts. */
function stateSteps(input: AskedInput): ChildStep[] {
  const { pid, socket, created, running } = input
  const texts = [say(created), say(running)]
  if (texts.some((steps) => steps.length === 0)) return [FAIL]
  const [sayCreated = [], sayRunning = []] = texts
  const steps = lookSteps(input)
  // A reader that has left, and a file that may be no longer (RLIMIT_FSIZE), are told of by the engine.
  for (const signal of [SIGPIPE, SIGXFSZ])
    steps.push({ kind: 'call', name: 'rt_sigaction', args: [signal, { bytes: IGNORE }, 0, 8] })
  if (socket !== undefined) {
    const waiting = [open(`/proc/${pid}/exe`), isInit(), ...sayCreated]
    const look: ChildStep = { kind: 'call', name: 'faccessat2', args: [{ slot: SLOT.folder }, socket, 0, 0] }
    steps.push({ ...look, tolerate: ['ENOENT'], skip: waiting.length }, ...waiting)
  }
  steps.push(...sayRunning)
  return steps
}

/** The link, not what it leads to. */
function open(path: string): ChildStep {
  return { kind: 'open', dir: 'cwd', path, flags: O_PATH | O_NOFOLLOW, out: SLOT.untold }
}

/** A start that was killed before it removed the socket leaves a lie. */
function isInit(): ChildStep {
  return { kind: 'verify', slot: SLOT.untold, is: { link: '/memfd:davit-init (deleted)' } }
}

/**
 * All of it is written to a pipe, or nothing; none where it is too long for that. Where a disk takes a part of it only, the
 * engine finds no place either, and says so.
 */
function say(data: string): ChildStep[] {
  if (new TextEncoder().encode(data).length > MOST) return []
  return [
    { kind: 'call', name: 'fcntl', args: [1, F_DUPFD_CLOEXEC, 0], out: SLOT.untold },
    { kind: 'writeSlot', slot: SLOT.untold, data },
    leave,
  ]
}
