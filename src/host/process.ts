/** Processes by pid and pidfd: start, identity, signals, waiting. */
import { SysError } from '../base/errors.ts'
import { closeFd, readTextIf, statIf } from '../ffi/file.ts'
import { cstring, must, native, sys } from '../ffi/native.ts'
import { DataArea } from '../wire/data.ts'
import { NATIVE } from '../wire/ops.ts'
import { awaitReadable, type Signals } from './signals.ts'

const CLONE_PIDFD = 0x1000
const EAGAIN = -11

export interface Launch {
  /** Path of the program, or undefined to run the fd `exe`. */
  readonly path?: string
  readonly exe?: number
  readonly args: readonly string[]
  readonly env: readonly string[]
  /** CLONE_NEW* flags. */
  readonly flags: number
  /** fd of a v2 cgroup directory to be born in. */
  readonly cgroup?: number
  /** fds the program gets: [fd, its number there or -1 to keep the number]. */
  readonly fds: readonly (readonly [number, number])[]
}

export interface Launched {
  readonly pid: number
  readonly pidfd: number
}

/** What libdavit's launch takes, and where it puts the pidfd. */
function operands(request: Launch) {
  const strings = new DataArea()
  const { place } = strings.list([...request.args, ...request.env])
  // A copy: it is read when other strings have been made.
  const path = request.path === undefined ? null : cstring(request.path).slice()
  const words = [
    request.exe ?? -1,
    request.args.length + request.env.length,
    request.args.length,
    request.flags | CLONE_PIDFD,
    0,
    request.cgroup ?? -1,
    request.fds.length,
  ]
  for (const [fd, number] of request.fds) words.push(fd, number)
  return [new Int32Array(words), path, strings.bytes.subarray(place), new Int32Array([-1])] as const
}

/** Starts a program; throws SysError when clone or exec fail. The pidfd is the caller's to close. */
export function launch(what: string, request: Launch): Launched {
  const [numbers, path, strings, pidfd] = operands(request)
  const pid = must(what, native(NATIVE.launch, numbers, path, strings, pidfd))
  return { pid, pidfd: pidfd[0] as number }
}

/** A program that is being started. */
export interface BegunLaunch {
  /** Waits until it is there; throws as {@link launch} does. Must be called, and what was handed over live until then. */
  finish(): Launched
  /** It does not die with its parent any more, or has ended: what the launch has taken may go. Comes after `finish`. */
  leave(): void
}

/** Begins to start a program while we do something else. */
export function beginLaunch(what: string, request: Launch): BegunLaunch {
  const [numbers, path, strings, pidfd] = operands(request)
  // Without namespaces to be made it takes less time than another thread does. Where there is none, we do it ourselves.
  const begun = request.flags === 0 ? 0 : native(NATIVE.beginLaunch, numbers, path, strings, pidfd)
  // SAFETY: what `begun` points to is freed when the other thread ends.
  let there = begun > 0
  return {
    finish() {
      // What the other thread reads is handed over once more: so nobody takes it for unused.
      let result = there ? native(NATIVE.finishLaunch, begun, numbers, path, strings, pidfd) : EAGAIN
      if (result < 0) there = false
      // The limit of processes may have had room for that thread only, or for none.
      if (result === EAGAIN) result = native(NATIVE.launch, numbers, path, strings, pidfd)
      return { pid: must(what, result), pidfd: pidfd[0] as number }
    },
    leave() {
      if (there) native(NATIVE.leaveLaunch, begun)
      there = false
    },
  }
}

/** What becomes another program, execve(2), with the fds that are not close-on-exec. Returns -errno when it could not. */
export function replacement(path: string, args: readonly string[], env: readonly string[]): () => number {
  const strings = new DataArea()
  const { place } = strings.list([...args, ...env])
  const bytes = strings.bytes.subarray(place)
  // A copy: it is read when other strings have been made.
  const program = cstring(path).slice()
  return () => native(NATIVE.replace, program, bytes, args.length + env.length, args.length)
}

/** What /proc/PID/stat says, undefined when there is no such process. */
export interface ProcessStat {
  /** One letter, proc(5): Z is a zombie, X dead. */
  readonly state: string
  /** Clock ticks after boot; with the pid it identifies a process for good. */
  readonly startTime: number
}

