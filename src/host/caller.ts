/**
 * What the caller handed to davit and the engine's own start has changed since: native/entry.c notes it before. Without
 * entry.c (Node, or the engine called by itself) there is no note, and nothing is known.
 */
import { RuntimeError } from '../base/errors.ts'

/** How many fds from 3 on the caller had open. */
export function callerFds(): number | undefined {
  const [count] = process.env.DAVIT_FDS?.split(':') ?? []
  return count === undefined ? undefined : Number(count)
}

/** Below 64. */
const FIRST_FDS = 64

/** Which fds from 3 on the caller had open; of those that come after a gap it is known of the first 64 only. */
export function callerOpenFds(): number[] {
  const [count, mask] = process.env.DAVIT_FDS?.split(':') ?? []
  if (count === undefined || mask === undefined) return []
  const open: number[] = []
  for (let fd = 3; fd < 3 + Number(count); fd++) open.push(fd)
  const first = BigInt(mask)
  for (let fd = 3 + Number(count); fd < FIRST_FDS; fd++) if ((first >> BigInt(fd)) & 1n) open.push(fd)
  return open
}

/** What native/prepared.c hands over: the connection to an init that it has told to go on, and the directory, locked. */
export interface CallerStart {
  readonly peer: number
  readonly folder: number
}

/** There when an init that was told to go on has more to say than nothing. */
export function callerStart(): CallerStart | undefined {
  const [peer, folder] = numbers(process.env.DAVIT_START)
  return peer === undefined || folder === undefined ? undefined : { peer, folder }
}

/** The path of the program that has executed the engine; it can do without it what `watch` does, see native/watch.c. */
export function callerSelf(): string | undefined {
  return process.env.DAVIT_SELF
}

/** What native/watch.c hands over: the exit code of a container that has ended, and its directory. */
export interface CallerEnded {
  readonly code: number
  readonly folder: number
}

/** There when a container in the foreground has ended, and there is more to do than what was prepared. */
export function callerEnded(): CallerEnded | undefined {
  const [code, folder] = numbers(process.env.DAVIT_ENDED)
  return code === undefined || folder === undefined ? undefined : { code, folder }
}

/** Two numbers with a colon between them; none where there is nothing. */
function numbers(text: string | undefined): [number?, number?] {
  const [, first, second] = text === undefined ? [] : (/^([0-9]{1,9}):([0-9]{1,9})$/.exec(text) ?? [])
  return first === undefined ? [] : [Number(first), Number(second)]
}

/** The caller's limit of open files: soft, hard. */
export function callerNofile(): readonly [soft: string, hard: string] | undefined {
  const [soft, hard] = process.env.DAVIT_NOFILE?.split(':') ?? []
  return soft !== undefined && hard !== undefined ? [soft, hard] : undefined
}

/**
 * The socket on which the caller's service manager waits for news, sd_notify(3): a path, or a name in the abstract
 * namespace after "@". Throws 'unsupported' for what is neither.
 */
export function callerNotifySocket(): string | undefined {
  const socket = process.env.NOTIFY_SOCKET
  if (!socket) return undefined
  if (socket.length > 1 && (socket.startsWith('/') || socket.startsWith('@'))) return socket
  throw new RuntimeError('unsupported', `NOTIFY_SOCKET "${socket}" is neither a path nor an abstract name`)
}

/** Sockets that a service manager has opened for us, sd_listen_fds(3): as many fds from 3 on. */
export interface ListenFds {
  readonly count: number
  /** Their names, separated by colons. */
  readonly names?: string
}

/** What was handed to this very process; what was meant for another one is nothing to us. */
export function callerListenFds(): ListenFds | undefined {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = process.env
  const count = Number(LISTEN_FDS)
  if (LISTEN_PID !== String(process.pid) || !Number.isSafeInteger(count) || count <= 0) return undefined
  return { count, ...(LISTEN_FDNAMES ? { names: LISTEN_FDNAMES } : {}) }
}
