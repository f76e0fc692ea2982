/**
 * What the caller handed to davit and the engine's own start has changed since: native/entry.c notes it before. Without
 * entry.c (Node, or the engine called by itself) there is no note, and nothing is known.
 */
import { RuntimeError } from '../base/errors.ts'

/** How many fds from 3 on the caller had open. */
export function callerFds(): number | undefined {
  const text = process.env.DAVIT_FDS
  return text === undefined ? undefined : Number(text)
}

/** The connection to an init that native/prepared.c has told to go on, and that has more to say than nothing. */
export function callerStart(): number | undefined {
  const text = process.env.DAVIT_START
  return text === undefined ? undefined : Number(text)
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