/** Reads /proc/PID/stat. The name may contain anything, so fields are counted from its last parenthesis. */
export function processStat(pid: number): ProcessStat | undefined {
  const text = readTextIf(`/proc/${pid}/stat`)
  if (!text) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] as string, startTime: Number(fields[19]) }
}

/** The pid that a process has in its own pid namespace. */
export function innerPid(pid: number): number {
  const line = /^NSpid:\t(.*)$/m.exec(readTextIf(`/proc/${pid}/status`) ?? '')?.[1]
  return Number(line?.split('\t').at(-1) ?? pid)
}

/** A name for a process that has yet to execute: no program can know it, and call itself so. */
export function freshMark(): string {
  return `davit-${Math.random().toString(36).slice(2, 11).padEnd(9, '0')}`
}

/** PF_EXITING of include/linux/sched.h. */
const EXITING = 4

/**
 * Whether a process is ending, or has ended, under the name that it had before it was to execute; false when nothing is
 * known of it any more.
 */
export function diedBeforeExec(pid: number, mark: string): boolean {
  const text = readTextIf(`/proc/${pid}/stat`)
  if (!text?.includes(`(${mark})`)) return false
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || (Number(fields[6]) & EXITING) !== 0
}

/** PID_FS_MAGIC of include/uapi/linux/magic.h. */
const PID_FS = 0x50494446

/** KERNEL(6.9): a number that no other process has had since the machine began. Undefined on older kernels. */
export function pidfdInode(pidfd: number): number | undefined {
  const status = new Uint32Array(30) // struct statfs
  if (sys('fstatfs', pidfd, status) < 0 || status[0] !== PID_FS) return undefined
  const inode = statIf('', pidfd)?.inode ?? 0
  return inode > 0 && Number.isSafeInteger(inode) ? inode : undefined
}

/** pidfd_open(2); undefined when the process is gone. */
export function openPidfd(pid: number): number | undefined {
  const fd = sys('pidfd_open', pid, 0)
  if (fd === -3 || fd === -22) return undefined
  return must(`pidfd_open ${pid}`, fd)
}

/** pidfd_send_signal(2); false when the process is gone. */
export function signalPidfd(pidfd: number, signal: number): boolean {
  const result = sys('pidfd_send_signal', pidfd, signal, null, 0)
  if (result === -3) return false
  must(`pidfd_send_signal ${signal}`, result)
  return true
}

/** How a process ended, as wait(2) tells it. */
export interface Exit {
  readonly code: number | undefined
  readonly signal: number | undefined
}

/** "exit status 3" or "killed by signal 9". */
export function exitWords({ code, signal }: Exit): string {
  return signal === undefined ? `exit status ${code}` : `killed by signal ${signal}`
}

/** Reads a wait status. */
export function exitOf(status: number): Exit {
  const signal = status & 0x7f
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: undefined } : { code: undefined, signal }
}

/** wait4(2) for a child of ours; undefined when `block` is false and it still runs, or when it is no child. */
export function reap(pid: number, block = true): Exit | undefined {
  const status = new Int32Array(1)
  const result = sys('wait4', pid, status, block ? 0 : 1, 0)
  if (result === 0 || result === -10) return undefined
  must(`wait for ${pid}`, result)
  return exitOf(status[0] as number)
}

/**
 * Waits for a child with a limit in ms (0: none), by its pidfd. undefined: the time ran out. With `signals` one of those
 * that ask davit to end is an error, 'interrupted'.
 */
export function waitFor(child: Launched, timeout: number, signals?: Signals): Exit | undefined {
  if (!awaitReadable(child.pidfd, timeout > 0 ? timeout : -1, signals)) return undefined
  return reap(child.pid) ?? { code: 0, signal: undefined }
}

/** Kills and reaps a child; never throws, it is used where an error is already on its way. */
export function destroyChild(child: Launched): void {
  try {
    signalPidfd(child.pidfd, 9)
    reap(child.pid)
  } catch (error) {
    if (!(error instanceof SysError)) throw error
  } finally {
    closeFd(child.pidfd)
  }
}
