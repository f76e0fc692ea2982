/**
 * sd_notify(3) for a container: it has a socket of its own, in a folder of the state directory that is mounted into it.
 * READY=1 from there goes on to the service manager, with the pid to watch; nothing else does. The service manager has
 * to look at who sent it, so whoever sends stays until that is done (sd_notify_barrier(3)).
 */
import { messageOf, RuntimeError, SysError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { closeFd, openAt, withFd } from '../ffi/file.ts'
import { must, sys } from '../ffi/native.ts'
import { POLLIN, pollSet } from '../host/poll.ts'
import { awaitReadable, type Signals } from '../host/signals.ts'
import { connectUnix, listenDatagram, send, sendFd } from '../host/socket.ts'
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH } from '../kernel/files.ts'
import { NOTIFY_NAME, NOTIFY_STATE } from '../plan/activation.ts'
import type { Claim } from '../state/folder.ts'
import type { Watch } from './foreground.ts'

/** How long the service manager may take, in ms; runc's and crun's patience. */
const BARRIER = 30_000
/** What a message may have at most, as systemd has it. */
const MESSAGE = 4096
/** As many messages are read before something else has its turn. */
const MANY = 256

/** The way from one container to one service manager. */
export interface Notifier {
  /** Makes the container's socket; before its process runs. Throws 'start' for a container that was not made for it. */
  listen(claim: Claim): void
  /** What a foreground is to watch; `pid` is told to the service manager. */
  watches(pid: number): readonly Watch[]
  /** Stays until the container has said that it is ready, or has ended. */
  awaitReady(pid: number, pidfd: number): void
  /** Stays until the service manager has heard what was said, if anything was. */
  settle(signals?: Signals): void
  close(): void
}

/** Connects to the service manager; throws 'start' when nobody is there. */
export function openNotifier(host: string, log: Log): Notifier {
  let manager = connect(host)
  let container = -1
  let ready = false
  let barrier = -1
  let until = 0

  const tell = (pid: number): void => {
    ready = true
    try {
      send(manager, Buffer.from(`READY=1\nMAINPID=${pid}`), 'send READY=1')
      barrier = sendBarrier(manager)
      until = Date.now() + BARRIER
    } catch (error) {
      if (!(error instanceof SysError)) throw error
      log.warning(`notify socket "${host}": ${error.message}`)
    }
  }
  const hear = (pid: number): void => {
    // Read on when all is said: a container must not have to wait for room in the queue. But not for ever.
    for (let i = 0; i < MANY; i++) {
      const message = read(container)
      if (message === undefined) return
      if (!ready && message.split('\n').includes('READY=1')) tell(pid)
    }
  }
  const dropBarrier = (): void => {
    if (barrier >= 0) closeFd(barrier)
    barrier = -1
  }

  return {
    listen: (claim) => {
      container = listenIn(claim)
    },
    watches: (pid) => [
      { fd: () => container, act: () => hear(pid) },
      { fd: () => barrier, act: dropBarrier },
    ],
    awaitReady: (pid, pidfd) => {
      const set = pollSet(2)
      for (let ended = false; !ready && !ended; ended = set.ready(1) !== 0) {
        set.watch(0, container, POLLIN)
        set.watch(1, pidfd, POLLIN)
        set.wait(-1)
        hear(pid)
      }
    },
    settle: (signals) => {
      if (barrier < 0) return
      try {
        const heard = awaitReadable(barrier, Math.max(0, until - Date.now()), signals)
        if (!heard) log.warning(`notify socket "${host}": nobody has read it within ${BARRIER / 1000} s`)
      } catch (error) {
        // Asked to end: then it is as it is.
        if (!(error instanceof RuntimeError && error.code === 'interrupted')) throw error
      }
      dropBarrier()
    },
    close: () => {
      dropBarrier()
      for (const fd of [container, manager]) if (fd >= 0) closeFd(fd)
      container = manager = -1
    },
  }
}

function connect(host: string): number {
  try {
    return connectUnix(host, 'datagram', 5_000)
  } catch (error) {
    throw new RuntimeError('start', `notify socket "${host}": ${messageOf(error)}`)
  }
}

function listenIn(claim: Claim): number {
  try {
    const folder = openAt(claim.fd, NOTIFY_STATE, O_PATH | O_DIRECTORY | O_NOFOLLOW)
    return withFd(folder, () => listenDatagram(folder, NOTIFY_NAME))
  } catch (error) {
    if (!(error instanceof SysError && error.errnoName === 'ENOENT')) throw error
    throw new RuntimeError('start', 'NOTIFY_SOCKET is set, but was not when the container was created')
  }
}

/** One message; undefined when there is none just now. */
function read(fd: number): string | undefined {
  const buffer = Buffer.alloc(MESSAGE)
  const got = sys('read', fd, buffer, buffer.length)
  return got < 0 ? undefined : buffer.toString('latin1', 0, got)
}

/** SPEC: sd_notify(3), BARRIER=1: an fd that the reader closes when it has come so far. Our end of that pipe. */
function sendBarrier(manager: number): number {
  const pair = Int32Array.of(-1, -1)
  must('pipe', sys('pipe2', pair, O_CLOEXEC))
  const [ours, theirs] = [pair[0] as number, pair[1] as number]
  try {
    sendFd(manager, Buffer.from('BARRIER=1'), theirs, 'send BARRIER=1')
    return ours
  } catch (error) {
    closeFd(ours)
    throw error
  } finally {
    closeFd(theirs)
  }
}
