/** Unix sockets: the pair to the container's init, the socket of `start`, the engine's console socket. */
import { baseName, parentPath } from '../base/path.ts'
import { closeFd, openFile, statIf, unlink, withFd } from '../ffi/file.ts'
import { must, native, sys } from '../ffi/native.ts'
import { O_DIRECTORY, O_PATH, S_IFMT, S_IFSOCK } from '../kernel/files.ts'
import { NATIVE } from '../wire/ops.ts'
import { awaitReadable, type Signals } from './signals.ts'

const AF_UNIX = 1
const SOCK_SEQPACKET = 5
const TYPES = { stream: 1, datagram: 2, seqpacket: SOCK_SEQPACKET } as const
const SOCK_CLOEXEC = 0o2000000
const SOCK_NONBLOCK = 0o4000
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const SO_SNDTIMEO = 21
const ENOTSOCK = -88
const ECONNRESET = -104

/** A pair of connected sockets that keep message boundaries. */
export function socketPair(): [ours: number, theirs: number] {
  const pair = Int32Array.of(-1, -1)
  must('socketpair', sys('socketpair', AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
  return [pair[0] as number, pair[1] as number]
}

/** A path as an address, which holds 107 bytes of it at most: what may be longer is named through an fd. */
function address(path: string): Buffer {
  const text = new TextEncoder().encode(`${path}\0`)
  const bytes = Buffer.alloc(2 + text.length)
  bytes[0] = AF_UNIX
  bytes.set(text, 2)
  return bytes
}

/** Listens on a new socket file. */
export function listenUnix(path: string): number {
  const fd = must('socket', sys('socket', AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0))
  try {
    withFd(openFile(parentPath(path), O_PATH | O_DIRECTORY), (folder) => {
      const bytes = address(`/proc/self/fd/${folder}/${baseName(path)}`)
      must(`bind "${path}"`, sys('bind', fd, bytes, bytes.length))
    })
    must(`listen "${path}"`, sys('listen', fd, 4))
    return fd
  } catch (error) {
    closeFd(fd)
    throw error
  }
}

/** Limits how long a call on the socket may block, connect included. */
function setTimeouts(fd: number, ms: number): void {
  const value = Buffer.alloc(16)
  value.writeBigInt64LE(BigInt(Math.floor(ms / 1000)), 0)
  value.writeBigInt64LE(BigInt((ms % 1000) * 1000), 8)
  for (const option of [SO_RCVTIMEO, SO_SNDTIMEO]) sys('setsockopt', fd, SOL_SOCKET, option, value, value.length)
}

/**
 * Connects to a socket file, by an fd of it: a path may be as long as any; or to a name in the abstract namespace, after
 * "@". `timeout` ms (0: none) limits the wait for a
 * listener that has no room, and what is sent later. ENOTSOCK when it is something else.
 */
export function connectUnix(path: string, type: keyof typeof TYPES, timeout: number): number {
  const fd = must('socket', sys('socket', AF_UNIX, TYPES[type] | SOCK_CLOEXEC, 0))
  try {
    setTimeouts(fd, timeout)
    connectTo(fd, path)
    return fd
  } catch (error) {
    closeFd(fd)
    throw error
  }
}

function connectTo(fd: number, path: string): void {
  const connect = (bytes: Buffer) => sys('connect', fd, bytes, bytes.length)
  // KERNEL: such a name begins with a NUL and ends where the address does.
  if (path.startsWith('@')) must(`connect "${path}"`, connect(address(`\0${path.slice(1)}`).subarray(0, -1)))
  else {
    withFd(openFile(path, O_PATH), (file) => {
      const found = ((statIf('', file)?.mode ?? 0) & S_IFMT) === S_IFSOCK
      must(`connect "${path}"`, found ? connect(address(`/proc/self/fd/${file}`)) : ENOTSOCK)
    })
  }
}

/** A datagram socket file that anybody may send to, in place of one that is there; reading it never waits. */
export function listenDatagram(folder: number, name: string): number {
  const fd = must('socket', sys('socket', AF_UNIX, TYPES.datagram | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
  try {
    unlink(name, folder)
    const bytes = address(`/proc/self/fd/${folder}/${name}`)
    // KERNEL: a socket file has mode 0777 but for the umask. Changing it afterwards would be by name, which the container
    // may have put something else under.
    const mask = sys('umask', 0)
    const bound = sys('bind', fd, bytes, bytes.length)
    sys('umask', mask)
    must(`bind "${name}"`, bound)
    return fd
  } catch (error) {
    closeFd(fd)
    throw error
  }
}

/**
 * Receives one message; empty at the end. An fd that came along is the caller's. With `signals` one of those that ask
 * davit to end is an error, 'interrupted'.
 */
export function receive(fd: number, signals?: Signals): { readonly message: Buffer; readonly fd: number } {
  if (signals) awaitReadable(fd, -1, signals)
  const buffer = Buffer.alloc(512)
  const passed = Int32Array.of(-1)
  let length = native(NATIVE.receive, fd, buffer, buffer.length, passed)
  // KERNEL: said once, before what is still queued, when the other side ended without having read all of ours.
  if (length === ECONNRESET) length = native(NATIVE.receive, fd, buffer, buffer.length, passed)
  must('receive from the container init', length)
  return { message: buffer.subarray(0, length), fd: passed[0] as number }
}

/** Sends bytes as one message. */
export function send(fd: number, data: Uint8Array, what: string): void {
  must(what, sys('sendto', fd, data, data.length, 0x4000 /* MSG_NOSIGNAL */, null, 0))
}

/** Sends an fd with some bytes (SCM_RIGHTS). */
export function sendFd(socket: number, data: Uint8Array, fd: number, what: string): void {
  must(what, native(NATIVE.sendFd, socket, data, data.length, fd))
}
