/** criu(8) as a worker of ours (`criu swrk`): it takes requests on a socket, and tells of its progress on it. */
import { RuntimeError } from '../../base/errors.ts'
import { closeFd, statIf } from '../../ffi/file.ts'
import { must, native } from '../../ffi/native.ts'
import { type CriuRequest, type CriuResponse, REQUEST } from '../../plan/criu/model.ts'
import { decodeResponse, encodeRequest } from '../../wire/criu.ts'
import { NATIVE } from '../../wire/ops.ts'
import { memfd, memfdTail } from '../memfd.ts'
import { destroyChild, exitWords, type Launched, launch, waitFor } from '../process.ts'
import { awaitReadable, type Signals } from '../signals.ts'
import { send, socketPair } from '../socket.ts'
import { errorLines } from './log.ts'

/** SAFETY: where the system keeps criu; never the caller's PATH or current directory, both may be anybody's. */
const FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'] as const
/** criu runs tar, ip and iptables or nft: found in the same places. */
const PATH = `PATH=${FOLDERS.join(':')}`

/** The oldest with external pid namespaces, --status-fd and the freezer of cgroup v2. */
const OLDEST = [3, 15] as const

/** How long it may take to end when it has nothing left to do, in ms. */
const PATIENCE = 10_000
/** More than the longest message: what criu says is a name, or the first line of an error. */
const ROOM = 8192

export interface Worker {
  readonly child: Launched
  readonly socket: number
  /** What it prints to, in memory. */
  readonly output: number
  /** Where signals go: one that asks davit to end ends the wait for an answer. */
  readonly signals?: Signals | undefined
}

/** Something that criu tells while it works, and waits for an answer to. */
export interface Notice {
  readonly script: string
  readonly pid: number
  /** An fd that came along, or -1; closed afterwards. */
  readonly fd: number
}

/** Absolute path of criu. Throws 'unsupported' where there is none. */
export function findCriu(): string {
  const path = FOLDERS.map((folder) => `${folder}/criu`).find((place) => statIf(place) !== undefined)
  if (path === undefined) {
    throw new RuntimeError('unsupported', `criu is not installed: not found in ${FOLDERS.join(', ')}`)
  }
  return path
}

export interface Start {
  /** Path of criu. */
  readonly path: string
  /** What it gets, under the numbers that they have. */
  readonly fds: readonly number[]
  /** Its standard streams are ours: it looks for the terminal of a shell job there. */
  readonly shellJob: boolean
  readonly signals?: Signals | undefined
}

/** Starts criu. What it prints until it has a log of its own is kept for {@link askCriu} to tell. */
export function startCriu({ path, fds, shellJob, signals }: Start): Worker {
  const [ours, theirs] = socketPair()
  const output = memfd('criu-output')
  try {
    const args = ['criu', 'swrk', String(theirs)]
    const kept = [theirs, ...fds].map((fd) => [fd, -1] as const)
    const streams = shellJob ? [] : ([1, 2] as const).map((fd) => [output, fd] as const)
    const child = launch(`exec "${path}"`, { path, args, env: [PATH], flags: 0, fds: [...kept, ...streams] })
    return { child, socket: ours, output, signals }
  } catch (error) {
    closeFd(ours)
    closeFd(output)
    throw error
  } finally {
    closeFd(theirs)
  }
}

/** Ends the conversation. An idle criu leaves when nobody speaks to it any more; `kill`: whatever it is at. */
export function endCriu({ child, socket, output }: Worker, kill: boolean): void {
  closeFd(socket)
  closeFd(output)
  if (kill || !waitFor(child, PATIENCE)) destroyChild(child)
  else closeFd(child.pidfd)
}

/** One request and its answer; `heed` acts on what criu tells meanwhile: when it throws, criu is told to give up. */
export function askCriu(worker: Worker, request: CriuRequest, heed: (notice: Notice) => void): CriuResponse {
  say(worker, request)
  let failure: unknown
  for (;;) {
    const { response, fd } = hear(worker)
    if (response.type !== REQUEST.notify || !response.notify) {
      if (fd >= 0) closeFd(fd)
      if (failure !== undefined) throw failure
      return response
    }
    const { script = '', pid = 0 } = response.notify
    try {
      if (failure === undefined) heed({ script, pid, fd })
    } catch (error) {
      // From here on it goes on whatever it is told, and is to be ended.
      if (script === 'pre-resume') throw error
      failure = error
    } finally {
      if (fd >= 0) closeFd(fd)
    }
    say(worker, { type: REQUEST.notify, notifySuccess: failure === undefined })
  }
}

function say({ socket }: Worker, request: CriuRequest): void {
  send(socket, encodeRequest(request), 'write to criu')
}

function hear({ socket, child, output, signals }: Worker): { readonly response: CriuResponse; readonly fd: number } {
  if (signals) awaitReadable(socket, -1, signals)
  const buffer = Buffer.alloc(ROOM)
  const passed = Int32Array.of(-1)
  const length = must('read from criu', native(NATIVE.receive, socket, buffer, buffer.length, passed))
  if (length > 0) return { response: decodeResponse(buffer.subarray(0, length)), fd: passed[0] as number }
  const exit = waitFor(child, PATIENCE)
  const words = ['criu ended without an answer', ...(exit ? [exitWords(exit)] : [])]
  throw new RuntimeError('criu', [words.join(': '), ...errorLines(memfdTail(output))].join('; '))
}

/** Throws 'unsupported' when criu is too old; otherwise it waits for the next request. */
export function checkVersion(worker: Worker): void {
  const { version } = askCriu(worker, { type: REQUEST.version, keepOpen: true }, () => {})
  const { majorNumber: major = 0, minorNumber: minor = 0 } = version ?? {}
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return
  throw new RuntimeError('unsupported', `criu ${major}.${minor} is too old: ${OLDEST.join('.')} or newer is needed`)
}
