/**
 * What `create` prepares of `start` and `delete`, for an ordinary container: two programs for the executor in davit itself,
 * which runs them without the engine. A step that fails hands everything to the engine, so each may be done twice, and
 * all that needs words, decisions or the look of a human is not ordinary.
 */
import type { ChildStep, Plan } from './step.ts'
import { PREPARED } from './tags.ts'

export interface PreparedInput {
  /** The container's state directory. */
  readonly folder: string
  /** Names of what is in it, the program's own file included; others may be there. */
  readonly files: readonly string[]
  /** The record, among those, and what it begins with once the container is created. */
  readonly record: { readonly path: string; readonly text: string }
  /** The socket that init waits on, among those; absent for a container that is started already. */
  readonly socket?: string
  /** What init is told there. */
  readonly go: readonly number[]
  /** Init, on the host, the first process of a pid namespace. */
  readonly pid: number
  /** The name that init has under its seccomp filter until it executes. */
  readonly mark?: string
  /** Files of freezers, and what they begin with as long as nothing is frozen. */
  readonly thawed: readonly { readonly path: string; readonly text: string }[]
  /** The container's own cgroups, in the order in which they are to be removed. */
  readonly cgroups: readonly string[]
}

const SLOT = PREPARED

const LOCK_EX = 2
const LOCK_NB = 4
const AF_UNIX = 1
const SOCK_SEQPACKET = 5
const SOCK_CLOEXEC = 0o2000000
const MSG_NOSIGNAL = 0x4000
const F_DUPFD_CLOEXEC = 1030
const AT_FDCWD = -100
const AT_REMOVEDIR = 0x200
/** sun_path, with the NUL at its end. */
const MAX_SOCKET_PATH = 108
/** All fds of the caller stay open, for the engine that may come after. */
const KEEP_ALL = 1 << 20

/** The plan: its stage is `start`, its init `delete`. Pure. */
export function buildPrepared(input: PreparedInput): Plan {
  const socket = input.socket === undefined ? undefined : address(`${input.folder}/${input.socket}`)
  return {
    parent: [],
    presets: [],
    stage: socket === undefined ? [] : startSteps(input, input.socket as string, socket),
    init: deleteSteps(input),
    keepFds: KEEP_ALL,
    warnings: [],
  }
}

/** struct sockaddr_un; undefined for a path that it has no room for. */
function address(path: string): number[] | undefined {
  const bytes = [...new TextEncoder().encode(path), 0]
  return bytes.length > MAX_SOCKET_PATH ? undefined : [AF_UNIX, 0, ...bytes]
}

/**
 * ORDER: the lock before the look whether the directory is still that of the id: one that was removed is empty. Our own
 * file was found in this very directory, so it is not of a container before.
 */
function lockSteps({ files }: PreparedInput, how: number): ChildStep[] {
  return [
    { kind: 'call', name: 'flock', args: [{ slot: SLOT.folder }, how] },
    { kind: 'call', name: 'faccessat2', args: [{ slot: SLOT.folder }, files.at(-1) ?? '', 0, 0] },
  ]
}

const leave: ChildStep = { kind: 'call', name: 'exit_group', args: [{ slot: SLOT.code }] }

/**
 * As src/lifecycle/start.ts. Init is told once, so from there on the engine gets the connection. ORDER: the second fd of
 * it before init is told: when there is no room for one, nothing has happened.
 */
function startSteps(input: PreparedInput, name: string, socket: readonly number[]): ChildStep[] {
  const { pid, mark, record, thawed, go } = input
  return [
    ...lockSteps(input, LOCK_EX),
    { kind: 'expect', dir: SLOT.folder, path: record.path, data: record.text, is: true },
    ...thawed.map(({ path, text }): ChildStep => ({ kind: 'expect', dir: 'cwd', path, data: text, is: true })),
    { kind: 'call', name: 'socket', args: [AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0], out: SLOT.untold },
    { kind: 'call', name: 'fcntl', args: [{ slot: SLOT.untold }, F_DUPFD_CLOEXEC, 3], out: SLOT.peer },
    { kind: 'call', name: 'connect', args: [{ slot: SLOT.peer }, { bytes: socket }, socket.length] },
    { kind: 'call', name: 'sendto', args: [{ slot: SLOT.peer }, { bytes: go }, go.length, MSG_NOSIGNAL, 0, 0] },
    { kind: 'close', slot: SLOT.untold },
    { kind: 'hearEnd', slot: SLOT.peer },
    ...(mark === undefined ? [] : [executed(pid, mark)]),
    { kind: 'unlink', dir: SLOT.folder, path: name },
    leave,
  ]
}

/** Under a filter init may die without a word: then it still has, or had last, the name from before. */
function executed(pid: number, mark: string): ChildStep {
  const path = `/proc/${pid}/stat`
  return { kind: 'expect', dir: 'cwd', path, data: `${pid} (${mark})`, is: false, tolerate: ['ENOENT', 'ESRCH'] }
}

/**
 * As src/lifecycle/delete.ts, where init is gone, and with it all processes of its namespace. ORDER: a program that is
 * killed half-way leaves something that `delete` finds.
 */
function deleteSteps(input: PreparedInput): ChildStep[] {
  const { folder, files, pid, cgroups } = input
  return [
    ...lockSteps(input, LOCK_EX | LOCK_NB),
    // Of another pid namespace the one does not see it, of another /proc the other.
    ...gone({ kind: 'call', name: 'kill', args: [pid, 0], tolerate: ['ESRCH'], skip: 1 }),
    ...gone({
      kind: 'call',
      name: 'faccessat2',
      args: [AT_FDCWD, `/proc/${pid}`, 0, 0],
      tolerate: ['ENOENT'],
      skip: 1,
    }),
    ...cgroups.map((path): ChildStep => ({ ...removal(path), tolerate: ['ENOENT', 'ENODEV'] })),
    ...files.map((path): ChildStep => ({ kind: 'unlink', dir: SLOT.folder, path, tolerate: ['ENOENT'] })),
    removal(folder),
    leave,
  ]
}

/** Gone is what passes: over the step after it, which fails. */
function gone(look: ChildStep): ChildStep[] {
  return [look, { kind: 'call', name: 'close', args: [-1] }]
}

function removal(path: string): Extract<ChildStep, { kind: 'call' }> {
  return { kind: 'call', name: 'unlinkat', args: [AT_FDCWD, path, AT_REMOVEDIR] }
}
